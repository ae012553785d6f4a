/*
 * Files that are written: every result is looked at, and an error names the path and the system's reason.
 */
#ifndef HARNESS_SUPPORT_FILE_H
#define HARNESS_SUPPORT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "reference/error.h"

/* ERROR_SYSTEM: the file cannot be written, because of errno; where the folder is what is missing, that is said. */
enum error_kind file_cannot_write(const char *path, struct error *error);

/*
 * Opens path for writing; "-" is stdout. A file that exists is replaced, unless another process has it from here: it
 * stays locked until it is closed. ERROR_SYSTEM if it cannot be; *descriptor is then -1.
 */
enum error_kind file_create(int *descriptor, const char *path, struct error *error);

/* The same where nothing was there a moment ago: what another process has written since is not replaced. */
enum error_kind file_create_new(int *descriptor, const char *path, struct error *error);

/*
 * Opens a file that is there, to read it and to write behind what it has: from here it is nobody else's, as if created.
 * What is no file is not locked. *descriptor is -1 if there is none, or with ERROR_SYSTEM.
 */
enum error_kind file_hold(int *descriptor, const char *path, struct error *error);

/* Opens what file_hold has opened once more, which keeps its first `keep` bytes. */
enum error_kind file_continue(int *descriptor, int held, const char *path, off_t keep, struct error *error);

/* Whether path is the file, or pipe, that is open as the descriptor: nobody has put another one there. */
bool file_is_at(int descriptor, const char *path);

/* Writes all of it, whatever signals arrive. */
enum error_kind file_write(int descriptor, const char *path, const void *data, size_t size, struct error *error);

/* Prints text, to stdout but in tests, where it may wait for file_flush. */
enum error_kind file_print(FILE *stream, const char *text, struct error *error);

/* Sees to it that all that was printed, to stdout but in tests, is on its way to the system. */
enum error_kind file_flush(FILE *stream, struct error *error);

/* Writes size bytes from `start` of the file source_path, which is open as source. */
enum error_kind file_copy(int descriptor, const char *path, int source, const char *source_path, off_t start,
                          size_t size, struct error *error);

/* Closes; stdout stays open. A descriptor of -1 is nothing. */
enum error_kind file_close(int descriptor, const char *path, struct error *error);

/*
 * Whether what is written to one path would be found at the other; "-" is stdout. Paths may be links, and of files that
 * are not there yet. Never so of character devices (/dev/null, a terminal), which keep nothing.
 */
bool file_same(const char *a, const char *b);

/* A folder and those above it, as far as they are missing. */
enum error_kind file_make_folders(const char *path, struct error *error);

/* "FOLDER/NAME" as a new string, or NULL if memory ran out. */
char *file_join(const char *folder, const char *name);

#endif
