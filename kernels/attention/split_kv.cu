/*
 * split_kv: one block a chunk of keys and a query head, or in the plain form `heads` that share a KV head, writes the
 * partial maximum, sum and output; a second kernel merges the chunks of a head in the recipe's form (Dao et al.,
 * Flash-Decoding, 2023, for lse), or in the plain form the last of its blocks. split_kv: grid (H / heads x chunks of
 * the longest sequence, 1, B), heads fastest, so that blocks that read the same rows run side by side; split_kv_merge:
 * grid (1, H, B); block BLOCK_THREADS.
 */
#include "kernels/attention/chunks.h"
#include "kernels/attention/plain_softmax.h"

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

SIMT_KERNEL(split_kv_merge, struct attention_args, launch)
{
    struct attention_args args = attention_args_here(&launch, false);
    merge_chunks(&args, (int)blockIdx.y, false);
}

GENERIC_FORMS(split_kv, split_kv_chunk)

#ifndef SIMT_REPLAY
SIMT_BODY void split_kv_heads(const struct attention_args *launch, const struct attention_args *args, enum dtype dtype,
                              int group, int heads)
{
    struct chunk_here here = chunk_here(args, heads);
    struct softmax_state states[MAX_SHARED_HEADS];
    if (here.chunk < args->sequence.num_chunks) {
        plain_warp_softmax(launch, args, dtype, group, heads, here.first_head, here.first, here.last, states);
        SIMT_UNROLL
        for (int h = 0; h < heads; h++)
            store_partial(args, here.first_head + h, here.chunk,
                          chunk_result(args, here.chunk, merge_warps(args, group, &states[h], h > 0)));
    } else if (here.chunk > 0) {
        return; /* as above; a sequence without keys has nothing but its merge */
    }
    if (args->arrivals)
        merge_arrived(launch, here.first_head, heads);
}

/* Forms for one head, and for two and four that share rows. */
SIMT_ONE_BODY void split_kv_heads_1(const struct attention_args *launch, const struct attention_args *args,
                                    enum dtype dtype, int group)
{
    split_kv_heads(launch, args, dtype, group, 1);
}

SIMT_FUNCTION void split_kv_heads_2(const struct attention_args *launch, const struct attention_args *args,
                                    enum dtype dtype, int group)
{
    split_kv_heads(launch, args, dtype, group, 2);
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
    .host_time_ratio = 1.2,
    .num_launches = 2,
    .launches = {{.has_plain = true, .over_chunks = true}, {.merges = true}},
    .workspace = PARTIAL_WORKSPACE,
    .sums = {.rescales_per_round = 1, .sum_adds_per_round = 1, .out_adds_per_lane = 1, .merged_warps = BLOCK_WARPS},
};
#endif
