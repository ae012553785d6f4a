/*
 * What single_pass and split_kv share: a block's online softmax over a range of keys (Milakov and Gimelshein, 2018;
 * Dao et al., FlashAttention, 2022, algorithm 1).
 *
 * A warp takes tiles of 32 keys, every BLOCK_WARPS-th tile of the range. For the dot products `group` lanes share a
 * row, 8 elements a lane, and a group takes `group` consecutive keys of the tile; after a reduce-scatter each lane owns
 * the logit of one key. For the weighted sum each lane gathers its group's weights and goes through the same rows of v.
 */
#ifndef KERNELS_ONLINE_SOFTMAX_H
#define KERNELS_ONLINE_SOFTMAX_H

#include "kernels/arithmetic.h"
#include "kernels/attention_args.h"
#include "kernels/kernel_names.h"

enum { BLOCK_WARPS = 8, BLOCK_THREADS = BLOCK_WARPS * WARP_SIZE, MAX_HEAD_DIM = 256 };

/* Softmax over some keys: logits in base 2, out not yet divided by sum. */
struct softmax_state {
    real max, sum;
    real out[LANE_DIMS]; /* of this lane's elements */
};

/* exp2(logit - max), 0 where the logit is infinite and guarded. */
SIMT_FUNCTION real key_weight(const struct attention_args *args, real logit, real max)
{
    if (args->guard_infinity && value_of(logit) == -FLOAT_INFINITY)
        return real_of(0.0f);
    return exp2_in(STAGE_EXPONENTIAL, args->ex2_approx, sub_in(STAGE_SHIFT, logit, max));
}

/* exp2(from - to), the factor that moves a sum from one maximum to another; 0 from an empty (infinite) one if guarded.
 */
SIMT_FUNCTION real rescale_factor(enum stage stage, const struct attention_args *args, real from, real to)
{
    if (args->guard_infinity && value_of(from) == -FLOAT_INFINITY)
        return real_of(0.0f);
    return exp2_in(stage, args->ex2_approx, sub_in(stage, from, to));
}

/* The logit of a key in base 2: one rounding for the bias, one for the fma. */
SIMT_FUNCTION real biased_logit(const struct attention_args *args, real dot, real scale_log2, real slope_log2,
                                int64_t key)
{
    int64_t distance = args->absolute_bias ? key : key - args->q_position;
    real bias = mul_in(STAGE_BIAS, slope_log2, integer_in(STAGE_BIAS, distance));
    return fma_in(STAGE_LOGIT, dot, scale_log2, bias);
}

/*
 * One warp's state over the tiles of keys [first, last) that fall to it. dtype and group are constants after inlining.
 * Keys at and past `last` that fill the last tile count as masked, and their v as 0.
 */
SIMT_FUNCTION void warp_online_softmax(const struct attention_args *args, enum dtype dtype, int group, int head,
                                       int64_t first, int64_t last, struct softmax_state *state)
{
    int thread = (int)threadIdx.x, warp = thread / WARP_SIZE, lane = thread % WARP_SIZE;
    int rank = lane % group, group_first = lane - rank;
    int lane_dim = rank * LANE_DIMS; /* first element of this lane; past head_dim for idle lanes */
    bool has_dims = lane_dim < args->head_dim;
    size_t row_stride = (size_t)args->num_kv_heads * (size_t)args->head_dim;
    size_t head_offset = (size_t)(head / (args->num_heads / args->num_kv_heads)) * (size_t)args->head_dim;
    real scale_log2 = to_base_2_in(STAGE_SCALE, real_of(args->scale));
    real slope_log2 = to_base_2_in(STAGE_SLOPE, real_of(args->slopes[head]));

    real query[LANE_DIMS];
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        query[i] = real_of(0.0f);
    if (has_dims)
        load_lane(dtype, args->q, (size_t)head * (size_t)args->head_dim + (size_t)lane_dim, query);

    state->max = real_of(args->initial_max);
    state->sum = real_of(0.0f);
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        state->out[i] = real_of(0.0f);

    for (int64_t tile = first + warp * WARP_SIZE; tile < last; tile += BLOCK_WARPS * WARP_SIZE) {
        int64_t group_key = tile + group_first; /* the first of the keys that this group shares */
        real row[LANE_DIMS], dots[WARP_SIZE];
        SIMT_UNROLL
        for (int t = 0; t < group; t++) {
            real dot = real_of(0.0f);
            if (has_dims && group_key + t < last) {
                load_lane(dtype, args->k, (size_t)(group_key + t) * row_stride + head_offset + (size_t)lane_dim, row);
                SIMT_UNROLL
                for (int i = 0; i < LANE_DIMS; i++)
                    dot = fma_in(STAGE_DOT, query[i], row[i], dot);
            }
            dots[t] = dot;
        }
        real dot = warp_reduce_scatter_in(STAGE_DOT, dots, group);

        int64_t key = tile + lane;
        bool masked = key >= last || (args->visible && !args->visible[key]);
        real logit = masked ? real_of(args->masked_logit) : biased_logit(args, dot, scale_log2, slope_log2, key);
        real max = real_max(state->max, warp_max(logit));
        if (args->guard_infinity && value_of(max) == -FLOAT_INFINITY)
            continue; /* nothing visible so far; the same for every lane */

        real weight = args->exclude && masked ? real_of(0.0f) : key_weight(args, logit, max);
        if (value_of(max) != value_of(state->max)) {
            real factor = rescale_factor(STAGE_RESCALE, args, state->max, max);
            state->sum = mul_in(STAGE_RESCALE, state->sum, factor);
            SIMT_UNROLL
            for (int i = 0; i < LANE_DIMS; i++)
                state->out[i] = mul_in(STAGE_RESCALE, state->out[i], factor);
            state->max = max;
        }
        state->sum = add_in(STAGE_SUM, state->sum, weight);

        real weights[WARP_SIZE];
        warp_all_gather(weight, group, weights);
        SIMT_UNROLL
        for (int t = 0; t < group; t++) {
            int64_t shared_key = group_key + t;
            bool skipped = shared_key >= last || (args->exclude && args->visible && !args->visible[shared_key]);
            if (has_dims && !skipped) {
                load_lane(dtype, args->v, (size_t)shared_key * row_stride + head_offset + (size_t)lane_dim, row);
                SIMT_UNROLL
                for (int i = 0; i < LANE_DIMS; i++)
                    state->out[i] = fma_in(STAGE_WEIGHTED_SUM, weights[t], row[i], state->out[i]);
            }
        }
    }

    state->sum = warp_sum_in(STAGE_SUM, state->sum, 1);
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        state->out[i] = warp_sum_in(STAGE_WEIGHTED_SUM, state->out[i], group);
}

/* A block's state: thread d < head_dim has element d of out; max and sum are the same in every thread. */
struct block_state {
    real max, sum, out;
};

/* The block's softmax over keys [first, last), warps merged in order. */
SIMT_FUNCTION struct block_state block_online_softmax(const struct attention_args *args, enum dtype dtype, int group,
                                                      int head, int64_t first, int64_t last)
{
    __shared__ real warp_maxima[BLOCK_WARPS], warp_sums[BLOCK_WARPS], warp_outs[BLOCK_WARPS][MAX_HEAD_DIM];
    int thread = (int)threadIdx.x, warp = thread / WARP_SIZE, lane = thread % WARP_SIZE;
    struct softmax_state state;

    warp_online_softmax(args, dtype, group, head, first, last, &state);
    if (lane == 0) {
        warp_maxima[warp] = state.max;
        warp_sums[warp] = state.sum;
    }
    if (lane < group) {
        SIMT_UNROLL
        for (int i = 0; i < LANE_DIMS; i++)
            warp_outs[warp][lane * LANE_DIMS + i] = state.out[i];
    }
    __syncthreads();

    struct block_state merged = {warp_maxima[0], real_of(0.0f), real_of(0.0f)};
    for (int w = 1; w < BLOCK_WARPS; w++)
        merged.max = real_max(merged.max, warp_maxima[w]);
    for (int w = 0; w < BLOCK_WARPS; w++) {
        real factor = rescale_factor(STAGE_MERGE, args, warp_maxima[w], merged.max);
        merged.sum = fma_in(STAGE_MERGE, warp_sums[w], factor, merged.sum);
        if (thread < args->head_dim)
            merged.out = fma_in(STAGE_MERGE, warp_outs[w][thread], factor, merged.out);
    }
    return merged;
}

/* Divides and writes a head's out and lse. A row without weight is 0, its lse -inf. */
SIMT_FUNCTION void store_head(const struct attention_args *args, enum dtype dtype, int head, struct block_state state)
{
    int thread = (int)threadIdx.x;
    bool empty = value_of(state.sum) == 0.0f;
    if (thread < args->head_dim)
        store_in(STAGE_OUTPUT, dtype, args->out, (size_t)head * (size_t)args->head_dim + (size_t)thread,
                 empty ? real_of(0.0f) : div_in(STAGE_DIVISION, state.out, state.sum));
    if (thread == 0) {
        real slope_log2 = to_base_2_in(STAGE_SLOPE, real_of(args->slopes[head]));
        real shift = args->absolute_bias ? mul_in(STAGE_LSE, slope_log2, integer_in(STAGE_LSE, args->q_position))
                                         : real_of(0.0f);
        real lse_log2 = add_in(STAGE_LSE, sub_in(STAGE_LSE, state.max, shift), log2_in(STAGE_LSE, state.sum));
        ((real *)args->lse)[head] = empty ? real_of(-FLOAT_INFINITY) : to_base_e_in(STAGE_LSE, lse_log2);
    }
}

#endif
