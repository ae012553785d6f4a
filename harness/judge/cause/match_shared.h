/*
 * What the rows that fail have in common: one fault explains them.
 *
 * suspects are the rows that were examined, of which the first `failing` fail.
 */
#ifndef HARNESS_JUDGE_CAUSE_MATCH_SHARED_H
#define HARNESS_JUDGE_CAUSE_MATCH_SHARED_H

#include "harness/judge/cause/suspect.h"

/* How many rows a match's reason, or any reason of its signature, explains about as well as anything does. */
int match_rows(const struct suspect *suspects, int failing, const struct match *match, bool any_reason);

/* Of what explains a row about as well as its best: what most rows have in common, the best where that is no less. */
const struct match *match_most_shared(const struct suspect *suspects, int failing, const struct suspect *suspect);

/* Whether a match explains more than half of the rows or, where it was neither chosen among many nor is any number that
 * fits, half and the others do not speak against it, and that is no chance. A NaN, and what was never written, is seen
 * at a glance; so are zeros, unless most rows are none and some of them are far off in a way that is not theirs. */
bool match_stands(const struct suspect *suspects, int failing, const struct match *match);

/* Whether a row is so far off that it would show what it is off by. */
bool match_is_heard(const struct suspect *suspect);

/* Whether a row, by its out or, of what has no parameter, by its lse alone, plainly is not what a match says. */
bool match_speaks_against(const struct suspect *suspect, const struct match *match);

#endif
