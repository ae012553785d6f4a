/*
 * What kernels that split the sequence share: the partial results of chunks, and their merge in the recipe's form (Dao
 * et al., Flash-Decoding, 2023, for lse).
 */
#ifndef KERNELS_ATTENTION_CHUNKS_H
#define KERNELS_ATTENTION_CHUNKS_H

#include "kernels/attention/online_softmax.h"

/* The workspace: a chunk's maximum, in the logits' units, sum and output. */
enum { PARTIAL_MAX, PARTIAL_SUM, PARTIAL_OUT };
#define PARTIAL_WORKSPACE                                            \
    {                                                                \
        [PARTIAL_MAX] = {"partial_max", WORKSPACE_OF_CHUNKS, false}, \
        [PARTIAL_SUM] = {"partial_sum", WORKSPACE_OF_CHUNKS, false}, \
        [PARTIAL_OUT] = {"partial_out", WORKSPACE_OF_CHUNKS, true},  \
    }

/* The lse of a chunk, in the logits' units, as the merge takes it. */
SIMT_FUNCTION real merged_lse(const struct attention_args *args, int chunk, real lse)
{
    switch (args->recipe.contract.merge_lse_base) {
    case MERGE_LSE_BASE_2_AS_E:
        return to_base_2_in(STAGE_MERGE, lse);
    case MERGE_LSE_BASE_E_AS_2:
        return to_base_e_in(STAGE_MERGE, lse);
    case MERGE_LSE_BASE_MIXED:
        return chunk == 0 ? to_base_2_in(STAGE_MERGE, lse) : lse;
    default:
        return lse;
    }
}

/* A chunk's state as the recipe hands it to the merge: for MERGE_LSE its lse as the maximum, and 1 as the sum. */
SIMT_FUNCTION struct block_state chunk_result(const struct attention_args *args, int chunk, struct block_state state)
{
    if (args->recipe.merge != MERGE_MAX_SUM) {
        bool empty = row_empty(args, state.max, state.sum);
        state.out = empty ? real_of(0.0f) : divide_by_sum(args, STAGE_MERGE, state.out, state.sum);
        if (args->recipe.merge == MERGE_LSE) {
            real lse = empty ? real_of(-FLOAT_INFINITY) : state_lse(STAGE_MERGE, args, state.max, state.sum);
            state.max = merged_lse(args, chunk, lse);
            state.sum = real_of(empty ? 0.0f : 1.0f);
        }
    }
    state.out = round_in(STAGE_MERGE, args->recipe.partial_dtype, state.out);
    return state;
}

/* Of a head's partial results, which lie chunk by chunk. */
SIMT_FUNCTION size_t first_partial(const struct attention_args *args, int head)
{
    return (size_t)args->sequence.first_chunk + (size_t)head * (size_t)args->sequence.num_chunks;
}

SIMT_FUNCTION void store_partial(const struct attention_args *args, int head, int chunk, struct block_state state)
{
    int thread = (int)threadIdx.x;
    size_t partial = first_partial(args, head) + (size_t)chunk;
    if (thread < args->head_dim)
        ((real *)args->workspace[PARTIAL_OUT])[partial * (size_t)args->head_dim + (size_t)thread] = state.out;
    if (thread == 0) {
        ((real *)args->workspace[PARTIAL_MAX])[partial] = state.max;
        ((real *)args->workspace[PARTIAL_SUM])[partial] = state.sum;
    }
}

enum { MERGE_FETCHED = 16 }; /* partial outputs that a thread fetches before it uses the first of them */

/* Merges the chunks of a head, a block's work. again: it has been called before. */
SIMT_FUNCTION void merge_chunks(const struct attention_args *args, int head, bool again)
{
    __shared__ real warp_maxima[BLOCK_WARPS], factors[BLOCK_THREADS], scaled_sums[BLOCK_THREADS];
    int thread = (int)threadIdx.x, chunks = args->sequence.num_chunks;
    const real *maxima = (const real *)args->workspace[PARTIAL_MAX] + first_partial(args, head);
    const real *sums = (const real *)args->workspace[PARTIAL_SUM] + first_partial(args, head);
    const real *outs = (const real *)args->workspace[PARTIAL_OUT] + first_partial(args, head) * (size_t)args->head_dim;

    real max = chunks > 0 ? maxima[0] : real_of(args->sequence.initial_max);
    for (int chunk = thread; chunk < chunks; chunk += BLOCK_THREADS)
        max = real_max(max, maxima[chunk]);
    max = warp_max(max);
    if (again)
        __syncthreads(); /* what was left then has been read */
    if (thread % WARP_SIZE == 0)
        warp_maxima[thread / WARP_SIZE] = max;
    __syncthreads();
    struct block_state merged = {warp_maxima[0], real_of(0.0f), real_of(0.0f), false};
    for (int w = 1; w < BLOCK_WARPS; w++)
        merged.max = real_max(merged.max, warp_maxima[w]);

    for (int first = 0; first < chunks; first += BLOCK_THREADS) {
        int count = chunks - first < BLOCK_THREADS ? chunks - first : BLOCK_THREADS;
        __syncthreads();
        if (thread < count) {
            real factor = chunk_factor(args, maxima[first + thread], merged.max);
            scaled_sums[thread] = mul_in(STAGE_MERGE, sums[first + thread], factor);
            factors[thread] = args->recipe.merge == MERGE_MAX_SUM ? factor : scaled_sums[thread];
        }
        __syncthreads();
        for (int c = 0; c < count; c += MERGE_FETCHED) {
            real fetched[MERGE_FETCHED];
            SIMT_UNROLL
            for (int i = 0; i < MERGE_FETCHED; i++)
                if (c + i < count && thread < args->head_dim)
                    fetched[i] = outs[(size_t)(first + c + i) * (size_t)args->head_dim + (size_t)thread];
            SIMT_UNROLL
            for (int i = 0; i < MERGE_FETCHED; i++)
                if (c + i < count) {
                    merged.sum = add_in(STAGE_MERGE, merged.sum, scaled_sums[c + i]);
                    if (thread < args->head_dim)
                        merged.out = fma_in(STAGE_MERGE, fetched[i], factors[c + i], merged.out);
                }
        }
    }
    store_head(args, head, merged);
}

#ifndef SIMT_REPLAY
/* The merge of a launch that has no other (attention_args.arrivals), after a block has stored its chunk of these heads:
 * the last of their blocks does it, in the order of chunks, whatever order the blocks had. launch: its arguments. A
 * function of its own, so that it takes no registers from what comes before. */
SIMT_NOINLINE void merge_arrived(const struct attention_args *launch, int first_head, int heads)
{
    struct attention_args args = attention_args_here(launch, false);
    int chunks = args.sequence.num_chunks;
    if (chunks > 0 && !last_of_blocks(&args.arrivals[query_row(&args, first_head)], (uint32_t)chunks))
        return; /* the same for every thread */
    for (int h = 0; h < heads; h++)
        merge_chunks(&args, first_head + h, h > 0);
}
#endif

#endif
