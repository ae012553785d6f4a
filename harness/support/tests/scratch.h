/*
 * Where a test writes: in $TMPDIR, of which scripts/run-tests makes one for each program and removes it with all that
 * is in it, however the program ends; in /tmp where there is none.
 */
#ifndef HARNESS_SUPPORT_TESTS_SCRATCH_H
#define HARNESS_SUPPORT_TESTS_SCRATCH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCRATCH_SIZE = 256, SCRATCH_PATH_SIZE = SCRATCH_SIZE + 64 }; /* of a path, and of one within a folder */

/* The pattern that mkdtemp() and mkstemps() fill in; end: of the file's name. Whether there is room for it. */
static inline bool scratch_pattern(char *path, const char *name, const char *end)
{
    const char *folder = getenv("TMPDIR");
    return snprintf(path, SCRATCH_SIZE, "%s/%s-XXXXXX%s", folder && *folder ? folder : "/tmp", name, end) <
           SCRATCH_SIZE;
}

/* A new folder, or NULL. path: SCRATCH_SIZE. */
static inline char *scratch_folder(char *path, const char *name)
{
    return scratch_pattern(path, name, "") ? mkdtemp(path) : NULL;
}

/* A new file, empty and open for writing, or -1. path: SCRATCH_SIZE. */
static inline int scratch_file(char *path, const char *name)
{
    return scratch_pattern(path, name, "") ? mkstemp(path) : -1;
}

#endif
