/* What is printed of an output beyond its verdict: of what its worst element is made, and which class each head needs.
 */
#ifndef HARNESS_COMMAND_JUDGE_EXPLAIN_H
#define HARNESS_COMMAND_JUDGE_EXPLAIN_H

#include "harness/report/record/record.h"

/* On stdout. ERROR_SYSTEM if memory is short. */
enum error_kind judge_explain(const struct record *record, struct error *error);

#endif
