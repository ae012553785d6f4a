/*
 * A file of records that is gone on with, by whatever command: its records stay, and so does what is none.
 */
#ifndef HARNESS_REPORT_FILE_CONTINUED_FILE_H
#define HARNESS_REPORT_FILE_CONTINUED_FILE_H

#include <sys/types.h>

#include "reference/error.h"

/* ERROR_USAGE if there is something that is no file: a pipe, a folder. */
enum error_kind continued_file_check(const char *path, struct error *error);

/*
 * What stands behind the whole lines of a file, which end at `end`, is dropped by who goes on: ERROR_USAGE unless it is
 * what a killed run leaves there, the beginning of a record, or bytes that the disk never got. ERROR_SYSTEM if it
 * cannot be read.
 */
enum error_kind continued_file_check_rest(int descriptor, const char *path, off_t end, struct error *error);

#endif
