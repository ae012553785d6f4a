/* Inputs of a small problem as they are generated, widened, and as their streams say that they are. */
#ifndef HARNESS_PROBLEM_TESTS_SMALL_INPUTS_H
#define HARNESS_PROBLEM_TESTS_SMALL_INPUTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/problem/generate.h"

/* 21 keys, 6 heads on 3 KV heads of 80: rows that no block size divides. */
static inline struct problem_spec small_spec(enum distribution distribution, enum dtype dtype)
{
    struct problem_spec spec = {
        .seq_len = 21,
        .num_heads = 6,
        .num_kv_heads = 3,
        .head_dim = 80,
        .dtype = dtype,
        .scale = 0x1.c9f25cp-4f,
        .slopes = SLOPES_BLOOM,
        .max_bias = 8,
        .total_heads = 6,
        .q_position = 20,
        .input = input_spec_default,
        .seed = 7,
    };
    spec.input.distribution = distribution;
    if (distribution == DISTRIBUTION_ONEHOT)
        spec.input.factor = 8;
    if (distribution == DISTRIBUTION_LOGIT_FLOOR)
        spec.input.value = -10000;
    return spec;
}

static inline size_t key_elements(const struct problem_spec *spec)
{
    return (size_t)spec->num_kv_heads * (size_t)spec->head_dim;
}

static inline size_t element_count(const struct problem_spec *spec, enum tensor tensor)
{
    return tensor == TENSOR_Q ? (size_t)spec->num_heads * (size_t)spec->head_dim
                              : (size_t)spec->seq_len * key_elements(spec);
}

static inline void generate(struct inputs *inputs, const struct problem_spec *spec)
{
    struct error error = {0};
    assert_int_equal(inputs_generate(inputs, spec, whole_problem(spec), 1, NULL, &error), ERROR_NONE);
}

/* The whole tensor in f32. A new array. */
static inline float *widened(const struct inputs *inputs, const struct problem_spec *spec, enum tensor tensor)
{
    const void *const tensors[] = {inputs->q, inputs->k, inputs->v};
    size_t count = element_count(spec, tensor);
    float *values = malloc(count * sizeof *values);
    dtype_widen(tensor == TENSOR_Q ? spec->dtype : problem_spec_kv_dtype(spec), tensors[tensor], 0, count, values);
    return values;
}

/* The plain stream of the whole tensor, rounded to the dtype. A new array. */
static inline float *plain(const struct problem_spec *spec, enum tensor tensor)
{
    size_t count = element_count(spec, tensor);
    float *values = malloc(count * sizeof *values);
    input_stream(values, &spec->input, spec->seed, tensor, 0, count);
    for (size_t i = 0; i < count; i++)
        values[i] = dtype_round(tensor == TENSOR_Q ? spec->dtype : problem_spec_kv_dtype(spec), values[i]);
    return values;
}

#endif
