/*
 * What single_pass and split_kv share: a block's online softmax over a range of keys (Milakov and Gimelshein, 2018;
 * Dao et al., FlashAttention, 2022, algorithm 1). A warp takes every BLOCK_WARPS-th tile of the range (lane.h).
 */
#ifndef KERNELS_ATTENTION_ONLINE_SOFTMAX_H
#define KERNELS_ATTENTION_ONLINE_SOFTMAX_H

#include "kernels/attention/forms.h"
#include "kernels/attention/lane.h"
#include "kernels/attention/logit.h"

/* Softmax over some keys: out not yet divided by sum. */
struct softmax_state {
    real max, sum;
    real out[LANE_DIMS]; /* of this lane's elements */
};

/* Before the first key. What the sum begins with counts once a warp. */
SIMT_FUNCTION struct softmax_state softmax_begin(const struct attention_args *args, const struct lane *lane)
{
    struct softmax_state state;
    state.max = real_of(args->sequence.initial_max);
    state.sum = real_of(lane->index == 0 ? args->recipe.initial_sum : 0.0f);
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        state.out[i] = real_of(0.0f);
    return state;
}

/* Adds the lanes up. */
SIMT_FUNCTION void softmax_end(struct softmax_state *state, int group)
{
    state->sum = warp_sum_in(STAGE_SUM, state->sum, 1);
    warp_sums_in(STAGE_WEIGHTED_SUM, state->out, group);
}

/* Moves a state to a new maximum. */
SIMT_FUNCTION void softmax_rescale(const struct attention_args *args, struct softmax_state *state, real max)
{
    real factor = rescale_factor(STAGE_RESCALE, args, state->max, max);
    state->sum = round_in(STAGE_RESCALE, args->recipe.sum_dtype, mul_in(STAGE_RESCALE, state->sum, factor));
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        state->out[i] = mul_in(STAGE_RESCALE, state->out[i], factor);
    if (args->recipe.weighted_sum_dtype != ROUND_F32)
        round_lane_in(STAGE_RESCALE, args->recipe.weighted_sum_dtype, state->out);
    state->max = max;
}

/* Adds a key's weight to the sum. */
SIMT_FUNCTION void softmax_add(const struct attention_args *args, struct softmax_state *state, real weight)
{
    state->sum = round_in(STAGE_SUM, args->recipe.sum_dtype, add_in(STAGE_SUM, state->sum, weight));
}

/* The maximum after a tile whose largest logit is `max`. */
SIMT_FUNCTION real max_with(const struct attention_args *args, real before, real max)
{
    if (args->recipe.max_offset != 0)
        max = add_in(STAGE_SHIFT, max, real_of(args->recipe.max_offset));
    return guarded_max(args, real_max(before, max));
}

/* The same of the lanes' logits, the same for every lane. */
SIMT_FUNCTION real new_max(const struct attention_args *args, real before, real logit)
{
    return max_with(args, before, warp_max(logit));
}

/* What a warp needs of a head. */
struct head_work {
    struct head_factors factors;
    real query[LANE_DIMS];
};

SIMT_FUNCTION struct head_work head_work(const struct attention_args *args, const struct lane *lane, int head)
{
    struct head_work work;
    work.factors = head_factors(args, head);
    lane_query(args, lane, head, work.factors.scale, work.query);
    return work;
}

/* Takes the tile of keys at `tile` into the state. Keys at and past `last` count as masked, and their v as 0. */
SIMT_FUNCTION void softmax_tile(const struct attention_args *args, enum dtype dtype, int group, const struct lane *lane,
                                const struct head_work *work, int64_t tile, int64_t last, struct softmax_state *state)
{
    int64_t key = tile + lane->index;
    real dot = tile_dot(args, dtype, group, lane, work->query, tile, last);
    bool masked = key_masked(args, key, last) || bias_masks(args, work->factors, key);
    real logit = key_logit(args, dot, work->factors, key, last, masked);
    real max = new_max(args, state->max, logit);
    if (nothing_seen(args, max))
        return; /* the same for every lane */

    real weight = excludes_masked(args) && masked ? real_of(0.0f) : key_weight(args, logit, max);
    if (value_of(max) != value_of(state->max))
        softmax_rescale(args, state, max);
    softmax_add(args, state, weight);
    tile_weighted_sum(args, dtype, group, lane, rounded_weight(args, weight), tile, last, state->out);
}

/* One warp's state over the tiles of keys [first, last) that fall to it. */
SIMT_FUNCTION struct softmax_state warp_online_softmax(const struct attention_args *args, enum dtype dtype, int group,
                                                       int head, int64_t first, int64_t last)
{
    struct lane lane = lane_here(args, group, head);
    struct head_work work = head_work(args, &lane, head);
    struct softmax_state state = softmax_begin(args, &lane);
    for (int64_t tile = first + lane.warp * WARP_SIZE; tile < last; tile += ROUND_KEYS)
        softmax_tile(args, dtype, group, &lane, &work, tile, last, &state);
    softmax_end(&state, group);
    return state;
}

/* What warps have come to, merged in order. maxima, sums[BLOCK_WARPS], outs[BLOCK_WARPS][head_dim] are shared, and so
 * are factors[BLOCK_WARPS], for this to use. */
SIMT_FUNCTION struct block_state merged_warps(const struct attention_args *args, const real *maxima, const real *sums,
                                              const real (*outs)[MAX_HEAD_DIM], real *factors)
{
    int thread = (int)threadIdx.x;
    struct block_state merged = {maxima[0], real_of(0.0f), real_of(0.0f), false};
    for (int w = 1; w < BLOCK_WARPS; w++)
        merged.max = real_max(merged.max, maxima[w]);
    if (thread < BLOCK_WARPS)
        factors[thread] = merge_factor(args, maxima[thread], merged.max);
    __syncthreads();
    for (int w = 0; w < BLOCK_WARPS; w++) {
        merged.sum = fma_in(STAGE_MERGE, sums[w], factors[w], merged.sum);
        if (thread < args->head_dim)
            merged.out = fma_in(STAGE_MERGE, outs[w][thread], factors[w], merged.out);
    }
    return merged;
}

/* The block's softmax from its warps', merged in order. again: it has been called before. */
SIMT_FUNCTION struct block_state merge_warps(const struct attention_args *args, int group,
                                             const struct softmax_state *state, bool again)
{
    __shared__ real warp_maxima[BLOCK_WARPS], warp_sums[BLOCK_WARPS], warp_outs[BLOCK_WARPS][MAX_HEAD_DIM],
        factors[BLOCK_WARPS];
    int warp = (int)threadIdx.x / WARP_SIZE, lane = (int)threadIdx.x % WARP_SIZE;
    if (again)
        __syncthreads(); /* what the warps left then has been read */
    if (lane == 0) {
        warp_maxima[warp] = state->max;
        warp_sums[warp] = state->sum;
    }
    if (lane < group) {
        SIMT_UNROLL
        for (int i = 0; i < LANE_DIMS; i++)
            warp_outs[warp][lane * LANE_DIMS + i] = state->out[i];
    }
    __syncthreads();
    return merged_warps(args, warp_maxima, warp_sums, warp_outs, factors);
}

#endif
