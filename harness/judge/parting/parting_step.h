/*
 * Which step it is in which two subjects part, of few keys with which a row of theirs differs.
 */
#ifndef HARNESS_JUDGE_PARTING_PARTING_STEP_H
#define HARNESS_JUDGE_PARTING_PARTING_STEP_H

#include "harness/judge/parting/parting_found.h"
#include "harness/judge/parting/row_runs.h"

/* Fills step, key, others and why of a parting whose keys are these, ascending. */
enum error_kind parting_find_step(struct parting *parting, struct row_runs *runs, const int64_t *keys, size_t num_keys,
                                  struct error *error);

#endif
