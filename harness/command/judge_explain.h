/* What is said of an output beyond its verdict: of what its worst element is made, and which class each head needs.
 */
#ifndef HARNESS_COMMAND_JUDGE_EXPLAIN_H
#define HARNESS_COMMAND_JUDGE_EXPLAIN_H

#include "harness/library/explained_element.h"
#include "harness/report/record/record.h"

/* Element wanted, (query * H + head) * D + dim; -1: the worst one. *found: there is one, and its keys are at hand.
 * ERROR_SYSTEM if memory is short. */
enum error_kind judge_explain_find(struct explained_element *element, bool *found, const struct record *record,
                                   int64_t wanted, struct error *error);

/* On stdout: an element, where it is not NULL, and the classes of rows. ERROR_SYSTEM if that cannot be written. */
enum error_kind judge_explain(const struct record *record, const struct explained_element *element, const char *called,
                              struct error *error);

#endif
