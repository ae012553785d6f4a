/*
 * What lse alone shows, without a key: biases that are all off by a number of keys; a constant. What is found is
 * written to finding; false, and nothing is, where there is no such thing. ranked: all rows; elements: room for a row.
 */
#ifndef HARNESS_JUDGE_CAUSE_LSE_ALONE_H
#define HARNESS_JUDGE_CAUSE_LSE_ALONE_H

#include "harness/judge/cause/inquiry.h"

/*
 * An lse that is off by slope * keys, keys whole and the same for every row, or for every query as many as it stands
 * away from another, while out is right up to what f32 logits of that size lose and its own dtype. *keys: by how many,
 * where they are the same.
 */
bool lse_alone_shift(struct signature_finding *finding, double *keys, const struct inquiry *inquiry,
                     const struct ranked_row *ranked, float *elements);

/*
 * An lse that is off by the same constant in every row, where no out fails. It takes two rows to tell a constant from
 * what one row may be off by for any reason: of rows whose slopes and lse are alike, or whose out may be scaled as
 * weight with no key scales it, it is not told.
 */
bool lse_alone_constant(struct signature_finding *finding, const struct inquiry *inquiry,
                        const struct ranked_row *ranked, float *elements);

#endif
