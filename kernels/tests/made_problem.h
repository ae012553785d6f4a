/* Small problems with nearly normal inputs for the tests of kernels; no generator of the harness is needed. */
#ifndef KERNELS_TESTS_MADE_PROBLEM_H
#define KERNELS_TESTS_MADE_PROBLEM_H

#include <math.h>
#include <stdlib.h>

#include "reference/slopes.h"
#include "reference/truth.h"

struct made_problem {
    struct problem problem;
    void *q, *k, *v;
    float *slopes;
    uint8_t *visible;
};

/* Sums of four uniform numbers, standard deviation 1, rounded to the dtype. */
static inline void *made_tensor(enum dtype dtype, size_t count, uint64_t state)
{
    void *tensor = malloc(count * dtypes[dtype].size_bytes);
    if (!tensor)
        abort();
    for (size_t i = 0; i < count; i++) {
        float sum = -2;
        for (int j = 0; j < 4; j++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            sum += (float)(state >> 40) * 0x1p-24f;
        }
        sum *= 1.7320508f;
        dtype_narrow(dtype, tensor, i, 1, &sum);
    }
    return tensor;
}

/* index: of a sequence, each with tensors of its own. */
static inline struct made_problem make_sequence(int index, int64_t seq_len, int num_heads, int num_kv_heads,
                                                int head_dim, enum dtype dtype)
{
    size_t row = (size_t)num_kv_heads * (size_t)head_dim;
    uint64_t state = 3 * (uint64_t)index;
    struct made_problem made = {
        .q = made_tensor(dtype, (size_t)num_heads * (size_t)head_dim, state + 1),
        .k = made_tensor(dtype, (size_t)seq_len * row, state + 2),
        .v = made_tensor(dtype, (size_t)seq_len * row, state + 3),
        .slopes = malloc((size_t)num_heads * sizeof(float)),
    };
    if (!made.slopes)
        abort();
    slopes_fill(made.slopes, num_heads, SLOPES_BLOOM, 8, 0, num_heads);
    made.problem = (struct problem){
        .seq_len = seq_len,
        .num_heads = num_heads,
        .num_kv_heads = num_kv_heads,
        .head_dim = head_dim,
        .dtype = dtype,
        .scale = (float)(1 / sqrt(head_dim)),
        .q_position = seq_len - 1,
        .slopes = made.slopes,
        .q = made.q,
        .k = made.k,
        .v = made.v,
    };
    return made;
}

static inline struct made_problem make_problem(int64_t seq_len, int num_heads, int num_kv_heads, int head_dim,
                                               enum dtype dtype)
{
    return make_sequence(0, seq_len, num_heads, num_kv_heads, head_dim, dtype);
}

/* Removes keys first, first + step, ... below end. */
static inline void mask_keys(struct made_problem *made, int64_t first, int64_t end, int64_t step)
{
    if (!made->visible) {
        made->visible = malloc((size_t)made->problem.seq_len);
        if (!made->visible)
            abort();
        for (int64_t j = 0; j < made->problem.seq_len; j++)
            made->visible[j] = 1;
        made->problem.visible = made->visible;
    }
    for (int64_t j = first; j < end; j += step)
        made->visible[j] = 0;
}

static inline void free_problem(struct made_problem *made)
{
    free(made->q);
    free(made->k);
    free(made->v);
    free(made->slopes);
    free(made->visible);
}

#endif
