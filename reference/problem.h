/*
 * One decode-attention problem: what every kernel computes and what the truth is the truth of.
 *
 *     s_hj  = scale * k_scale * <q_h, k_gj> + slope_h * (kv_offset + j - q_position)
 *                                                                for every visible key j, g = h / (H / Hkv)
 *     o_h   = v_scale * sum_j exp(s_hj) v_gj / sum_j exp(s_hj)   0 where no key is visible
 *     lse_h = log sum_j exp(s_hj)                                -inf where no key is visible
 *
 * q, k, v in their dtypes, scales and slopes in f32 are exact as given. k_scale and v_scale are those of an fp8 cache
 * and 1 without one.
 * Shapes, row-major: q[H, D], k, v[N + kv_slots, Hkv, D], slopes[H], visible[N]; out[H, D] in dtype, lse[H] in f32.
 */
#ifndef REFERENCE_PROBLEM_H
#define REFERENCE_PROBLEM_H

#include "reference/dtype.h"
#include "reference/error.h"

struct tensor_bounds;

/* Where the heads of a problem stand in a larger one that was cut into parts for want of memory or time; zeroed: they
 * are all there are. Head h is head first_head + h / own group * group + h % own group of the whole. */
struct head_place {
    int num_heads; /* of the whole */
    int first_head;
    int group; /* query heads a KV head, of the whole; the part may have fewer of each */
};

/* What k and v are held in. */
enum kv_format {
    KV_AS_DTYPE, /* the problem's dtype */
    KV_E4M3,
    KV_E5M2,
    KV_FORMAT_COUNT
};

struct problem {
    int64_t seq_len;  /* N >= 1 */
    int64_t kv_slots; /* keys that k and v have room for behind the last one: slots of a cache, which mean nothing */
    int num_heads;    /* H >= 1 */
    int num_kv_heads; /* Hkv, divides H */
    int head_dim;     /* D >= 1 */
    enum dtype dtype; /* of q and out, and of k and v unless kv_format says otherwise */
    enum kv_format kv_format;
    float k_scale, v_scale; /* of KV_E4M3 and KV_E5M2; else not read */
    float scale;
    int64_t q_position;                 /* P, the position at which the bias is 0; any value */
    int64_t kv_offset;                  /* the position of key 0: k and v are a chunk of a longer cache */
    const float *slopes;                /* [H] */
    const void *q;                      /* [H, D] */
    const void *k;                      /* [N + kv_slots, Hkv, D] */
    const void *v;                      /* [N + kv_slots, Hkv, D] */
    const uint8_t *visible;             /* [N], 0 removes the key; NULL: every key is visible */
    struct head_place place;            /* a kernel that makes its own slopes makes those of the whole */
    const struct tensor_bounds *bounds; /* what is known of k and v beforehand (tensor_bounds.h); NULL: nothing */
};

/* A result, in buffers of the caller's. */
struct output {
    void *out;  /* [H, D] in the problem's dtype */
    float *lse; /* [H] */
};

static inline int problem_kv_head(const struct problem *problem, int head)
{
    return head / (problem->num_heads / problem->num_kv_heads);
}

/* Heads of the whole, and which of them a head is. */
static inline int problem_whole_heads(const struct problem *problem)
{
    return problem->place.num_heads ? problem->place.num_heads : problem->num_heads;
}

static inline int problem_whole_head(const struct problem *problem, int head)
{
    int group = problem->num_heads / problem->num_kv_heads;
    if (!problem->place.num_heads)
        return head;
    return problem->place.first_head + head / group * problem->place.group + head % group;
}

static inline enum dtype problem_kv_dtype(const struct problem *problem)
{
    return problem->kv_format == KV_AS_DTYPE ? problem->dtype : problem->kv_format == KV_E4M3 ? DTYPE_E4M3 : DTYPE_E5M2;
}

/* scale * k_scale, exact: a product of two f32. */
static inline double problem_logit_scale(const struct problem *problem)
{
    return (double)problem->scale * (problem->kv_format == KV_AS_DTYPE ? 1 : (double)problem->k_scale);
}

static inline double problem_value_scale(const struct problem *problem)
{
    return problem->kv_format == KV_AS_DTYPE ? 1 : (double)problem->v_scale;
}

/* What the slope is multiplied by: 0 at the query, negative for older keys. */
static inline int64_t problem_distance(const struct problem *problem, int64_t key)
{
    return problem->kv_offset + key - problem->q_position;
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
