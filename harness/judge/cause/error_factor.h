/*
 * Whether errors that are as small as those of rounding are those of another factor on q.k of the row, or on its
 * biases.
 *
 * To first order a factor 1 + f on the part s_j of each logit moves out by f g, g = sum_j w_j s_j (v_j - truth): one
 * direction of D. Roundings of weights, of w_j each or of w_j |s_j|, have an rms along g and one beside it that follow
 * from the weights and values alone. Errors along g tell how large such roundings would have to be; where these would
 * have left far more beside g than there is, they were none.
 */
#ifndef HARNESS_JUDGE_CAUSE_ERROR_FACTOR_H
#define HARNESS_JUDGE_CAUSE_ERROR_FACTOR_H

#include "harness/judge/cause/suspect.h"

enum factor_of { FACTOR_OF_PRODUCTS, FACTOR_OF_BIASES };

/* The factor whose direction errors have, to a quarter of them; NAN: they have not, or may be of roundings. Overwrites
 * suspect->predicted. O(N D). */
double error_factor(struct suspect *suspect, enum factor_of of);

#endif
