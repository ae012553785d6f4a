/*
 * What a kernel is launched with: one struct for all of them, filled by plan_launches() and the device.
 * `real` is what the kernel was compiled for (real.h): float, or struct replayed.
 */
#ifndef KERNELS_ATTENTION_ARGS_H
#define KERNELS_ATTENTION_ARGS_H

#include <stdint.h>

struct attention_args {
    const void *q; /* [H, D] */
    const void *k; /* [rows, Hkv, D] */
    const void *v; /* [rows, Hkv, D] */
    const int32_t
        *page_table;        /* [pages]: key j is row page_table[j / page_size] page_size + j % page_size; NULL: row j */
    const float *slopes;    /* [H] */
    const uint8_t *visible; /* [N] or NULL */
    void *out;              /* [H, D] in dtype; of a replay: real */
    void *lse;              /* [H] real */

    /* split_kv: partial results, one a (head, chunk). two_pass: logits */
    void *partial_max; /* [H, num_chunks] real, in the logits' units */
    void *partial_sum; /* [H, num_chunks] real */
    void *partial_out; /* [H, num_chunks, D] real */
    void *logits;      /* [H, N] real */
    int num_chunks;
    int64_t chunk_len;

    int64_t seq_len;
    int num_heads, num_kv_heads, head_dim;
    int dtype; /* enum dtype, of q and out */
    int page_size;
    float scale;       /* k_scale included */
    float value_scale; /* v_scale */

    /* The recipe. Numbers are in the logits' units unless said otherwise. */
    float masked_logit; /* -inf where the policy has no value */
    float initial_max;
    float initial_sum;
    float max_offset;
    float epsilon;
    float merge_cutoff;     /* 0: none */
    int natural_logits;     /* log2(e) enters at the exponential */
    int guard_infinity;     /* differences with an infinite maximum count as weight 0 */
    int exclude;            /* masked keys are skipped by index */
    int add_masked_logit;   /* it is added to a masked key's logit instead of replacing it */
    int read_masked_values; /* v of masked keys is read though they are excluded */
    int read_past_end;      /* so is v of what fills the last tile */
    int has_bias;
    int64_t distance_offset; /* the slope is multiplied by key + distance_offset */
    int64_t lse_distance;    /* slope times this is subtracted from lse: what all biases have too much */
    int distance_magnitude;  /* by -|key + distance_offset| instead */
    int scale_entry, exponential, empty_row, division, merge; /* enums of recipe.h */
    int slope_dtype, position_dtype, bias_dtype, dot_dtype, logit_dtype, weight_dtype,
        partial_dtype; /* dtype_rounding */
};

#endif
