/*
 * An epsilon and the rows that were not examined. The worst rows may be alike: where a row is divided by a number that
 * has nothing to do with its weights, an epsilon fits those whose sums are equal.
 */
#ifndef HARNESS_JUDGE_CAUSE_EPSILON_WITNESS_H
#define HARNESS_JUDGE_CAUSE_EPSILON_WITNESS_H

#include "harness/judge/cause/inquiry.h"
#include "harness/judge/cause/suspect.h"

/* Asks up to 8 other rows of an epsilon in the row's sum that explains one of the suspects, the rows that fail. If it
 * plainly is not what one of them has, it explains none. */
enum error_kind epsilon_witnesses_hear(struct suspect *suspects, int failing, const struct inquiry *inquiry,
                                       struct error *error);

#endif
