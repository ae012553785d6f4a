/* A small problem, point and the inputs of its parts, for the tests of what an evaluation does. */
#ifndef HARNESS_EVALUATE_TESTS_SMALL_POINT_H
#define HARNESS_EVALUATE_TESTS_SMALL_POINT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/evaluate/evaluate.h"

static inline struct problem_spec small_spec(enum distribution distribution)
{
    struct problem_spec spec = {.seq_len = 301,
                                .num_heads = 6,
                                .num_kv_heads = 3,
                                .head_dim = 64,
                                .dtype = DTYPE_F16,
                                .scale = 0.125f,
                                .max_bias = 8,
                                .total_heads = 6,
                                .q_position = 300,
                                .input = input_spec_default,
                                .seed = 5};
    spec.input.distribution = distribution;
    return spec;
}

static inline struct point small_point(enum kernel kernel)
{
    return (struct point){.problem = small_spec(DISTRIBUTION_NORMAL),
                          .kernel = kernel,
                          .kernel_options = {.chunk_len = 64},
                          .recipe = {.sentinel.policy = SENTINEL_EXCLUDE},
                          .truth_precision = 160,
                          .criterion = {.mode = JUDGE_BOTH, .tolerance = {1e-3, 1e-3, 1e-3}, .budget = 1}};
}

/* Of so many keys, of which the newest alone weigh anything. */
static inline struct point long_point(int64_t keys)
{
    struct point point = small_point(KERNEL_SPLIT_KV);
    point.problem.seq_len = keys;
    point.problem.q_position = keys - 1;
    point.problem.max_bias = 4;
    return point;
}

static inline void generate(struct inputs *inputs, const struct problem_spec *spec, struct part part)
{
    struct error error;
    if (inputs_generate(inputs, spec, part, 2, NULL, &error))
        fail_msg("%s", error.text);
}

#endif
