/*
 * A file that appears under its name when it is whole: it is written aside and renamed, so that what was there stays
 * until then, and for good if writing fails. Standard output, pipes and devices are written to as they are.
 */
#ifndef HARNESS_SUPPORT_WHOLE_FILE_H
#define HARNESS_SUPPORT_WHOLE_FILE_H

#include <stdio.h>

#include "reference/error.h"

struct whole_file {
    FILE *stream;
    char *target;  /* links followed, so that what they point to is replaced and not they */
    char *partial; /* NULL: written to as it is */
};

/* "-" is standard output. ERROR_SYSTEM if it cannot be written; *file is then empty. */
enum error_kind whole_file_open(struct whole_file *file, const char *path, struct error *error);

/* Gives the file its name. ERROR_SYSTEM where that, or any writing before, failed: what was there stays. */
enum error_kind whole_file_close(struct whole_file *file, struct error *error);

/* Leaves what was there. An empty one is nothing. */
void whole_file_discard(struct whole_file *file);

#endif
