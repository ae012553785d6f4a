/*
 * Rules of slopes and the rows that were not examined. A few wrong rows may fit a rule by chance, as where heads take
 * the slopes of others: "its square root" is that of head h / 2 for every odd h.
 */
#ifndef HARNESS_JUDGE_CAUSE_SLOPE_WITNESS_H
#define HARNESS_JUDGE_CAUSE_SLOPE_WITNESS_H

#include "harness/judge/cause/inquiry.h"
#include "harness/judge/cause/suspect.h"

/* Asks up to 8 other rows of each rule that explains one of the suspects, the rows that fail. A rule that one of them
 * refutes is no reason any more: of such a match the slope stays, and the head that has it. */
enum error_kind slope_witnesses_hear(struct suspect *suspects, int failing, const struct inquiry *inquiry,
                                     struct error *error);

#endif
