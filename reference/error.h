/*
 * What went wrong, in one sentence, and whose fault it is.
 *
 * A function that can fail returns an enum error_kind (0 is success) and fills the struct error it was given. The
 * sentence is complete where it is made: file, line, offending text and what is allowed. `main` prints it once. Of a
 * file with several errors the text is a line for each (harness/support/error_list.h).
 */
#ifndef REFERENCE_ERROR_H
#define REFERENCE_ERROR_H

/* The values are the exit codes of the program. */
enum error_kind {
    ERROR_NONE = 0,
    ERROR_SUBJECT = 1,      /* what is judged failed to run: a verdict, for who judges */
    ERROR_USAGE = 2,        /* the command line or a case file is wrong */
    ERROR_SYSTEM = 3,       /* memory, device, file system, or a bug in a kernel that the executor caught */
    ERROR_INTERRUPTED = 130 /* the user pressed Ctrl-C */
};

struct error {
    enum error_kind kind;
    int how; /* of ERROR_SUBJECT, where it is known: an enum run_failure (harness/subject/run_failure.h); else 0 */
    char text[8192];
};

/* Fills *error and returns kind, so that `return error_set(...)` reads well. error may be NULL. */
enum error_kind error_set(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ERROR_SYSTEM with the text "out of memory: WHAT needs N bytes", N printed for people. */
enum error_kind error_memory(struct error *error, const char *what, double size_bytes);

/* size_bytes for people ("1.08 GB"); text has room for at least 32 characters and is returned. */
char *format_size(char *text, double size_bytes);

#endif
