/*
 * What rounding leaves of a row whose fault is known: the most that a prediction in double precision may be off.
 *
 * A kernel whose output has unit roundoff u is taken to round no step to fewer digits than that, unless an error bound
 * says so. Let S be the size of what a logit is made of: the largest |scale * q.k|, |slope| times the largest position,
 * where biases are formed absolutely, and |lse|, which is the size of the logits of a hypothesis that makes them
 * larger. Of a row without a visible key, all of whose keys were moved by a sentinel, out does not show how far: where
 * there is no lse, S has the 1e4 that is usual (ONNX Runtime's mask_filter_value, BERT's and Megatron-LM's masks).
 *
 * In f32 a logit goes through the D additions of q.k and some 8 operations more, each of which rounds a number of S at
 * most by u. Roundings have either sign, so n of them add up to sqrt(n) u S (Higham and Mary, A New Approach to
 * Probabilistic Rounding Error Analysis, 2019), and delta = sqrt(D + 8) u S.
 *
 * In 16 bits what is rounded is q or k when it is scaled, the sum of their products, the bias and the logit, each once,
 * the sums between them being in f32: 4 u S on top, of biases that are formed from the distance, which of keys with
 * weight are no larger than what else there is. An absolute form in 16 bits is a fault of its own, and off by nats:
 * beside it nothing else can be told.
 *
 * Logits that are all one number lose nothing, whatever that is: delta is 0.
 *
 * Logits that are off by delta change the quotients of weights by a factor within e^(+-2 delta), and so move a mean of
 * v by (e^(2 delta) - 1) M at most, where M = sum w|v| / l.
 *
 * Weights and their sums over N keys add (16 + sqrt(N)) u M: e^x is off by 8 u (class_rounding.c), twice, its own and
 * that of a rescaling, the N additions as above. In 16 bits weights, partial outputs, their merge and the output itself
 * are rounded: 4 u M.
 *
 * M of a hypothesis is M of the truth, or the prediction itself where that is larger.
 *
 * All of this is the most, which it takes that every rounding of a row leads the same way. Independent ones of 16 bits
 * have an rms instead: four of a logit 2 u / sqrt(3) of its terms, those of a weight and of a sum u each, so that an
 * output is off as if each weight were off by less than 2 u (|scale * q.k| + |bias| + 1) of it; and by 4 u of itself,
 * for what is stored.
 */
#ifndef HARNESS_JUDGE_CAUSE_ROUNDING_LEFT_H
#define HARNESS_JUDGE_CAUSE_ROUNDING_LEFT_H

#include "harness/judge/cause/suspect.h"

/* delta, in nats, of a hypothesis with this lse (NaN: that of the truth). Its keys have been read. */
double rounding_of_logits(const struct suspect *suspect, double lse);

/* What rounding leaves of an element in units of M; what the bound allows where that is more. */
double rounding_share(const struct suspect *suspect, double lse);

/* And of a row, as a root mean square, beside half an ulp of the output. */
double rounding_left(const struct suspect *suspect, const double *predicted, double lse);

/* rms of what independent roundings to u leave of a row, whose error has the rms `spread` where each weight is off by
 * all of it, and `by_size` where it is by the size of the terms of its logit (nearest_values_spread). */
double rounding_at_random(const struct suspect *suspect, double unit, double spread, double by_size);

#endif
