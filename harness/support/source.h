/*
 * A text that a person wrote and whose mistakes are reported by place: a case file or one --set option.
 *
 * The text is UTF-8 without control characters other than tab and line breaks, nor characters that change the direction
 * of writing; a byte order mark at its start is left out. Lines end in LF, CR LF or CR; columns count characters; both
 * start at 1.
 */
#ifndef HARNESS_SUPPORT_SOURCE_H
#define HARNESS_SUPPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "reference/error.h"

struct source {
    const char *name; /* the file's path, "standard input", or "--set KEY=VALUE"; the caller's */
    const char *text;
    size_t size;
    bool one_line;       /* a place in it is NAME:COLUMN */
    bool standard_input; /* it was read from there */
    char *memory;        /* what source_read allocated */
};

/* A byte of a source and the line it stands on; the column is found when it is printed. */
struct place {
    const struct source *source;
    size_t offset;
    int line;
};

/* Reads a regular file of at most max_bytes, "-" for standard input, and checks it. source is overwritten;
 * source_clear frees. */
enum error_kind source_read(struct source *source, const char *path, size_t max_bytes, struct error *error);
void source_clear(struct source *source);

/* Takes over a text in memory, which must outlive source, and checks it the same way. */
enum error_kind source_init(struct source *source, const char *name, const char *text, size_t size, bool one_line,
                            struct error *error);

/* The place of a byte, line counted from the start. */
struct place source_place(const struct source *source, size_t offset);
int place_column(const struct place *place);

/* ERROR_USAGE with "NAME:LINE:COLUMN: " and the sentence. */
enum error_kind place_error(struct error *error, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum { QUOTE_SIZE = 128, PATH_QUOTE_SIZE = 320 };

/*
 * text in single quotes for a message of one line: control characters, characters that change the direction of
 * writing and bytes that are not UTF-8 as escapes; long text ends in "...". quoted has QUOTE_SIZE characters and is
 * returned.
 */
char *quote(char *quoted, const char *text, size_t size);
/* The same for a string, without the quotes, for a path: what is too long loses its beginning. PATH_QUOTE_SIZE. */
char *quote_path(char *quoted, const char *path);

#endif
