/*
 * What is printed on standard output, caught.
 */
#ifndef HARNESS_REPORT_SINK_TESTS_CAPTURE_H
#define HARNESS_REPORT_SINK_TESTS_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct capture {
    int saved;
    FILE *file;
};

/* Until capture_end, standard output goes to a file that has no name. */
static inline void capture_begin(struct capture *capture)
{
    fflush(stdout);
    capture->saved = dup(STDOUT_FILENO);
    capture->file = tmpfile();
    if (capture->saved < 0 || !capture->file || dup2(fileno(capture->file), STDOUT_FILENO) < 0)
        abort();
}

/* What was printed since, at most 64 KiB; the caller frees it. */
static inline char *capture_end(struct capture *capture)
{
    enum { LIMIT = 1 << 16 };
    fflush(stdout);
    char *text = calloc(1, LIMIT + 1);
    if (!text || dup2(capture->saved, STDOUT_FILENO) < 0 || fseek(capture->file, 0, SEEK_SET) != 0)
        abort();
    size_t size = fread(text, 1, LIMIT, capture->file);
    text[size] = '\0';
    fclose(capture->file);
    close(capture->saved);
    return text;
}

#endif
