/*
 * A review as a table of comma-separated values: a row a point, a column for each field that a report keeps.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_TABLE_H
#define HARNESS_REPORT_REVIEW_REVIEW_TABLE_H

#include <stdio.h>

#include "harness/report/review/review_change.h"

/* RFC 4180 with a line of names; what a record does not know is empty. With changes (not NULL) there is one more
 * column, and rows of the points that are missing, as they were. Errors of writing are the stream's; false if memory
 * ran out. */
bool review_print_csv(FILE *stream, const struct review *review, const struct review_changes *changes);

#endif
