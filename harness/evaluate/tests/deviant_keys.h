/*
 * Attention in f32 that deviates in what no recipe has: in single keys, tiles, dims or rows. What it is planted for has
 * mostly no name; none may be made up for it.
 */
#ifndef HARNESS_EVALUATE_TESTS_DEVIANT_KEYS_H
#define HARNESS_EVALUATE_TESTS_DEVIANT_KEYS_H

#include <string.h>

#include "harness/judge/cause/tests/online_softmax.h"
#include "reference/tests/drawn_problem.h"

enum deviation {
    DEVIANT_NOTHING,     /* the same attention, right: none may be accused */
    DEVIANT_MADE_UP,     /* `some` keys more, of which nobody knows */
    DEVIANT_EMPTY_SLOTS, /* `some` keys more, with a k and a v of 0 and the query's position */
    DEVIANT_HEAVIEST,    /* the `some` keys of most weight count `size` times */
    DEVIANT_STALE_K,     /* a tile of `some` keys has k of the tile before it */
    DEVIANT_STALE_V,
    DEVIANT_FEW_DIMS,    /* q.k without its last `some` dims */
    DEVIANT_LOCAL,       /* positions begin anew with each `some` keys */
    DEVIANT_TAIL_BIAS,   /* keys beyond the last whole tile of `some` have no bias */
    DEVIANT_TAIL_SCALE,  /* or no scale */
    DEVIANT_DOT,         /* q.k summed in `dtype`, dim by dim */
    DEVIANT_HEAD_SCALE,  /* the last head's scale is `size` times what it is */
    DEVIANT_OTHER_QUERY, /* the last head's query is another one */
    DEVIANT_LOST_DIMS,   /* out is 0 in its last `some` dims */
    DEVIANT_TURNED,      /* out is turned by `some` dims */
    DEVIANT_UNDIVIDED,   /* out is not divided by the sum */
    DEVIANT_VALUE_DIMS,  /* v's last `some` dims are those of the key before */
    DEVIANT_ONE_V,       /* all heads read v of the first KV head */
};

struct deviant_keys {
    enum deviation deviation;
    int64_t some, at; /* keys or dims; the tile that is stale */
    double size;
    enum dtype dtype;
    uint64_t seed;
};

/* Whether a part of what is seen deviates, and not all of it, which would be another fault: keys on both sides of where
 * a rest, or a second chunk, begins. */
static inline bool deviant_is_partial(const struct problem *problem, const struct deviant_keys *deviant)
{
    bool of_keys = deviant->deviation >= DEVIANT_LOCAL && deviant->deviation <= DEVIANT_TAIL_SCALE;
    int64_t chunks = of_keys ? (problem->seq_len + deviant->some - 1) / deviant->some : 0, seen = 0;
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        bool any = false;
        for (int64_t key = chunk * deviant->some; key < problem->seq_len && key < (chunk + 1) * deviant->some; key++)
            any |= problem_visible(problem, key);
        seen += any;
    }
    return !of_keys || seen > 1;
}

/* An element of what nobody knows. */
static inline float deviant_element(const struct deviant_keys *deviant, uint64_t row, int dim)
{
    uint64_t state = deviant->seed ^ row << 32 ^ (uint64_t)dim;
    return (float)draw_normal(&state);
}

/* Whose k, or v, is read in a key's place. */
static inline int64_t deviant_place(const struct deviant_keys *deviant, enum deviation deviation, int64_t key)
{
    bool stale = deviant->deviation == deviation && key >= deviant->some && key / deviant->some == deviant->at;
    return stale ? key - deviant->some : key;
}

static inline float deviant_dot(const struct problem *problem, int head, int64_t key,
                                const struct deviant_keys *deviant)
{
    int dims = problem->head_dim, left = deviant->deviation == DEVIANT_FEW_DIMS ? dims - (int)deviant->some : dims;
    int64_t place = deviant_place(deviant, DEVIANT_STALE_K, key);
    size_t row = problem_row(problem, place, problem_kv_head(problem, head));
    bool other = deviant->deviation == DEVIANT_OTHER_QUERY && head == problem->num_heads - 1;
    float dot = 0;
    for (int d = 0; d < left; d++) {
        float q = other ? deviant_element(deviant, 0, d)
                        : online_element(problem->q, problem->dtype, (size_t)head * (size_t)dims + (size_t)d);
        dot += q * online_element(problem->k, problem_kv_dtype(problem), row + (size_t)d);
        if (deviant->deviation == DEVIANT_DOT)
            dot = dtype_round(deviant->dtype, dot);
    }
    return dot;
}

static inline float deviant_logit(const struct problem *problem, int head, int64_t key,
                                  const struct deviant_keys *deviant)
{
    bool last = head == problem->num_heads - 1;
    bool tail = deviant->some > 0 && key >= problem->seq_len / deviant->some * deviant->some;
    float scale = (float)problem_logit_scale(problem), slope = problem->slopes[head];
    float distance = (float)problem_distance(problem, key);
    if (!problem_visible(problem, key))
        return -INFINITY;
    if (deviant->deviation == DEVIANT_HEAD_SCALE && last)
        scale *= (float)deviant->size;
    if (deviant->deviation == DEVIANT_TAIL_SCALE && tail)
        scale = 1;
    if (deviant->deviation == DEVIANT_TAIL_BIAS && tail)
        slope = 0;
    if (deviant->deviation == DEVIANT_LOCAL)
        distance -= (float)(key / deviant->some * deviant->some);
    float logit = scale * deviant_dot(problem, head, key, deviant);
    if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
        logit = (float)soft_capped(problem, (double)logit);
    logit += slope * distance;
    return problem->soft_cap == SOFT_CAP_AFTER_BIAS ? (float)soft_capped(problem, (double)logit) : logit;
}

static inline void deviant_take_key(struct online_state *state, const struct problem *problem, int head, int64_t key,
                                    float logit, float times, const struct deviant_keys *deviant)
{
    struct online_state one = {.max = logit, .sum = times};
    int dims = problem->head_dim, kv_head = problem_kv_head(problem, head);
    int64_t place = deviant_place(deviant, DEVIANT_STALE_V, key);
    kv_head = deviant->deviation == DEVIANT_ONE_V ? 0 : kv_head;
    for (int d = 0; d < dims && logit > -INFINITY; d++) {
        bool stale = deviant->deviation == DEVIANT_VALUE_DIMS && d >= dims - deviant->some && key > 0;
        size_t row = problem_row(problem, stale ? key - 1 : place, kv_head);
        one.out[d] = times * online_element(problem->v, problem_kv_dtype(problem), row + (size_t)d);
    }
    if (logit > -INFINITY && times > 0)
        online_merge(state, &one, dims, false, false);
}

/* Keys that are not the problem's. */
static inline void deviant_take_more(struct online_state *state, const struct problem *problem, int head,
                                     const struct deviant_keys *deviant)
{
    int dims = problem->head_dim;
    bool made_up = deviant->deviation == DEVIANT_MADE_UP;
    for (int64_t i = 0; i < deviant->some && (made_up || deviant->deviation == DEVIANT_EMPTY_SLOTS); i++) {
        struct online_state one = {.sum = 1};
        uint64_t row = (uint64_t)(2 * i) + ((uint64_t)problem_kv_head(problem, head) << 20);
        for (int d = 0; d < dims && made_up; d++) {
            float q = online_element(problem->q, problem->dtype, (size_t)head * (size_t)dims + (size_t)d);
            one.max += (float)problem_logit_scale(problem) * q * deviant_element(deviant, row, d);
            one.out[d] = deviant_element(deviant, row + 1, d);
        }
        online_merge(state, &one, dims, false, false);
    }
}

/* The logit of the `some`-th heaviest key. */
static inline float deviant_least(const struct problem *problem, int head, const struct deviant_keys *deviant)
{
    float least = INFINITY;
    for (int64_t i = 0; i < deviant->some; i++) {
        float next = -INFINITY;
        for (int64_t key = 0; key < problem->seq_len; key++) {
            float logit = deviant_logit(problem, head, key, deviant);
            next = logit < least ? fmaxf(next, logit) : next;
        }
        least = next > -INFINITY ? next : least;
    }
    return least;
}

static inline void deviant_turn(const struct problem *problem, const struct deviant_keys *deviant, float sum,
                                float *out)
{
    int dims = problem->head_dim, some = (int)deviant->some;
    float turned[ONLINE_MAX_DIM];
    memcpy(turned, out, (size_t)dims * sizeof *out);
    for (int d = 0; d < dims; d++) {
        if (deviant->deviation == DEVIANT_TURNED)
            out[d] = turned[(d + some) % dims];
        if (deviant->deviation == DEVIANT_LOST_DIMS && d >= dims - some)
            out[d] = 0;
        if (deviant->deviation == DEVIANT_UNDIVIDED)
            out[d] *= sum;
    }
}

/* out[D], divided; lse. Of a problem of one query. */
static inline float deviant_attend(const struct problem *problem, int head, const struct deviant_keys *deviant,
                                   float *out)
{
    struct online_state state = {.max = -INFINITY};
    float least = deviant->deviation == DEVIANT_HEAVIEST ? deviant_least(problem, head, deviant) : INFINITY;
    for (int64_t key = 0; key < problem->seq_len; key++) {
        float logit = deviant_logit(problem, head, key, deviant);
        deviant_take_key(&state, problem, head, key, logit, logit >= least ? (float)deviant->size : 1, deviant);
    }
    deviant_take_more(&state, problem, head, deviant);
    float lse = online_finish(&state, problem, head, out);
    deviant_turn(problem, deviant, state.sum, out);
    return lse;
}

#endif
