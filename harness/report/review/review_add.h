/*
 * How a review takes in a record.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_ADD_H
#define HARNESS_REPORT_REVIEW_REVIEW_ADD_H

#include "harness/report/file/record_file.h"
#include "harness/report/review/review.h"

/* Adds the record, of the review's last file. Errors as review_read. */
enum error_kind review_add(struct review *review, const struct record_line *line, struct error *error);

#endif
