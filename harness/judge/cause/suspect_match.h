/*
 * What accounts for a row that fails: predictions are offered, matches that are known to hold are taken.
 *
 * A prediction explains the row if, with e the rms of out - truth and r the rms of out - predicted over the D
 * elements,
 *
 *     r <= e / 4  and  r < half the rms of out  and  |out - predicted| <= slack for each element, or r <= e / 16 and
 *                                                     r <= rounding_left; e / 128 where |out - predicted| is beyond
 *                                                     the tolerance, of no rounding and without a bound.
 *
 * slack is a quarter of the tolerance or an ulp of the dtype, and 2^-23 (8 + |max logit|) of sum w|v| / l, what an f32
 * kernel may lose on the way. What is left beyond rounding_left.h is another fault's: the prediction is then of part of
 * what is wrong at best, or next to the right one by chance; and of what is small, as a mean of many v is, not every
 * other small thing is the same. D random errors are reduced by a factor sqrt(1 - p / D) by p fitted parameters, so
 * none of the two happens by chance for D >= 16. A row whose out is right and whose lse is not is judged by lse alone:
 * a prediction without fitted parameters explains it to a 256th of the error that logits may be rounded by, or to a few
 * ulp of f32; in a row without a key, where that error is infinite, to a few ulp alone. It has to leave out as right as
 * it is: twice as far from it as the truth is, and it would have shown. So it does where out is off by hardly more than
 * its rounding, which the prediction must leave it.
 *
 * A prediction that also gives lse, to a 64th of its error or a few ulp, is confirmed, and preferred to those that out
 * alone supports. Where lse has an error bound, a prediction must give it to that, whatever out says: it is what a
 * sound kernel with the fault would do. Rounded logits, which are predicted for nearly every key, and shares of weight
 * that are fitted to out are exempt. Where that bound is infinite, rounding may give keys any weights, and so any out
 * that is a mean of v: then only an lse that is as predicted, and far from the truth's, tells of another fault.
 *
 * Where few keys have the weight, out moves along few directions, and predictions of different faults look alike. So
 * all matches of a row are kept, each with its reason, and what counts is what rows have in common (signature.c).
 */
#ifndef HARNESS_JUDGE_CAUSE_SUSPECT_MATCH_H
#define HARNESS_JUDGE_CAUSE_SUSPECT_MATCH_H

#include "harness/judge/cause/suspect.h"

/*
 * Offers a prediction of out, fitted to it or not, and of lse (NaN: none). It is taken if it explains the row. It is
 * the best if its rms is less than a quarter of the best so far, or is not four times as large and it alone of the two
 * is confirmed or, confirmed alike, it alone has lse to the last digit; then if it alone is not fitted; then if the
 * signature comes first in the order of preference (signature_info.c), or is the same and its rms is a fifth less.
 *
 * What stands between two bars in the text is its reason, which other rows may have in common with this one: "slope 0.5
 * in place of 0.25: |2 times it|". Without bars all of it is. The bars are not part of the detail. Whether it explains
 * the row.
 */
bool suspect_offer(struct suspect *suspect, enum signature signature, bool fitted, const double *predicted, double lse,
                   const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Offers, without a fitted parameter, attention over suspect->logits that suspect_predict has predicted, with an lse
 * that may be another. */
bool suspect_offer_logits(struct suspect *suspect, enum signature signature, double lse, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Attention over suspect->logits into suspect->predicted and *lse. False, and given up, if its first elements do not
 * match; where lse decides, lse alone. */
bool suspect_predict(struct suspect *suspect, double *lse);

/* The same where out is that times a factor. */
bool suspect_predict_times(struct suspect *suspect, double factor, double *lse);

/* Predicts and offers attention over suspect->logits. */
void suspect_try(struct suspect *suspect, enum signature signature, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether one number added to the logits of all keys, which moves lse and, beside a sink, takes weight from it or gives
 * it some, leaves no more of out than rms, if it gives the lse that there is. */
bool suspect_constant_does_as_well(const struct suspect *suspect, double rms);

/* Takes a match that is known to hold; false if it does not. Rounding does not explain a row that is beyond its bound,
 * but for roundings that the bound cannot know of: predicted to the last digit that out has, with lse, and without a
 * fitted parameter. */
bool suspect_take(struct suspect *suspect, const struct match *match);

/* The hash of a reason's text. */
uint64_t suspect_reason(const char *text);

/* Whether a match is about as good as the best. */
bool suspect_is_rival(const struct suspect *suspect, const struct match *match);

/* The best match so far leaves no more than rounding, of lse either. */
bool suspect_is_settled(const struct suspect *suspect);

#endif
