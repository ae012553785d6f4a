/*
 * Two subjects that should have the same bits and have not: where a row of theirs parts.
 *
 * Nothing is known of how they work inside, so they are asked: on the row with ever fewer of its keys, as long as they
 * still differ (Zeller and Hildebrandt, Simplifying and isolating failure-inducing input, 2002), and then on changed
 * copies of it in which all but one step is the same by arithmetic: a key alone has the weight 1, and logits of 0 have
 * weights of 1. A step is named where such a copy differs, never because others do not.
 */
#ifndef HARNESS_JUDGE_PARTING_PARTING_H
#define HARNESS_JUDGE_PARTING_PARTING_H

#include "harness/judge/parting/parting_found.h"
#include "harness/judge/parting/parting_inquiry.h"

/* parting is overwritten. A subject that fails on a copy leaves the step unknown. ERROR_SYSTEM, ERROR_INTERRUPTED. */
enum error_kind parting_find(struct parting *parting, const struct parting_inquiry *inquiry, struct error *error);

#endif
