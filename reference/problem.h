/*
 * One decode-attention problem: what every kernel computes and what the truth is the truth of.
 *
 *     s_ihj  = scale * k_scale * <q_ih, k_gj> + slope_h * (kv_offset + j - position_i)
 *     o_ih   = v_scale * sum_j exp(s_ihj) v_gj / sum_j exp(s_ihj)   0 where no key is visible
 *     lse_ih = log sum_j exp(s_ihj)                                 -inf where no key is visible
 *
 * with the sums over every key j visible to query i, and g = h / (H / Hkv).
 *
 * A soft cap C bounds logits: the product q.k with its scales, x, becomes C tanh(x / C) before the bias is added, or
 * the biased logit does (soft_cap.h). A learned sink is a logit of its head without a value: exp(sink_h) is a term of
 * both sums of weights, so that lse counts it, and is sink_h where no key is visible.
 *
 * The last of Q queries stands at q_position, query i at position_i = q_position - (Q - 1) + i. It sees the keys
 * j < N - (Q - 1 - i) that the mask leaves, wherever q_position is: the Q newest keys are those of the queries
 * themselves. A query and a head are a row, what has one result; rows are counted query by query. With one query, rows
 * are heads.
 *
 * q, k, v in their dtypes, scales and slopes in f32 are exact as given. k_scale and v_scale are those of an fp8 cache
 * and 1 without one.
 * Shapes, row-major: q[Q, H, D], k, v[N + kv_slots, Hkv, D], slopes[H], visible[N]; out[Q, H, D] in dtype, lse[Q, H]
 * in f32.
 */
#ifndef REFERENCE_PROBLEM_H
#define REFERENCE_PROBLEM_H

#include "reference/dtype.h"
#include "reference/error.h"

struct tensor_bounds;
struct key_masks;
struct recent_keys;

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
    KV_E4M3FNUZ,
    KV_FORMAT_COUNT
};

/* The dtype of k and v, where that of the problem is `dtype`. */
static inline enum dtype kv_format_dtype(enum kv_format format, enum dtype dtype)
{
    switch (format) { /* C++ takes no designators with gaps */
    case KV_E4M3:
        return DTYPE_E4M3;
    case KV_E5M2:
        return DTYPE_E5M2;
    case KV_E4M3FNUZ:
        return DTYPE_E4M3FNUZ;
    default:
        return dtype;
    }
}

/* The format whose k and v are of this dtype in every problem; KV_AS_DTYPE if there is none. */
static inline enum kv_format kv_format_of(enum dtype dtype)
{
    for (int format = KV_AS_DTYPE + 1; format < KV_FORMAT_COUNT; format++)
        if (kv_format_dtype((enum kv_format)format, DTYPE_F32) == dtype)
            return (enum kv_format)format;
    return KV_AS_DTYPE;
}

/* Where logits are capped. */
enum soft_cap { SOFT_CAP_NONE, SOFT_CAP_BEFORE_BIAS, SOFT_CAP_AFTER_BIAS, SOFT_CAP_COUNT };

struct problem {
    int64_t seq_len;  /* N >= 0 */
    int64_t kv_slots; /* keys that k and v have room for behind the last one: slots of a cache, which mean nothing */
    int num_queries;  /* Q >= 1; 0 is 1 */
    int num_heads;    /* H >= 1 */
    int num_kv_heads; /* Hkv, divides H */
    int head_dim;     /* D >= 1 */
    enum dtype dtype; /* of q and out, and of k and v unless kv_format says otherwise */
    enum kv_format kv_format;
    float k_scale, v_scale; /* of an fp8 format; else not read */
    float scale;
    enum soft_cap soft_cap;
    float soft_cap_value;               /* C > 0, natural; not read without a cap */
    int64_t q_position;                 /* P, of the last query: where its bias is 0; any value */
    int64_t kv_offset;                  /* the position of key 0: k and v are a chunk of a longer cache */
    const float *slopes;                /* [H] */
    const float *sink_logits;           /* [H] natural, finite; NULL: there are none */
    const void *q;                      /* [Q, H, D] */
    const void *k;                      /* [N + kv_slots, Hkv, D] */
    const void *v;                      /* [N + kv_slots, Hkv, D] */
    const uint8_t *visible;             /* [N], 0 removes the key; NULL: every key is visible */
    const struct key_masks *masks;      /* how many masks remove a key (key_masks.h); NULL: one, where one does */
    struct head_place place;            /* a kernel that makes its own slopes makes those of the whole */
    const struct tensor_bounds *bounds; /* what is known of k and v beforehand (tensor_bounds.h); NULL: nothing */
    struct recent_keys *recent; /* the newest keys of k and v are all there are (recent_keys.h); NULL: all are */
};

/* A result, in buffers of the caller's. */
struct output {
    void *out;  /* [Q, H, D] in the problem's dtype */
    float *lse; /* [Q, H]; NULL: the result is without (an output that was handed over; no kernel's) */
};

/* The greatest problem that is judged. */
enum {
    PROBLEM_MAX_KEYS = 1 << 30,
    PROBLEM_MAX_QUERIES = 1 << 20,
    PROBLEM_MAX_HEADS = 65536,
    PROBLEM_MAX_DIM = 1024,
    PROBLEM_MAX_ROWS = INT32_MAX /* queries times heads */
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
    return kv_format_dtype(problem->kv_format, problem->dtype);
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

static inline int problem_queries(const struct problem *problem)
{
    return problem->num_queries > 1 ? problem->num_queries : 1;
}

static inline int problem_rows(const struct problem *problem)
{
    return problem_queries(problem) * problem->num_heads;
}

static inline double problem_row_slope(const struct problem *problem, int row)
{
    return (double)problem->slopes[row % problem->num_heads];
}

/* Of q and out. */
static inline int64_t problem_elements(const struct problem *problem)
{
    return (int64_t)problem_rows(problem) * problem->head_dim;
}

/* The problem of one of its queries: the keys that it sees are all there are, and the last one's are those of the
 * problem itself. A query that sees none has one, which is masked; where the problem has none, it has none either. */
static inline struct problem problem_query(const struct problem *problem, int query)
{
    static const uint8_t none = 0;
    struct problem one = *problem;
    int later = problem_queries(problem) - 1 - query;
    if (later == 0 && query == 0)
        return one;
    one.num_queries = 1;
    one.q = (const char *)problem->q +
            (size_t)query * (size_t)problem->num_heads * (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
    one.q_position -= later;
    one.seq_len -= later;
    one.kv_slots += later;
    if (problem->seq_len < 1) { /* k and v need not have a row */
        one.seq_len = problem->seq_len;
        one.kv_slots = problem->kv_slots;
    } else if (one.seq_len < 1) {
        one.kv_slots += one.seq_len - 1;
        one.seq_len = 1;
        one.visible = &none;
    }
    return one;
}

/* Keys that the rows look at, masked ones counted: what progress on a truth is counted in. */
static inline long problem_keys_seen(const struct problem *problem)
{
    long keys = 0;
    for (int query = 0; query < problem_queries(problem); query++)
        keys += (long)problem_query(problem, query).seq_len * problem->num_heads;
    return keys;
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
