/* What is printed of an output beyond its verdict: of what its worst element is made, and which class each head needs.
 */
#ifndef HARNESS_COMMAND_JUDGE_EXPLAIN_H
#define HARNESS_COMMAND_JUDGE_EXPLAIN_H

#include <jansson.h>

#include "harness/report/record/record.h"

/* On stdout, of an element, (query * H + head) * D + dim; -1: of the worst one. ERROR_SYSTEM if memory is short. */
enum error_kind judge_explain(const struct record *record, int64_t element, struct error *error);

/* The element as an object of its place, out, truth and terms; NULL where there is nothing to tell of. */
enum error_kind judge_explain_json(json_t **element, const struct record *record, int64_t wanted, struct error *error);

#endif
