/*
 * Tables of records that a caller describes: rows and columns by fields, in each cell what he asks of the records
 * there.
 *
 *     sentinel: "fail" share where status = fail, "mismatches" sum mismatched where status = fail
 *     sentinel x seq_len: values heads.head where heads.budget_used > 1
 *     recipe head_dim: max max_abs_err at seed worst.head, median max_abs_err
 *     sentinel: "bits of exclude" same output_digest by case seq_len kernel as sentinel = exclude
 *
 * TABLE is FIELDS [x FIELDS] : MEASURE, ...; docs/reports.md has the measures. A field inside a list (heads.head) makes
 * a measure one of the list's elements instead of points.
 */
#ifndef HARNESS_REPORT_REVIEW_PIVOT_H
#define HARNESS_REPORT_REVIEW_PIVOT_H

#include <jansson.h>

#include "harness/report/page/document.h"
#include "reference/error.h"

struct pivot; /* opaque */

/* *pivot is overwritten; pivot_free takes NULL too. ERROR_USAGE with "--table TABLE:COLUMN: what is wrong: 'the text';
 * allowed: ...". */
enum error_kind pivot_parse(struct pivot **pivot, const char *text, struct error *error);
void pivot_free(struct pivot *pivot);

/* Counts one record in. Each point is to be given once. */
enum error_kind pivot_add(struct pivot *pivot, const json_t *record, struct error *error);

/* Appends a grid with all that was counted: rows and columns in the order of their numbers or, where a field has other
 * values, as they came. caption may be NULL. ERROR_USAGE for more columns than anybody reads. */
enum error_kind pivot_write(struct document *document, struct pivot *pivot, const char *caption, struct error *error);

#endif
