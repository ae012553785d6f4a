/*
 * A file that takes the place of what is there when it is complete, and not before: until then it has no name, so that
 * nothing of it stays whatever ends the process.
 */
#ifndef HARNESS_SUPPORT_REPLACEMENT_H
#define HARNESS_SUPPORT_REPLACEMENT_H

#include "harness/support/file.h"

struct replacement {
    int descriptor; /* to write to */
    char *target;   /* what is replaced: a link is followed */
    char *partial;  /* beside it, the name on the way there; NULL: the target is no file, and is written to as it is */
    bool is_nameless; /* partial is not there yet */
};

/*
 * Opens it. Where the file system has no files without a name, partial is there until replacement_keep or _drop; one
 * that a killed process has left is removed. ERROR_SYSTEM if it cannot be written; there is nothing to close then.
 */
enum error_kind replacement_open(struct replacement *replacement, const char *path, struct error *error);

/* Puts what was written in its place and closes. Whatever the result, there is nothing left to close. */
enum error_kind replacement_keep(struct replacement *replacement, struct error *error);

/* Closes and leaves what was there before. */
void replacement_drop(struct replacement *replacement);

#endif
