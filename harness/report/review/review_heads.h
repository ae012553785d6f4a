/*
 * The heads of records, added up head by head for each length and model.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_HEADS_H
#define HARNESS_REPORT_REVIEW_REVIEW_HEADS_H

#include "harness/report/file/record_file.h"
#include "harness/report/review/review.h"

/* ERROR_USAGE for a head that the record cannot have; ERROR_SYSTEM. */
enum error_kind review_add_heads(struct review *review, const struct review_point *point,
                                 const struct record_line *line, struct error *error);

#endif
