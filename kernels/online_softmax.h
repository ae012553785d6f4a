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
    float max, sum;
    float out[LANE_DIMS]; /* of this lane's elements */
};

/* exp2(from - to), the factor that moves a sum from one maximum to another; 0 from an empty (infinite) one if guarded.
 */
SIMT_FUNCTION float rescale_factor(const struct attention_args *args, float from, float to)
{
    if (args->guard_infinity && from == -FLOAT_INFINITY)
        return 0.0f;
    return exp2_by(args->ex2_approx, __fsub_rn(from, to));
}

/* The logit of a key in base 2: one rounding for the bias, one for the fma. */
SIMT_FUNCTION float biased_logit(const struct attention_args *args, float dot, float scale_log2, float slope_log2,
                                 int64_t key)
{
    int64_t distance = args->absolute_bias ? key : key - args->q_position;
    return fmaf(dot, scale_log2, __fmul_rn(slope_log2, (float)distance));
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
    float scale_log2 = __fmul_rn(args->scale, LOG2_E), slope_log2 = __fmul_rn(args->slopes[head], LOG2_E);

    float query[LANE_DIMS];
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        query[i] = 0.0f;
    if (has_dims)
        load_lane(dtype, args->q, (size_t)head * (size_t)args->head_dim + (size_t)lane_dim, query);

    state->max = args->initial_max;
    state->sum = 0.0f;
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        state->out[i] = 0.0f;

    for (int64_t tile = first + warp * WARP_SIZE; tile < last; tile += BLOCK_WARPS * WARP_SIZE) {
        int64_t group_key = tile + group_first; /* the first of the keys that this group shares */
        float row[LANE_DIMS], dots[WARP_SIZE];
        SIMT_UNROLL
        for (int t = 0; t < group; t++) {
            float dot = 0.0f;
            if (has_dims && group_key + t < last) {
                load_lane(dtype, args->k, (size_t)(group_key + t) * row_stride + head_offset + (size_t)lane_dim, row);
                SIMT_UNROLL
                for (int i = 0; i < LANE_DIMS; i++)
                    dot = fmaf(query[i], row[i], dot);
            }
            dots[t] = dot;
        }
        float dot = warp_reduce_scatter(dots, group);

        int64_t key = tile + lane;
        bool masked = key >= last || (args->visible && !args->visible[key]);
        float logit = masked ? args->masked_logit : biased_logit(args, dot, scale_log2, slope_log2, key);
        float max = float_max(state->max, warp_max(logit));
        if (args->guard_infinity && max == -FLOAT_INFINITY)
            continue; /* nothing visible so far; the same for every lane */

        float weight = args->exclude && masked ? 0.0f : rescale_factor(args, logit, max);
        if (max != state->max) {
            float factor = rescale_factor(args, state->max, max);
            state->sum = __fmul_rn(state->sum, factor);
            SIMT_UNROLL
            for (int i = 0; i < LANE_DIMS; i++)
                state->out[i] = __fmul_rn(state->out[i], factor);
            state->max = max;
        }
        state->sum = __fadd_rn(state->sum, weight);

        float weights[WARP_SIZE];
        warp_all_gather(weight, group, weights);
        SIMT_UNROLL
        for (int t = 0; t < group; t++) {
            int64_t shared_key = group_key + t;
            bool skipped = shared_key >= last || (args->exclude && args->visible && !args->visible[shared_key]);
            if (has_dims && !skipped) {
                load_lane(dtype, args->v, (size_t)shared_key * row_stride + head_offset + (size_t)lane_dim, row);
                SIMT_UNROLL
                for (int i = 0; i < LANE_DIMS; i++)
                    state->out[i] = fmaf(weights[t], row[i], state->out[i]);
            }
        }
    }

    state->sum = warp_sum(state->sum, 1);
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        state->out[i] = warp_sum(state->out[i], group);
}

/* A block's state: thread d < head_dim has element d of out; max and sum are the same in every thread. */
struct block_state {
    float max, sum, out;
};

/* The block's softmax over keys [first, last), warps merged in order. */
SIMT_FUNCTION struct block_state block_online_softmax(const struct attention_args *args, enum dtype dtype, int group,
                                                      int head, int64_t first, int64_t last)
{
    __shared__ float warp_maxima[BLOCK_WARPS], warp_sums[BLOCK_WARPS], warp_outs[BLOCK_WARPS][MAX_HEAD_DIM];
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

    struct block_state merged = {warp_maxima[0], 0.0f, 0.0f};
    for (int w = 1; w < BLOCK_WARPS; w++)
        merged.max = float_max(merged.max, warp_maxima[w]);
    for (int w = 0; w < BLOCK_WARPS; w++) {
        float factor = rescale_factor(args, warp_maxima[w], merged.max);
        merged.sum = fmaf(warp_sums[w], factor, merged.sum);
        if (thread < args->head_dim)
            merged.out = fmaf(warp_outs[w][thread], factor, merged.out);
    }
    return merged;
}

/* Divides and writes a head's out and lse. A row without weight is 0, its lse -inf. */
SIMT_FUNCTION void store_head(const struct attention_args *args, enum dtype dtype, int head, struct block_state state)
{
    int thread = (int)threadIdx.x;
    bool empty = state.sum == 0.0f;
    if (thread < args->head_dim)
        store_element(dtype, args->out, (size_t)head * (size_t)args->head_dim + (size_t)thread,
                      empty ? 0.0f : __fdiv_rn(state.out, state.sum));
    if (thread == 0) {
        float slope_log2 = __fmul_rn(args->slopes[head], LOG2_E);
        float shift = args->absolute_bias ? __fmul_rn(slope_log2, (float)args->q_position) : 0.0f;
        float lse_log2 = __fadd_rn(__fsub_rn(state.max, shift), log2_polynomial(state.sum));
        args->lse[head] = empty ? -FLOAT_INFINITY : __fmul_rn(lse_log2, LN_2);
    }
}

#endif
