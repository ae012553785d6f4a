/*
 * The parameter of a family of logits that explains a row best, where nothing says which one it is.
 */
#ifndef HARNESS_JUDGE_CAUSE_SUSPECT_FIT_H
#define HARNESS_JUDGE_CAUSE_SUSPECT_FIT_H

#include "harness/judge/cause/suspect.h"

/* Writes suspect->logits for a parameter. */
typedef void logits_fill(struct suspect *suspect, double parameter);

/*
 * Whether the row bears out a parameter that was fitted to it, whose prediction is at hand: lse, where there is one, is
 * as predicted. Of an output without, many keys move out by so much more than is left of it that each of them has
 * moved as the parameter says.
 */
bool suspect_fit_is_told(struct suspect *suspect, double lse);

/*
 * The parameter, of either sign where signs is true, else positive, with log2 |parameter| in [lowest, highest]. Half an
 * octave's distance by the first elements, the best one refined by out, then by lse if there is one, which tells it to
 * more digits than out does where keys are far. NaN if there is none. Cost: O(N) exponentials a parameter, some 100 of
 * them.
 */
double suspect_fit(struct suspect *suspect, logits_fill *fill, double lowest, double highest, bool signs);

#endif
