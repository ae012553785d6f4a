/*
 * The failure modes that predict an output, a family a file. Each offers what it finds to the suspect, whose keys have
 * been read. Cost: O(N D) for each prediction, less where the first elements already tell.
 */
#ifndef HARNESS_JUDGE_CAUSE_HYPOTHESIS_H
#define HARNESS_JUDGE_CAUSE_HYPOTHESIS_H

#include "harness/judge/cause/suspect_match.h"
#include "harness/judge/metrics.h"

/* hypothesis_slope.c: no bias, a slope by another convention. */
void hypothesis_slope(struct suspect *suspect);

/* hypothesis_slope.c, after the others: the one slope that fits best. */
void hypothesis_any_slope(struct suspect *suspect);

/* hypothesis_scale.c: another scale of q.k, of k or of v. */
void hypothesis_scale(struct suspect *suspect);

/* hypothesis_scale.c, after the others: the one scale of q.k that fits best. */
void hypothesis_any_scale(struct suspect *suspect);

/* hypothesis_heads.c: keys or values of another KV head. */
enum error_kind hypothesis_heads(struct suspect *suspect, struct error *error);

/* hypothesis_places.c: v or k of the key after or before. */
void hypothesis_places(struct suspect *suspect);

/* hypothesis_lse.c: lse in another base or in part, where out is right. */
void hypothesis_lse(struct suspect *suspect);

/* hypothesis_rounding.c: the biases of the inputs, where the truth is that of another contract. */
void hypothesis_contract(struct suspect *suspect);

/* hypothesis_rounding.c: slopes, positions, biases or logits rounded, on top of what the contract rounds first;
 * absolute and base-2 forms of the bias. */
void hypothesis_rounding(struct suspect *suspect);

/* hypothesis_weights.c: weights rounded; the output rounded, or cut off. */
void hypothesis_rounded_weights(struct suspect *suspect);
void hypothesis_rounded_output(struct suspect *suspect);

/* hypothesis_rounding.c, of a row whose out is as without a bias, where no lse tells: rounded biases that do as well,
 * as where the keys stand so far from the query that all are rounded alike. suspect->rounded_away says whether there
 * are. */
void hypothesis_rounded_away(struct suspect *suspect);

/* hypothesis_rounding.c: whether what f32 rounds off a bias of absolute form takes some of the error away. Where it is
 * all of it, or more, it does not depend on how a kernel goes on with it. Offers nothing. */
bool hypothesis_absolute_helps(struct suspect *suspect);

/* hypothesis_cap.c, of problems that have them: a soft cap that is missing, comes twice, elsewhere or after the mask; a
 * learned sink that is missing or counted more than once. */
void hypothesis_cap(struct suspect *suspect);

/* hypothesis_mask.c: plain means; masked keys or empty slots carry weight. */
enum error_kind hypothesis_mask(struct suspect *suspect, struct error *error);

/* hypothesis_queries.c, of several queries: keys of later ones carry weight, or the first keys alone do. */
void hypothesis_queries(struct suspect *suspect);

/* hypothesis_keys.c: the newest, the oldest or the lightest keys missing. */
enum error_kind hypothesis_keys(struct suspect *suspect, struct error *error);

/* hypothesis_one_key.c: a visible key missing, a masked one let in. */
void hypothesis_one_key(struct suspect *suspect);

/* hypothesis_chunk.c, of rows that fail: a chunk or the lightest chunks missing, chunks merged by an lse in another
 * base; of all, suspect->epsilons, which offers nothing. */
enum error_kind hypothesis_chunk(struct suspect *suspect, struct error *error);

/* hypothesis_merge.c, after the others: tiles or chunks added up without the factors between their maxima. */
enum error_kind hypothesis_merge(struct suspect *suspect, struct error *error);

/* hypothesis_doubled.c, after the others: keys counted twice, or not at all, where parts of a sequence meet. */
enum error_kind hypothesis_doubled(struct suspect *suspect, struct error *error);

/* hypothesis_few_keys.c, after the others: some keys, anywhere, counted twice or not at all. */
enum error_kind hypothesis_few_keys(struct suspect *suspect, struct error *error);

/* hypothesis_stale.c, after the others: k or v of the tile of keys before. */
enum error_kind hypothesis_stale(struct suspect *suspect, struct error *error);

/* hypothesis_epsilon.c: the same epsilon in suspect->epsilons of all suspects, of which the first ones fail. */
void hypothesis_epsilon(struct suspect *suspects, int count, int failing);

/* hypothesis_looks.c: NaN, infinities, zeros, elements never written. Needs no keys; false for ordinary numbers. */
bool hypothesis_sight(struct suspect *suspect, const struct metrics *metrics);

/* hypothesis_looks.c, of a row of zeros, once its keys are read: it keeps its name unless lse says that the weights
 * were there, of which one is too large to be rounded to 0. False where values cancel so far that a row of zeros is no
 * sight: it is one of numbers then. */
bool hypothesis_zeros(struct suspect *suspect);

/* hypothesis_looks.c, for a row whose truth is no finite number: which element of its inputs is none, as a remark. */
void hypothesis_inputs(struct suspect *suspect);

/* hypothesis_looks.c, for a row that nothing else explains: weights that are subnormal numbers. */
void hypothesis_underflow(struct suspect *suspect);

/* A row whose errors are half those of a slope rounded to bf16 or f16: offered where lse is off as that makes it. False
 * where they are not, and may be of roundings alone. */
bool hypothesis_rounded_slope(struct suspect *suspect);

/* Whether such a slope would take away half at least of what the lse of a row is off by. Offers nothing. */
bool hypothesis_slope_may_be_rounded(struct suspect *suspect);

/* hypothesis_looks.c, for a row that nothing else explains: errors that look like rounding. */
void hypothesis_noise(struct suspect *suspect);

#endif
