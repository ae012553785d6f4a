#include "kernels/rounding.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/simt.h"

/* u of f32. */
#define UNIT 0x1p-24

/* |LOG2_E as f32 - log2 e| / log2 e = 0.224 u, and one rounding for the product with it. */
#define BASE_CHANGE (1.23 * UNIT)

enum { BLOCK_WARPS = MAX_BLOCK_THREADS / WARP_SIZE, LANE_DIMS = 8 };

static const double exponential_error[EXPONENTIAL_COUNT] = {
    [EXPONENTIAL_POLYNOMIAL] = 2 * 0x1.06p0 * UNIT, /* 0x1.06p0 ulp (arithmetic.h); an ulp is at most 2 u */
    [EXPONENTIAL_EX2_APPROX] = 2 * 2 * UNIT,        /* 2 ulp (PTX ISA, ex2.approx.ftz.f32) */
};

static int lanes_of(int head_dim)
{
    return head_dim <= 64 ? 8 : head_dim <= 128 ? 16 : 32;
}

/*
 * online_softmax.h, line by line. A lane adds 8 products with fma and the group's lanes add in a tree. A round is 8
 * warps x 32 keys; a lane adds one weight a round to its sum and `lanes` values to its output. After the last round the
 * lanes add in a tree (5 levels for sums, log2(32 / lanes) for outputs) and the warps merge in order, one rescaling and
 * one fma each. split_kv merges chunks with one more rescaling; its additions are counted chunk by chunk.
 */
struct rounding_model kernel_rounding(enum kernel kernel, const struct kernel_options *options,
                                      const struct recipe *recipe, const struct problem *problem)
{
    int lanes = lanes_of(problem->head_dim);
    bool exact_distance = problem->seq_len < 1 << 24 && llabs(problem->q_position) < 1 << 23;
    double exponential = exponential_error[recipe->exponential];
    return (struct rounding_model){
        .slope = BASE_CHANGE,
        .scale = BASE_CHANGE,
        .dot = (LANE_DIMS + ilogb(lanes)) * UNIT * (1 + 0x1p-18),
        .bias = exact_distance ? UNIT : 2 * UNIT,
        .logit = UNIT,
        .shift = UNIT,
        .exponential = exponential,
        .rescale = exponential + UNIT,
        .add = UNIT,
        .division = UNIT,
        .absolute_bias = recipe->bias == BIAS_ABSOLUTE,
        .keys_per_round = BLOCK_WARPS * WARP_SIZE,
        .chunk_len = kernel == KERNEL_SPLIT_KV ? options->chunk_len : 0,
        .sum_adds_per_round = 1,
        .out_adds_per_round = lanes,
        .sum_adds_after = 5 + BLOCK_WARPS,
        .out_adds_after = ilogb(WARP_SIZE / lanes) + BLOCK_WARPS,
        .rescales_after = kernel == KERNEL_SPLIT_KV ? 2 : 1,
    };
}
