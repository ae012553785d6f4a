/*
 * An online softmax in f32 as it is written down (Milakov and Gimelshein, 2018; Dao et al., 2022, algorithm 1), tile
 * after tile, and what may be left out of it: the factor between two maxima, of the sum, of the output, or of both.
 */
#ifndef HARNESS_JUDGE_CAUSE_TESTS_ONLINE_SOFTMAX_H
#define HARNESS_JUDGE_CAUSE_TESTS_ONLINE_SOFTMAX_H

#include <math.h>

#include "reference/problem.h"
#include "reference/soft_cap.h"

struct online_softmax {
    int64_t tile, chunk; /* keys; chunk 0: all are one */
    int owners;          /* that take the tiles of a chunk in turn */
    bool backward;
    bool sum_stays, out_stays; /* where a tile raises the maximum */
    bool merged;               /* where owners and chunks are merged, in place of that, */
    bool own;                  /* as chunks are taken in: of the chunk alone */
};

enum { ONLINE_MAX_DIM = 256 };

struct online_state {
    float max, sum, out[ONLINE_MAX_DIM];
};

static inline float online_element(const void *tensor, enum dtype dtype, size_t index)
{
    float value;
    dtype_widen(dtype, tensor, index, 1, &value);
    return value;
}

/* -INFINITY where the key is masked. */
static inline float online_logit(const struct problem *problem, int head, int64_t key)
{
    size_t dim = (size_t)problem->head_dim, row = problem_row(problem, key, problem_kv_head(problem, head));
    float dot = 0;
    if (!problem_visible(problem, key))
        return -INFINITY;
    for (size_t d = 0; d < dim; d++)
        dot += online_element(problem->q, problem->dtype, (size_t)head * dim + d) *
               online_element(problem->k, problem_kv_dtype(problem), row + d);
    float logit = dot * (float)problem_logit_scale(problem);
    if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
        logit = (float)soft_capped(problem, (double)logit);
    logit += problem->slopes[head] * (float)problem_distance(problem, key);
    return problem->soft_cap == SOFT_CAP_AFTER_BIAS ? (float)soft_capped(problem, (double)logit) : logit;
}

static inline float online_factor(float from, float to)
{
    return from == -INFINITY ? 0 : expf(from - to);
}

/* Takes in what has a maximum of its own. */
static inline void online_merge(struct online_state *into, const struct online_state *from, int dims, bool sum_stays,
                                bool out_stays)
{
    float max = fmaxf(into->max, from->max), old = online_factor(into->max, max), new = online_factor(from->max, max);
    into->sum = sum_stays ? into->sum + from->sum : into->sum * old + from->sum * new;
    for (int d = 0; d < dims; d++)
        into->out[d] = out_stays ? into->out[d] + from->out[d] : into->out[d] * old + from->out[d] * new;
    into->max = max;
}

/* The same, in which what is there has its factor in any case. */
static inline void online_merge_own(struct online_state *into, const struct online_state *from, int dims,
                                    bool sum_stays, bool out_stays)
{
    float max = fmaxf(into->max, from->max), old = online_factor(into->max, max), new = online_factor(from->max, max);
    into->sum = into->sum * old + from->sum * (sum_stays ? 1 : new);
    for (int d = 0; d < dims; d++)
        into->out[d] = into->out[d] * old + from->out[d] * (out_stays ? 1 : new);
    into->max = max;
}

/* Keys [first, end) into what tiles before them came to. */
static inline void online_take(struct online_state *state, const struct problem *problem, int head,
                               const struct online_softmax *online, int64_t first, int64_t end)
{
    int dims = problem->head_dim;
    float max = state->max;
    for (int64_t j = first; j < end; j++)
        max = fmaxf(max, online_logit(problem, head, j));
    float rescale = state->max == max ? 1 : online_factor(state->max, max);
    state->sum *= online->sum_stays && !online->merged ? 1 : rescale;
    for (int d = 0; d < dims; d++)
        state->out[d] *= online->out_stays && !online->merged ? 1 : rescale;
    state->max = max;
    for (int64_t j = first; j < end && max > -INFINITY; j++) {
        float weight = expf(online_logit(problem, head, j) - max);
        size_t row = problem_row(problem, j, problem_kv_head(problem, head));
        state->sum += weight;
        for (int d = 0; d < dims; d++)
            state->out[d] += weight * online_element(problem->v, problem_kv_dtype(problem), row + (size_t)d);
    }
}

/* The tiles of a chunk that fall to an owner. */
static inline struct online_state online_run(const struct problem *problem, int head,
                                             const struct online_softmax *online, int64_t first, int64_t end, int owner)
{
    int64_t tiles = (end - first + online->tile - 1) / online->tile;
    struct online_state state = {.max = -INFINITY};
    for (int64_t i = 0; i < tiles; i++) {
        int64_t tile = online->backward ? tiles - 1 - i : i, from = first + tile * online->tile;
        if (tile % online->owners == owner)
            online_take(&state, problem, head, online, from, from + online->tile < end ? from + online->tile : end);
    }
    return state;
}

/* out[D], divided; lse. A learned sink is a key of its own, taken in at the end as is right. */
static inline float online_finish(struct online_state *state, const struct problem *problem, int head, float *out)
{
    if (problem->sink_logits) {
        struct online_state sink = {.max = problem->sink_logits[head], .sum = 1};
        online_merge(state, &sink, problem->head_dim, false, false);
    }
    for (int d = 0; d < problem->head_dim; d++)
        out[d] = state->out[d] / state->sum * (float)problem_value_scale(problem);
    return state->max + logf(state->sum);
}

/* As online_finish. */
static inline float online_attend(const struct problem *problem, int head, const struct online_softmax *online,
                                  float *out)
{
    int64_t chunk = online->chunk ? online->chunk : problem->seq_len;
    int dims = problem->head_dim;
    struct online_state state = {.max = -INFINITY};
    for (int64_t first = 0; first < problem->seq_len; first += chunk) {
        struct online_state part = {.max = -INFINITY};
        int64_t end = first + chunk < problem->seq_len ? first + chunk : problem->seq_len;
        for (int owner = 0; owner < online->owners; owner++) {
            struct online_state own = online_run(problem, head, online, first, end, owner);
            online_merge(&part, &own, dims, online->sum_stays && online->merged, online->out_stays && online->merged);
        }
        (online->own ? online_merge_own : online_merge)(&state, &part, dims, online->sum_stays && online->merged,
                                                        online->out_stays && online->merged);
    }
    return online_finish(&state, problem, head, out);
}

#endif
