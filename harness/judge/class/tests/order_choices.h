/*
 * What a kernel in emulated arithmetic does (order_kernel.h): its choices, drawn, and the arithmetic of its class.
 */
#ifndef HARNESS_JUDGE_CLASS_TESTS_ORDER_CHOICES_H
#define HARNESS_JUDGE_CLASS_TESTS_ORDER_CHOICES_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/class/arithmetic_class.h"
#include "harness/judge/class/tests/order_problem.h"
#include "kernels/dialect/fused_sum.h"

/* In which keys come, and products of q.k. */
enum order_of_keys { KEYS_FORWARDS, KEYS_BACKWARDS, KEYS_RANDOM, KEYS_ASCENDING, KEYS_DESCENDING, KEYS_COUNT };

/* What is made of them. */
enum order_tree {
    TREE_ONLINE, /* one after the other, or a tile at a time, into one state */
    TREE_RANDOM, /* states of single keys, merged at random */
    TREE_PAIRS,  /* the same in pairs of equal size */
    TREE_CHUNKS, /* online within chunks, which are merged at once */
    TREE_KNOWN,  /* two passes: the maximum is known, and each sum has a tree of its own */
    TREE_COUNT
};

enum order_base { BASE_NATURAL, BASE_FOLDED, BASE_LOGIT, BASE_SCALED_APART, BASE_COUNT };
enum order_scale { SCALES_DOT, SCALES_QUERY, SCALES_SUM, SCALES_PRODUCT, SCALES_COUNT };
enum order_merge { MERGES_BY_MAX, MERGES_NORMALIZED, MERGES_BY_LSE, MERGES_COUNT };
enum order_tanh { TANH_OF_LIBRARY, TANH_OF_SIGMOID, TANH_OF_QUOTIENT, TANH_COUNT };
enum order_errors { ERRORS_RANDOM, ERRORS_UP, ERRORS_APART, ERRORS_COUNT };

struct order_kernel {
    class_set set;
    enum order_of_keys keys, products;
    enum order_tree tree;
    enum order_base base;
    enum order_scale scale;
    enum order_merge merge;
    enum order_tanh tanh;
    enum order_errors errors;
    int tile, chunk;
    int levels; /* that outputs of chunks are merged at, each of which is stored as they are */
    bool fused, fused_dot, narrow_in_sum, probabilities, sink_first, reciprocal, scaled_k;
    bool tensor_core_dot, tensor_core_sums; /* where q and k, or weights and v, are of 16 bits */
    enum tensor_core tensor_core;
    uint64_t seed;
};

static const char *const order_keys_names[KEYS_COUNT] = {"forwards", "backwards", "at random", "ascending",
                                                         "descending"};
static const char *const order_tree_names[TREE_COUNT] = {"online", "random tree", "pairs", "chunks", "known maximum"};

static inline bool order_has(const struct order_kernel *kernel, enum class_rounding rounding)
{
    return class_closed(kernel->set) >> rounding & 1;
}

/* At how many levels a class lets outputs of chunks be stored in 16 bits. */
static inline int order_levels_max(class_set set)
{
    enum { OF_PARTIALS = 2, OF_SUMS = 5 };
    return set >> CLASS_SUMS16 & 1 ? OF_SUMS : OF_PARTIALS;
}

static inline struct order_kernel order_kernel_draw(uint64_t seed, class_set set)
{
    uint64_t state = seed * UINT64_C(0xd1342543de82ef95) + 11;
    struct order_kernel kernel = {.set = set};
    kernel.keys = (enum order_of_keys)draw_below(&state, KEYS_COUNT);
    kernel.products = (enum order_of_keys)draw_below(&state, KEYS_COUNT);
    kernel.tree = (enum order_tree)draw_below(&state, TREE_COUNT);
    kernel.base = (enum order_base)draw_below(&state, BASE_COUNT);
    kernel.scale = (enum order_scale)draw_below(&state, SCALES_COUNT);
    kernel.merge = (enum order_merge)draw_below(&state, MERGES_COUNT);
    kernel.errors = (enum order_errors)draw_below(&state, ERRORS_COUNT);
    kernel.tile = draw_below(&state, 2) ? 1 : 1 + draw_below(&state, 64);
    kernel.chunk = draw_below(&state, 2) ? 1 + draw_below(&state, 32) : 1 + draw_below(&state, 1000);
    int choices = draw_below(&state, 512);
    kernel.fused = choices & 1;
    kernel.fused_dot = choices & 2;
    kernel.narrow_in_sum = choices & 4;
    kernel.probabilities = (choices & 8) && kernel.tree == TREE_KNOWN;
    kernel.sink_first = choices & 16;
    kernel.reciprocal = choices & 32;
    kernel.scaled_k = choices & 64;
    kernel.tensor_core_dot = choices & 128;
    kernel.tensor_core_sums = choices & 256;
    kernel.tensor_core = draw_below(&state, 2) ? TENSOR_CORE_AMPERE : TENSOR_CORE_HOPPER;
    kernel.seed = draw_bits(&state);
    kernel.tanh = (enum order_tanh)draw_below(&state, TANH_COUNT);
    kernel.levels = order_has(&kernel, CLASS_PARTIALS16) ? 1 + draw_below(&state, order_levels_max(set)) : 1;
    return kernel;
}

/* A head at work. */
struct order_work {
    const struct order_kernel *kernel;
    const struct problem *problem; /* of one query */
    int head, kv_head, dim;
    enum dtype narrow;
    uint64_t state;     /* of what is drawn on the way */
    float query[256];   /* scaled, if it is */
    float scale, slope; /* as the logit's form takes them */
    float log2_e;       /* what differences are multiplied by before 2^x, or 1 */
    int64_t *keys;      /* [visible] in their order */
    int64_t num_keys;
    float *logits;        /* [N] */
    const double *target; /* [D] the exact output: errors on one side */
};

struct order_state {
    float max, sum;
    float *out; /* [D] */
};

static inline float order_narrowed(const struct order_work *work, enum class_rounding rounding, float x)
{
    return order_has(work->kernel, rounding) ? dtype_round(work->narrow, x) : x;
}

/* Sums, and what is added to them. */
static inline float order_kept(const struct order_work *work, float x)
{
    return order_narrowed(work, CLASS_SUMS16, x);
}

static inline float order_fma(const struct order_work *work, float a, float b, float c)
{
    if (work->kernel->fused)
        return order_kept(work, fmaf(a, b, c));
    float product = order_kept(work, a * b);
    return order_kept(work, product + c);
}

/* e^x or 2^x, off by nearly 2^-21. side: of the error, where it is not drawn. */
static inline float order_exp(struct order_work *work, float x, int side)
{
    if (x == 0)
        return 1;
    double exact = work->kernel->base == BASE_NATURAL ? exp((double)x) : exp2((double)x);
    double error = 0x1.fp-22 * draw_between(&work->state, -1, 1);
    if (work->kernel->errors != ERRORS_RANDOM)
        error = 0x1.fp-22 * side;
    return exact < 0x1p-126 ? 0 : (float)(exact * (1 + error));
}

/* e^x for a tanh, off by as much. */
static inline float order_natural_exp(struct order_work *work, float x, int side)
{
    double error = 0x1.fp-22 * (work->kernel->errors == ERRORS_RANDOM ? draw_between(&work->state, -1, 1) : side);
    return (float)(exp(fmin((double)x, 80)) * (1 + error));
}

/* Of a soft cap. */
static inline float order_tanh(struct order_work *work, float x)
{
    if (work->kernel->tanh == TANH_OF_LIBRARY)
        return tanhf(x);
    if (work->kernel->tanh == TANH_OF_SIGMOID)
        return 2 * (1 / (1 + order_natural_exp(work, -2 * x, 1))) - 1;
    float up = order_natural_exp(work, x, 1), down = order_natural_exp(work, -x, -1);
    return (up - down) / (up + down);
}

/* The weight of a logit against a maximum. */
static inline float order_factor(struct order_work *work, float from, float to, int side)
{
    if (work->kernel->base == BASE_SCALED_APART)
        return order_exp(work, (from - to) * work->log2_e, side);
    return order_exp(work, from - to, side);
}

static inline float order_weight(struct order_work *work, float logit, float max, int side)
{
    if (logit == max)
        return 1;
    if (work->kernel->base == BASE_SCALED_APART) { /* FlashAttention-2: the maximum is scaled on its own */
        float scaled = max * work->log2_e;
        return order_exp(work, fmaf(logit, work->log2_e, -scaled), side);
    }
    return order_factor(work, logit, max, side);
}

/* Which side an error of a key's weight is on: up, or where it drives element 0 away. */
static inline int order_side(const struct order_work *work, int64_t key)
{
    float value;
    const struct problem *problem = work->problem;
    if (work->kernel->errors != ERRORS_APART)
        return 1;
    dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, work->kv_head), 1, &value);
    return (double)value * problem_value_scale(problem) > work->target[0] ? 1 : -1;
}

#endif
