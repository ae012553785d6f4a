/*
 * two_pass: all logits are stored, then a block a head finds their maximum, turns them into weights and multiplies with
 * v, as a framework does that runs q.k, softmax and the product with v one after the other. Nothing is rescaled.
 * two_pass_logits: grid (H x chunks of the longest sequence, 1, B), heads fastest; two_pass_output: grid (1, H, B);
 * block BLOCK_THREADS.
 */
#include "kernels/attention/online_softmax.h"

enum { LOGITS }; /* the workspace */

/* Of a head's, which lie key by key. */
SIMT_FUNCTION size_t first_logit(const struct attention_args *args, int head)
{
    return (size_t)args->sequence.first_logit + (size_t)head * (size_t)args->sequence.seq_len;
}

SIMT_BODY void store_logits(const struct attention_args *args, enum dtype dtype, int group)
{
    int head = (int)(blockIdx.x % (unsigned)args->num_heads);
    int64_t first = (int64_t)(blockIdx.x / (unsigned)args->num_heads) * args->chunk_len, end = first + args->chunk_len;
    int64_t last = end < args->sequence.seq_len ? end : args->sequence.seq_len;
    struct lane lane = lane_here(args, group, head);
    struct head_work work = head_work(args, &lane, head);
    real *logits = (real *)args->workspace[LOGITS] + first_logit(args, head);

    for (int64_t tile = first + lane.warp * WARP_SIZE; tile < last; tile += ROUND_KEYS) {
        int64_t key = tile + lane.index;
        real dot = tile_dot(args, dtype, group, &lane, work.query, tile, last);
        bool masked = key_masked(args, key, last) || bias_masks(args, work.factors, key);
        if (key < last)
            logits[key] = key_logit(args, dot, work.factors, key, last, masked);
    }
}

/* The largest logit of the row, the same in every thread. */
SIMT_FUNCTION real row_max(const struct attention_args *args, const real *logits)
{
    __shared__ real warp_maxima[BLOCK_WARPS];
    int thread = (int)threadIdx.x;
    real max = real_of(args->sequence.initial_max);
    for (int64_t key = thread; key < args->sequence.seq_len; key += BLOCK_THREADS)
        max = real_max(max, logits[key]);
    max = warp_max(max);
    if (thread % WARP_SIZE == 0)
        warp_maxima[thread / WARP_SIZE] = max;
    __syncthreads();
    for (int w = 0; w < BLOCK_WARPS; w++)
        max = real_max(max, warp_maxima[w]);
    if (args->recipe.max_offset != 0)
        max = add_in(STAGE_SHIFT, max, real_of(args->recipe.max_offset));
    return guarded_max(args, max);
}

/* The weight of the key at tile + lane; 0 past the end, and where it is skipped. */
SIMT_FUNCTION real row_weight(const struct attention_args *args, const real *logits, struct head_factors factors,
                              real max, int64_t key)
{
    int64_t seq_len = args->sequence.seq_len;
    bool masked = key_masked(args, key, seq_len) || bias_masks(args, factors, key);
    bool skipped = key >= seq_len || (excludes_masked(args) && masked);
    return skipped ? real_of(0.0f) : key_weight(args, logits[key], max);
}

/* The maximum of a row's keys as far as the tiles of tile_keys go into which the keys at tile fall: before, of those
 * before `first`. The same for every lane. */
SIMT_FUNCTION real running_max(const struct attention_args *args, const real *logits, const struct lane *lane,
                               int64_t *first, int64_t tile, real before)
{
    int64_t seq_len = args->sequence.seq_len, tile_keys = args->recipe.tile_keys;
    int64_t end = (tile / tile_keys + 1) * tile_keys;
    real max = real_of(-FLOAT_INFINITY);
    for (; *first < end; *first += WARP_SIZE) {
        int64_t key = *first + lane->index;
        max = real_max(max, warp_max(key < seq_len ? logits[key] : real_of(-FLOAT_INFINITY)));
    }
    if (args->recipe.max_offset != 0)
        max = add_in(STAGE_SHIFT, max, real_of(args->recipe.max_offset));
    return guarded_max(args, real_max(before, max));
}

SIMT_BODY void softmax_times_v(const struct attention_args *args, enum dtype dtype, int group)
{
    int head = (int)blockIdx.y;
    int64_t seq_len = args->sequence.seq_len;
    const real *logits = (const real *)args->workspace[LOGITS] + first_logit(args, head);
    bool probabilities = args->recipe.weight_form == WEIGHT_PROBABILITIES;
    struct lane lane = lane_here(args, group, head);
    struct head_factors factors = head_factors(args, head);
    struct softmax_state state = softmax_begin(args, &lane);
    bool running = args->recipe.tile_keys != 0;
    if (!running)
        softmax_rescale(args, &state, row_max(args, logits));
    struct block_state row = {state.max, real_of(0.0f), real_of(0.0f), probabilities};
    bool nothing = !running && nothing_seen(args, state.max); /* the same for every thread */
    int64_t seen = 0;
    if (probabilities) { /* the sum first */
        for (int64_t tile = lane.warp * WARP_SIZE; tile < seq_len && !nothing; tile += ROUND_KEYS)
            softmax_add(args, &state, row_weight(args, logits, factors, state.max, tile + lane.index));
        softmax_end(&state, group);
        row.sum = merge_warps(args, group, &state, false).sum;
        nothing = row_empty(args, row.max, row.sum);
    }
    for (int64_t tile = lane.warp * WARP_SIZE; tile < seq_len && !nothing; tile += ROUND_KEYS) {
        if (running) {
            real max = running_max(args, logits, &lane, &seen, tile, state.max);
            if (nothing_seen(args, max))
                continue; /* the same for every lane */
            if (value_of(max) != value_of(state.max))
                softmax_rescale(args, &state, max);
        }
        real weight = row_weight(args, logits, factors, state.max, tile + lane.index);
        if (probabilities)
            weight = divide_by_sum(args, STAGE_DIVISION, weight, row.sum);
        else
            softmax_add(args, &state, weight);
        tile_weighted_sum(args, dtype, group, &lane, rounded_weight(args, weight), tile, seq_len, state.out);
    }
    softmax_end(&state, group);
    struct block_state merged = merge_warps(args, group, &state, probabilities);
    row.out = merged.out;
    row.max = merged.max;
    if (!probabilities)
        row.sum = merged.sum;
    store_head(args, head, row);
}

GENERIC_FORMS(two_pass_logits, store_logits)
GENERIC_FORMS(two_pass_output, softmax_times_v)

COMPILED_KERNEL(two_pass, {COMPILED_GENERIC(two_pass_logits)}, {COMPILED_GENERIC(two_pass_output)})

/* It stands for frameworks, whose tensors have no slots past the end. */
#ifdef DESCRIBES_KERNEL
const struct kernel_descriptor kernel_two_pass = {
    .name = "two_pass",
    .about = "all logits are stored, then their softmax times v, one block a head",
    .reads_past_end = false,
    .knows_sum = true,
    .host_time_ratio = 0.9,
    .num_launches = 2,
    .launches = {{.over_chunks = true}, {.over_chunks = false}},
    .workspace = {[LOGITS] = {"logits", WORKSPACE_OF_KEYS, false}},
    .sums = {.rescales_per_round = 0, .sum_adds_per_round = 1, .out_adds_per_lane = 1, .merged_warps = BLOCK_WARPS},
};
#endif
