/*
 * A regular file that is read where it stands, without a limit on its size. Links to one are followed; folders, pipes
 * and devices are refused, and nothing of them is waited for.
 */
#ifndef HARNESS_SUPPORT_REGULAR_FILE_H
#define HARNESS_SUPPORT_REGULAR_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "reference/error.h"

struct regular_file {
    const char *path; /* the caller's, for messages */
    int descriptor;
    const uint8_t *memory;    /* in place of a descriptor, the caller's; NULL: there is one */
    int64_t size;             /* when it was opened, */
    struct timespec modified; /* and when it had been written to */
};

/* Opens it. ERROR_USAGE with path, what is wrong and `allowed` (".npy files"); the descriptor is then -1. */
enum error_kind regular_file_open(struct regular_file *file, const char *path, const char *allowed,
                                  struct error *error);

/* What would stand in a file stands in memory, which is the caller's; path is what messages call it. */
struct regular_file regular_file_in_memory(const char *path, const void *bytes, size_t size);

/* Also takes a file that was not opened, descriptor -1. */
void regular_file_close(struct regular_file *file);

/* All of [offset, offset + size), which lies within the file. ERROR_SYSTEM, also if the file has become shorter. */
enum error_kind regular_file_read(const struct regular_file *file, void *bytes, size_t size, int64_t offset,
                                  struct error *error);

/* ERROR_SYSTEM if the file has another size than when it was opened, or was written to since. */
enum error_kind regular_file_check_unchanged(const struct regular_file *file, struct error *error);

/*
 * A file for reading and writing that has no name and is gone when its descriptor is closed, in the folder $TMPDIR, or
 * /var/tmp: what needs it may not fit into memory, which /tmp often is. ERROR_SYSTEM; *descriptor is then -1.
 */
enum error_kind scratch_file_open(int *descriptor, struct error *error);

/* Writes all of it; ERROR_SYSTEM says where the space ran out. */
enum error_kind scratch_file_write(int descriptor, const void *bytes, size_t size, struct error *error);

#endif
