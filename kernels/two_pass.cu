/*
 * two_pass: all logits are stored, then a block a head finds their maximum, turns them into weights and multiplies with
 * v, as a framework does that runs q.k, softmax and the product with v one after the other. Nothing is rescaled.
 * two_pass_logits: grid (num_chunks, H), chunks of chunk_len keys; two_pass_output: grid (1, H); block BLOCK_THREADS.
 */
#include "kernels/online_softmax.h"

SIMT_FUNCTION void store_logits(const struct attention_args *args, enum dtype dtype, int group)
{
    int head = (int)blockIdx.y;
    int64_t first = (int64_t)blockIdx.x * args->chunk_len, end = first + args->chunk_len;
    int64_t last = end < args->seq_len ? end : args->seq_len;
    struct lane lane = lane_here(args, group, head);
    struct head_factors factors = head_factors(args, head);
    real query[LANE_DIMS], *logits = (real *)args->logits + (size_t)head * (size_t)args->seq_len;
    lane_query(args, &lane, head, factors.scale, query);

    for (int64_t tile = first + lane.warp * WARP_SIZE; tile < last; tile += BLOCK_WARPS * WARP_SIZE) {
        int64_t key = tile + lane.index;
        real dot = tile_dot(args, dtype, group, &lane, query, tile, last);
        if (key < last)
            logits[key] = key_logit(args, dot, factors, key, last, key_masked(args, key, last));
    }
}

/* The largest logit of the row, the same in every thread. */
SIMT_FUNCTION real row_max(const struct attention_args *args, const real *logits)
{
    __shared__ real warp_maxima[BLOCK_WARPS];
    int thread = (int)threadIdx.x;
    real max = real_of(args->initial_max);
    for (int64_t key = thread; key < args->seq_len; key += BLOCK_THREADS)
        max = real_max(max, logits[key]);
    max = warp_max(max);
    if (thread % WARP_SIZE == 0)
        warp_maxima[thread / WARP_SIZE] = max;
    __syncthreads();
    for (int w = 0; w < BLOCK_WARPS; w++)
        max = real_max(max, warp_maxima[w]);
    return args->max_offset != 0 ? add_in(STAGE_SHIFT, max, real_of(args->max_offset)) : max;
}

SIMT_FUNCTION void softmax_times_v(const struct attention_args *args, enum dtype dtype, int group)
{
    int head = (int)blockIdx.y;
    const real *logits = (const real *)args->logits + (size_t)head * (size_t)args->seq_len;
    struct lane lane = lane_here(args, group, head);
    struct softmax_state state = softmax_begin(args, &lane);
    softmax_rescale(args, &state, row_max(args, logits));
    bool nothing = args->guard_infinity && value_of(state.max) == -FLOAT_INFINITY; /* the same for every thread */

    for (int64_t tile = lane.warp * WARP_SIZE; tile < args->seq_len && !nothing; tile += BLOCK_WARPS * WARP_SIZE) {
        int64_t key = tile + lane.index;
        bool skipped = key >= args->seq_len || (args->exclude && key_masked(args, key, args->seq_len));
        real weight = skipped ? real_of(0.0f) : key_weight(args, logits[key], state.max);
        state.sum = add_in(STAGE_SUM, state.sum, weight);
        tile_weighted_sum(args, dtype, group, &lane, weight, tile, args->seq_len, state.out);
    }
    softmax_end(&state, group);
    store_head(args, head, merge_warps(args, group, &state));
}

#define TWO_PASS_LOGITS(name, dtype, group)                          \
    SIMT_KERNEL(two_pass_logits_##name, struct attention_args, args) \
    {                                                                \
        store_logits(&args, dtype, group);                           \
    }

#define TWO_PASS_OUTPUT(name, dtype, group)                          \
    SIMT_KERNEL(two_pass_output_##name, struct attention_args, args) \
    {                                                                \
        softmax_times_v(&args, dtype, group);                        \
    }

KERNEL_VARIANTS(TWO_PASS_LOGITS)
KERNEL_VARIANTS(TWO_PASS_OUTPUT)
