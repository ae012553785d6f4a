/*
 * single_pass: one block goes through all keys of a query head, or in the plain form of `heads` that share a KV head.
 * grid (1, H / heads, B), block BLOCK_THREADS.
 */
#include "kernels/attention/plain_softmax.h"

SIMT_BODY void softmax_of_head(const struct attention_args *args, enum dtype dtype, int group)
{
    int head = (int)blockIdx.y;
    struct softmax_state state = warp_online_softmax(args, dtype, group, head, 0, args->sequence.seq_len);
    store_head(args, head, merge_warps(args, group, &state, false));
}

GENERIC_FORMS(single_pass, softmax_of_head)

#ifndef SIMT_REPLAY
SIMT_BODY void softmax_of_heads(const struct attention_args *launch, const struct attention_args *args,
                                enum dtype dtype, int group, int heads)
{
    int first_head = (int)blockIdx.y * heads;
    struct softmax_state states[MAX_SHARED_HEADS];
    plain_warp_softmax(launch, args, dtype, group, heads, first_head, 0, args->sequence.seq_len, states);
    SIMT_UNROLL
    for (int h = 0; h < heads; h++)
        store_head(args, first_head + h, merge_warps(args, group, &states[h], h > 0));
}

/* Forms for one head, and for two and four that share rows. */
SIMT_ONE_BODY void softmax_of_heads_1(const struct attention_args *launch, const struct attention_args *args,
                                      enum dtype dtype, int group)
{
    softmax_of_heads(launch, args, dtype, group, 1);
}

SIMT_FUNCTION void softmax_of_heads_2(const struct attention_args *launch, const struct attention_args *args,
                                      enum dtype dtype, int group)
{
    softmax_of_heads(launch, args, dtype, group, 2);
}

SIMT_FUNCTION void softmax_of_heads_4(const struct attention_args *launch, const struct attention_args *args,
                                      enum dtype dtype, int group)
{
    softmax_of_heads(launch, args, dtype, group, 4);
}

PLAIN_FORMS(single_pass, softmax_of_heads)
#endif

COMPILED_KERNEL(single_pass, {COMPILED_GENERIC(single_pass) COMPILED_PLAIN(single_pass)})

#ifdef DESCRIBES_KERNEL
const struct kernel_descriptor kernel_single_pass = {
    .name = "single_pass",
    .about = "one block a head goes through all keys, online softmax",
    .reads_past_end = true,
    .num_launches = 1,
    .launches = {{.has_plain = true}},
    .sums = {.rescales_per_round = 1, .sum_adds_per_round = 1, .out_adds_per_lane = 1, .merged_warps = BLOCK_WARPS},
};
#endif
