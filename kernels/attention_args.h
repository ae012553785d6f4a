/*
 * What a kernel is launched with: one struct for all of them, filled by plan_launches() and the device.
 * `real` is what the kernel was compiled for (real.h): float, or struct replayed.
 */
#ifndef KERNELS_ATTENTION_ARGS_H
#define KERNELS_ATTENTION_ARGS_H

#include <stdint.h>

struct attention_args {
    const void *q;          /* [H, D] */
    const void *k;          /* [N, Hkv, D] */
    const void *v;          /* [N, Hkv, D] */
    const float *slopes;    /* [H] */
    const uint8_t *visible; /* [N] or NULL */
    void *out;              /* [H, D] in dtype; of a replay: real */
    void *lse;              /* [H] real */

    /* split_kv: unnormalised partial results, one a (head, chunk) */
    void *partial_max; /* [H, num_chunks] real, base 2 */
    void *partial_sum; /* [H, num_chunks] real */
    void *partial_out; /* [H, num_chunks, D] real */
    int num_chunks;
    int64_t chunk_len;

    int64_t seq_len;
    int64_t q_position;
    int num_heads, num_kv_heads, head_dim;
    float scale;

    /* the recipe */
    float masked_logit; /* base 2; -inf where the policy has no value */
    float initial_max;  /* base 2 */
    int guard_infinity; /* differences with an infinite maximum count as exp2 = 0 */
    int exclude;        /* masked keys are skipped by index */
    int absolute_bias;
    int ex2_approx;
};

#endif
