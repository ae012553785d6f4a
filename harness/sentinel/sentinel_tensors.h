/*
 * The scores and logits of given tensors q[H, D] and k[N, Hkv, D]: what bounds on their elements only enclose.
 *
 *     score_hj = scale <q_h, k_gj>
 *     logit_hj = score_hj + slope_h (kv_offset + j - q_position), or for BIAS_ABSOLUTE slope_h (kv_offset + j)
 *
 * Scores are taken over every key, since masks move: a head_range of them bounds the logits of a row of any length of
 * which these tensors are typical. Logits are taken over the visible keys, as they stand.
 *
 * k is read once, block by block of about a MiB, and never held whole. Products and sums are double; a score's bounds
 * are widened by the error of that sum, (D + 2) 2^-52 |scale| <|q_h|, |k_gj|>.
 */
#ifndef HARNESS_SENTINEL_SENTINEL_TENSORS_H
#define HARNESS_SENTINEL_SENTINEL_TENSORS_H

#include "harness/sentinel/sentinel.h"

/* What is to be read: a folder of `run --dump`, or two files and what they do not say. */
struct tensor_request {
    const char *dump;   /* NULL: q and k */
    const char *q, *k;  /* paths */
    bool raw_bf16;      /* <u2 holds bf16; else it is refused */
    enum dtype raw_fp8; /* |u1 holds DTYPE_E4M3 or DTYPE_E5M2; DTYPE_COUNT_WITH_FP8: it is refused */
    double scale;       /* NAN: 1/sqrt(D), rounded to f32 */
    enum bias_form bias;
    enum slope_convention slopes;
    double max_bias;
    int head_offset, total_heads; /* total_heads 0: head_offset + H */
};

struct tensor_head {
    double lowest_logit, highest_logit; /* over the visible keys, base e, to double precision; 0 if none is visible */
    int64_t lowest_key, highest_key;    /* the oldest key that has it; -1 if none is visible */
    double highest_masked;              /* the same of keys that are not visible; -INFINITY if all are */
};

struct sentinel_tensors {
    int64_t seq_len;
    int num_heads, num_kv_heads, head_dim, total_heads;
    enum dtype q_dtype, k_dtype;
    double scale;
    enum bias_form bias;
    int64_t num_visible, nearest_distance; /* of the newest visible key from the query, at least 0; 0 if none is */
    int64_t first_position, keys_ahead;    /* as of a logit_range */
    int64_t span;                          /* keys from key 0 to the query: seq_len where the query is the newest key */
    struct head_range *ranges;             /* [num_heads] */
    struct tensor_head *heads;             /* [num_heads] */
};

/* ERROR_USAGE with a path where a file is not what it should be: another shape, an element that is not finite.
 * *tensors is then clear. */
enum error_kind sentinel_tensors_read(struct sentinel_tensors *tensors, const struct tensor_request *request,
                                      struct error *error);
void sentinel_tensors_clear(struct sentinel_tensors *tensors);

#endif
