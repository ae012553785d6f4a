/*
 * The points of a results file that did not end as their cases expect: --last-failed.
 */
#ifndef HARNESS_REPORT_FILE_FAILED_POINTS_H
#define HARNESS_REPORT_FILE_FAILED_POINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "reference/error.h"

struct failed_points; /* opaque */

/* A torn last record counts as none. ERROR_USAGE if the file is not there, has what is no record, or has no failure. */
enum error_kind failed_points_read(struct failed_points **failed, const char *path, struct error *error);
bool failed_points_has(const struct failed_points *failed, const char *key);
size_t failed_points_count(const struct failed_points *failed); /* each key once */
void failed_points_free(struct failed_points *failed);          /* accepts NULL */

#endif
