/*
 * split_kv: one block a chunk of keys and a query head, or in the plain form `heads` that share a KV head, writes the
 * partial maximum, sum and output; a second kernel merges the chunks of a head in the recipe's form (Dao et al.,
 * Flash-Decoding, 2023, for lse). split_kv: grid (H / heads x chunks of the longest sequence, 1, B), heads fastest, so
 * that blocks that read the same rows run side by side; split_kv_merge: grid (1, H, B); block BLOCK_THREADS.
 */
#include "kernels/attention/plain_softmax.h"

/* The workspace: a chunk's maximum, in the logits' units, sum and output. */
enum { PARTIAL_MAX, PARTIAL_SUM, PARTIAL_OUT };

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

/* A block's chunk and heads. */
struct chunk_here {
    int chunk, first_head;
    int64_t first, last; /* keys */
};

SIMT_FUNCTION struct chunk_here chunk_here(const struct attention_args *args, int heads)
{
    unsigned shares = (unsigned)(args->num_heads / heads);
    struct chunk_here here = {(int)(blockIdx.x / shares), (int)(blockIdx.x % shares) * heads, 0, 0};
    here.first = here.chunk * args->chunk_len;
    here.last = here.first + args->chunk_len;
    if (here.last > args->sequence.seq_len)
        here.last = args->sequence.seq_len;
    return here;
}

SIMT_BODY void split_kv_chunk(const struct attention_args *args, enum dtype dtype, int group)
{
    struct chunk_here here = chunk_here(args, 1);
    if (here.chunk >= args->sequence.num_chunks)
        return; /* a longer sequence of the batch has one here */
    struct softmax_state state = warp_online_softmax(args, dtype, group, here.first_head, here.first, here.last);
    store_partial(args, here.first_head, here.chunk,
                  chunk_result(args, here.chunk, merge_warps(args, group, &state, false)));
}

enum { MERGE_FETCHED = 16 }; /* partial outputs that a thread fetches before it uses the first of them */

SIMT_KERNEL(split_kv_merge, struct attention_args, launch)
{
    __shared__ real warp_maxima[BLOCK_WARPS], factors[BLOCK_THREADS], scaled_sums[BLOCK_THREADS];
    struct attention_args args = attention_args_here(&launch, false);
    int head = (int)blockIdx.y, thread = (int)threadIdx.x, chunks = args.sequence.num_chunks;
    const real *maxima = (const real *)args.workspace[PARTIAL_MAX] + first_partial(&args, head);
    const real *sums = (const real *)args.workspace[PARTIAL_SUM] + first_partial(&args, head);
    const real *outs = (const real *)args.workspace[PARTIAL_OUT] + first_partial(&args, head) * (size_t)args.head_dim;

    real max = chunks > 0 ? maxima[0] : real_of(args.sequence.initial_max);
    for (int chunk = thread; chunk < chunks; chunk += BLOCK_THREADS)
        max = real_max(max, maxima[chunk]);
    max = warp_max(max);
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
            real factor = chunk_factor(&args, maxima[first + thread], merged.max);
            scaled_sums[thread] = mul_in(STAGE_MERGE, sums[first + thread], factor);
            factors[thread] = args.recipe.merge == MERGE_MAX_SUM ? factor : scaled_sums[thread];
        }
        __syncthreads();
        for (int c = 0; c < count; c += MERGE_FETCHED) {
            real fetched[MERGE_FETCHED];
            SIMT_UNROLL
            for (int i = 0; i < MERGE_FETCHED; i++)
                if (c + i < count && thread < args.head_dim)
                    fetched[i] = outs[(size_t)(first + c + i) * (size_t)args.head_dim + (size_t)thread];
            SIMT_UNROLL
            for (int i = 0; i < MERGE_FETCHED; i++)
                if (c + i < count) {
                    merged.sum = add_in(STAGE_MERGE, merged.sum, scaled_sums[c + i]);
                    if (thread < args.head_dim)
                        merged.out = fma_in(STAGE_MERGE, fetched[i], factors[c + i], merged.out);
                }
        }
    }
    store_head(&args, head, merged);
}

GENERIC_FORMS(split_kv, split_kv_chunk)

#ifndef SIMT_REPLAY
SIMT_BODY void split_kv_heads(const struct attention_args *launch, const struct attention_args *args, enum dtype dtype,
                              int group, int heads)
{
    struct chunk_here here = chunk_here(args, heads);
    struct softmax_state states[MAX_SHARED_HEADS];
    if (here.chunk >= args->sequence.num_chunks)
        return;
    plain_warp_softmax(launch, args, dtype, group, heads, here.first_head, here.first, here.last, states);
    SIMT_UNROLL
    for (int h = 0; h < heads; h++)
        store_partial(args, here.first_head + h, here.chunk,
                      chunk_result(args, here.chunk, merge_warps(args, group, &states[h], h > 0)));
}

/* Forms for one head, and for four that share rows. */
SIMT_ONE_BODY void split_kv_heads_1(const struct attention_args *launch, const struct attention_args *args,
                                    enum dtype dtype, int group)
{
    split_kv_heads(launch, args, dtype, group, 1);
}

SIMT_FUNCTION void split_kv_heads_4(const struct attention_args *launch, const struct attention_args *args,
                                    enum dtype dtype, int group)
{
    split_kv_heads(launch, args, dtype, group, 4);
}

PLAIN_FORMS(split_kv, split_kv_heads)
#endif

COMPILED_KERNEL(split_kv, {COMPILED_GENERIC(split_kv) COMPILED_PLAIN(split_kv)}, {COMPILED_ALONE(split_kv_merge)})

#ifdef DESCRIBES_KERNEL
const struct kernel_descriptor kernel_split_kv = {
    .name = "split_kv",
    .about = "one block a chunk of keys, then a kernel that merges the chunks of a head",
    .uses_chunk_len = true,
    .reads_past_end = true,
    .num_launches = 2,
    .launches = {{.has_plain = true, .over_chunks = true}, {.over_chunks = false}},
    .workspace = {[PARTIAL_MAX] = {"partial_max", WORKSPACE_OF_CHUNKS, false},
                  [PARTIAL_SUM] = {"partial_sum", WORKSPACE_OF_CHUNKS, false},
                  [PARTIAL_OUT] = {"partial_out", WORKSPACE_OF_CHUNKS, true}},
    .sums = {.rescales_per_round = 1, .sum_adds_per_round = 1, .out_adds_per_lane = 1, .merged_warps = BLOCK_WARPS},
};
#endif
