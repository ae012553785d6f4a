/*
 * A small problem as a program has it that links the library: packed f32 tensors, and the output that is right. It
 * knows the public header alone.
 */
#ifndef HARNESS_LIBRARY_TESTS_API_FIXTURE_H
#define HARNESS_LIBRARY_TESTS_API_FIXTURE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "harness/library/alibicheck.h"

enum { KEYS = 37, QUERIES = 2, HEADS = 4, KV_HEADS = 2, DIM = 16, ROWS = QUERIES * HEADS };

struct small {
    float q[ROWS * DIM], k[KEYS * KV_HEADS * DIM], v[KEYS * KV_HEADS * DIM];
    float slopes[HEADS];
    float out[ROWS * DIM], lse[ROWS]; /* the truth, rounded to f32 */
};

static const struct alibicheck_shape small_shape = {
    .seq_len = KEYS, .num_queries = QUERIES, .num_heads = HEADS, .num_kv_heads = KV_HEADS, .head_dim = DIM};

/* Numbers of 8 bits, which bf16 and f16 hold. */
static inline void small_fill(float *numbers, int count, uint32_t seed)
{
    for (int i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        numbers[i] = (float)((int)(seed >> 24) - 128) / 64;
    }
}

static inline struct alibicheck_tensor small_tensor(const float *elements, int heads)
{
    return alibicheck_packed(elements, ALIBICHECK_F32, heads, DIM);
}

static inline struct alibicheck_output small_output(const struct small *small)
{
    return (struct alibicheck_output){
        .out = small_tensor(small->out, HEADS),
        .lse = small->lse,
        .lse_strides = {HEADS, 1},
        .lse_base = ALIBICHECK_LSE_BASE_E,
    };
}

/* All that there is to say; the status of what failed first. */
static inline int small_problem(alibicheck_problem **problem, const struct small *small, struct alibicheck_error *error)
{
    const struct alibicheck_tensor q = small_tensor(small->q, HEADS), k = small_tensor(small->k, KV_HEADS),
                                   v = small_tensor(small->v, KV_HEADS);
    int status = alibicheck_problem_new(problem, &small_shape, error);
    if (!status)
        status = alibicheck_problem_set_q(*problem, &q, error);
    if (!status)
        status = alibicheck_problem_set_k(*problem, &k, error);
    if (!status)
        status = alibicheck_problem_set_v(*problem, &v, error);
    if (!status)
        status = alibicheck_problem_set_scale(*problem, 0.25f, error);
    if (!status)
        status = alibicheck_problem_set_slopes(*problem, small->slopes, error);
    return status;
}

/* The formula of the header in double precision, which is far more than f32 needs here. */
static inline void small_make(struct small *small)
{
    small_fill(small->q, ROWS * DIM, 1);
    small_fill(small->k, KEYS * KV_HEADS * DIM, 2);
    small_fill(small->v, KEYS * KV_HEADS * DIM, 3);
    for (int h = 0; h < HEADS; h++)
        small->slopes[h] = ldexpf(1, -2 * (h + 1));
    for (int row = 0; row < ROWS; row++) {
        int query = row / HEADS, head = row % HEADS, later = QUERIES - 1 - query;
        double sum = 0, sums[DIM] = {0};
        for (int j = 0; j < KEYS - later; j++) {
            size_t at = ((size_t)j * KV_HEADS + (size_t)(head / (HEADS / KV_HEADS))) * DIM;
            double dot = 0;
            for (int d = 0; d < DIM; d++)
                dot += (double)small->q[row * DIM + d] * (double)small->k[at + (size_t)d];
            double weight = exp(0.25 * dot + (double)small->slopes[head] * (j - (KEYS - 1 - later)));
            sum += weight;
            for (int d = 0; d < DIM; d++)
                sums[d] += weight * (double)small->v[at + (size_t)d];
        }
        small->lse[row] = (float)log(sum);
        for (int d = 0; d < DIM; d++)
            small->out[row * DIM + d] = (float)(sums[d] / sum);
    }
}

#endif
