/*
 * One decode-attention problem: what every kernel computes and what the truth is the truth of.
 *
 *     s_hj  = scale * <q_h, k_gj> + slope_h * (j - q_position)   for every visible key j, g = h / (H / Hkv)
 *     o_h   = sum_j exp(s_hj) v_gj / sum_j exp(s_hj)             0 where no key is visible
 *     lse_h = log sum_j exp(s_hj)                                -inf where no key is visible
 *
 * q, k, v in their dtype, scale and slopes in f32 are exact as given.
 * Shapes, row-major: q[H, D], k[N, Hkv, D], v[N, Hkv, D], slopes[H], visible[N]; out[H, D] in dtype, lse[H] in f32.
 */
#ifndef REFERENCE_PROBLEM_H
#define REFERENCE_PROBLEM_H

#include "reference/dtype.h"
#include "reference/error.h"

struct tensor_bounds;

struct problem {
    int64_t seq_len;  /* N >= 1 */
    int num_heads;    /* H >= 1 */
    int num_kv_heads; /* Hkv, divides H */
    int head_dim;     /* D >= 1 */
    enum dtype dtype;
    float scale;
    int64_t q_position;                 /* P, the key index at which the bias is 0; any value */
    const float *slopes;                /* [H] */
    const void *q;                      /* [H, D] */
    const void *k;                      /* [N, Hkv, D] */
    const void *v;                      /* [N, Hkv, D] */
    const uint8_t *visible;             /* [N], 0 removes the key; NULL: every key is visible */
    const struct tensor_bounds *bounds; /* what is known of k and v beforehand (tensor_bounds.h); NULL: nothing */
};

static inline int problem_kv_head(const struct problem *problem, int head)
{
    return head / (problem->num_heads / problem->num_kv_heads);
}

static inline int64_t problem_elements(const struct problem *problem)
{
    return (int64_t)problem->num_heads * problem->head_dim;
}

static inline bool problem_visible(const struct problem *problem, int64_t key)
{
    return !problem->visible || problem->visible[key];
}

/* Index of the first element of key `key`, KV head `kv_head` in k and v. */
static inline size_t problem_row(const struct problem *problem, int64_t key, int kv_head)
{
    return ((size_t)key * (size_t)problem->num_kv_heads + (size_t)kv_head) * (size_t)problem->head_dim;
}

#endif
