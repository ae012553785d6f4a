/*
 * Random problems for classes: shapes, slopes, values and masks that people run, and those that make orders of sums
 * matter. A problem is a pure function of its seed: no two draws in one expression.
 */
#ifndef HARNESS_JUDGE_CLASS_TESTS_ORDER_PROBLEM_H
#define HARNESS_JUDGE_CLASS_TESTS_ORDER_PROBLEM_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/problem.h"
#include "reference/tests/drawn_problem.h"

enum { ORDER_TEXT_SIZE = 320 };

struct order_problem {
    struct problem problem;
    void *q, *k, *v;
    float *slopes, *sinks;
    uint8_t *visible;
    char text[ORDER_TEXT_SIZE];
};

enum order_values { VALUES_NORMAL, VALUES_WITH_MEAN, VALUES_CANCELLING, VALUES_PEAK, VALUES_SPARSE, VALUES_COUNT };

static const char *const order_values_names[VALUES_COUNT] = {"normal", "with a mean", "cancelling", "peak", "sparse"};

static inline double order_value(uint64_t *state, enum order_values values, int64_t row, int64_t peak)
{
    double normal = draw_normal(state);
    switch (values) {
    case VALUES_WITH_MEAN:
        return 3 + 0.2 * normal;
    case VALUES_CANCELLING:
        return (row % 2 ? -1 : 1) * (8 + 0.01 * normal);
    case VALUES_PEAK:
        return row == peak ? 60 * normal : normal;
    case VALUES_SPARSE:
        return draw_below(state, 8) ? 0 : normal;
    default:
        return normal;
    }
}

/* size: the standard deviation of q and k, and v's kind. */
static inline void *order_tensor(uint64_t *state, enum dtype dtype, int64_t rows, int64_t row_len, double size,
                                 enum order_values values)
{
    void *tensor = malloc((size_t)(rows * row_len) * dtypes[dtype].size_bytes);
    int64_t peak = (int64_t)(draw_bits(state) % (uint64_t)rows);
    if (!tensor)
        abort();
    for (int64_t i = 0; i < rows * row_len; i++) {
        float element = (float)(size * order_value(state, values, i / row_len, peak));
        dtype_narrow(dtype, tensor, (size_t)i, 1, &element);
    }
    return tensor;
}

static inline float order_slope(uint64_t *state)
{
    double any = exp2(-draw_between(state, -1, 14));
    int power = draw_below(state, 9), kind = draw_below(state, 8);
    return kind == 0 ? 0 : kind < 4 ? exp2f(-(float)power) : (float)any;
}

static inline int64_t order_seq_len(uint64_t *state, int64_t longest)
{
    int64_t any = 1 + (int64_t)(draw_bits(state) % (uint64_t)longest), few = 1 + draw_below(state, 64);
    int64_t some = 1 + (int64_t)(draw_bits(state) % (uint64_t)(longest / 8 + 1));
    int kind = draw_below(state, 4);
    return kind == 0 ? (few < longest ? few : longest) : kind == 1 ? any : some;
}

static inline void order_positions(uint64_t *state, struct problem *problem)
{
    int64_t far = (int64_t)exp2(draw_between(state, 0, 20)), ahead = draw_below(state, 50);
    int kind = draw_below(state, 4);
    problem->kv_offset = kind == 0 ? far : 0;
    problem->q_position = problem->kv_offset + problem->seq_len - 1 + (kind == 1 ? ahead - 25 : 0);
}

static inline uint8_t *order_mask(uint64_t *state, int64_t seq_len)
{
    int kind = draw_below(state, 8), hole = 1 + draw_below(state, 40);
    if (kind > 1)
        return NULL;
    uint8_t *visible = malloc((size_t)seq_len);
    if (!visible)
        abort();
    for (int64_t key = 0; key < seq_len; key++)
        visible[key] = kind == 0 ? draw_below(state, 3) > 0 : key / hole % 2 == 0;
    return visible;
}

static inline void order_problem_init(struct order_problem *made, uint64_t seed, int64_t longest)
{
    static const int dims[] = {16, 32, 64, 80, 128};
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 7;
    struct problem problem = {.seq_len = order_seq_len(&state, longest), .head_dim = dims[draw_below(&state, 5)]};
    problem.num_kv_heads = 1 + draw_below(&state, 2);
    problem.num_heads = problem.num_kv_heads * (1 + draw_below(&state, 2));
    problem.num_queries = draw_below(&state, 6) ? 1 : 2;
    problem.dtype = (enum dtype)draw_below(&state, DTYPE_COUNT);
    problem.kv_format = draw_below(&state, 6) ? KV_AS_DTYPE : KV_E4M3;
    problem.k_scale = (float)exp2(draw_between(&state, -3, 1));
    problem.v_scale = (float)exp2(draw_between(&state, -3, 1));
    problem.scale = (float)((draw_below(&state, 4) ? 1 : draw_between(&state, 0.1, 4)) / sqrt(problem.head_dim));
    enum dtype kv_dtype = problem_kv_dtype(&problem);
    enum order_values values = (enum order_values)draw_below(&state, VALUES_COUNT);
    double q_size = draw_below(&state, 3) ? 1 : exp2(draw_between(&state, -6, 2));
    int64_t queries = problem_queries(&problem), kv_row = (int64_t)problem.num_kv_heads * problem.head_dim;
    *made = (struct order_problem){0};
    made->q = order_tensor(&state, problem.dtype, queries, (int64_t)problem.num_heads * problem.head_dim, q_size,
                           VALUES_NORMAL);
    made->k = order_tensor(&state, kv_dtype, problem.seq_len, kv_row, 1, VALUES_NORMAL);
    made->v = order_tensor(&state, kv_dtype, problem.seq_len, kv_row, 1, values);
    made->slopes = malloc((size_t)problem.num_heads * sizeof(float));
    made->sinks = draw_below(&state, 5) ? NULL : malloc((size_t)problem.num_heads * sizeof(float));
    if (!made->slopes)
        abort();
    for (int h = 0; h < problem.num_heads; h++) {
        made->slopes[h] = order_slope(&state);
        double sink = 3 * draw_normal(&state);
        if (made->sinks)
            made->sinks[h] = (float)sink;
    }
    order_positions(&state, &problem);
    made->visible = order_mask(&state, problem.seq_len);
    int cap = draw_below(&state, 8);
    problem.soft_cap = cap < 2 ? (enum soft_cap)(SOFT_CAP_BEFORE_BIAS + cap) : SOFT_CAP_NONE;
    problem.soft_cap_value = draw_below(&state, 2) ? 30 : 5;
    problem.slopes = made->slopes;
    problem.sink_logits = made->sinks;
    problem.q = made->q;
    problem.k = made->k;
    problem.v = made->v;
    problem.visible = made->visible;
    made->problem = problem;
    snprintf(made->text, sizeof made->text,
             "seed %llu: %lld keys, %d queries, %d heads, %d KV heads, head_dim %d, %s%s, v %s, slope[0] %a, kv_offset "
             "%lld, q_position %lld, soft cap %d%s%s",
             (unsigned long long)seed, (long long)problem.seq_len, (int)queries, problem.num_heads,
             problem.num_kv_heads, problem.head_dim, dtypes[problem.dtype].name,
             problem.kv_format == KV_E4M3 ? ", kv e4m3" : "", order_values_names[values], (double)made->slopes[0],
             (long long)problem.kv_offset, (long long)problem.q_position, (int)problem.soft_cap,
             made->sinks ? ", sinks" : "", made->visible ? ", masked" : "");
}

static inline void order_problem_clear(struct order_problem *made)
{
    free(made->q);
    free(made->k);
    free(made->v);
    free(made->slopes);
    free(made->sinks);
    free(made->visible);
}

#endif
