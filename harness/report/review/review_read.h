/*
 * How a review is made: of files of records.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_READ_H
#define HARNESS_REPORT_REVIEW_REVIEW_READ_H

#include "harness/report/file/where.h"
#include "harness/report/review/review.h"
#include "reference/error.h"

/*
 * Reads all files and keeps what `where` (NULL: all) means; what a comparison needs if `comparable`. ERROR_USAGE with
 * FILE:LINE for what is no record, for two records of one point (key and device) that do not agree, and where nothing
 * is left; ERROR_SYSTEM.
 */
enum error_kind review_read(struct review *review, const char *const *paths, size_t num_paths,
                            const struct where *where, enum review_text series, bool comparable, struct error *error);

#endif
