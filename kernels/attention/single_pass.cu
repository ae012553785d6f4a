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

#define SINGLE_PASS(name, dtype, group) GENERIC_FORM(single_pass_##name, softmax_of_head, dtype, group)

KERNEL_VARIANTS(SINGLE_PASS)

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

/* Forms for one head, and for four that share rows. */
SIMT_ONE_BODY void softmax_of_heads_1(const struct attention_args *launch, const struct attention_args *args,
                                      enum dtype dtype, int group)
{
    softmax_of_heads(launch, args, dtype, group, 1);
}

SIMT_FUNCTION void softmax_of_heads_4(const struct attention_args *launch, const struct attention_args *args,
                                      enum dtype dtype, int group)
{
    softmax_of_heads(launch, args, dtype, group, 4);
}

#define SINGLE_PASS_PLAIN(name, dtype, group, heads) \
    PLAIN_FORM(single_pass_##name, softmax_of_heads_##heads, dtype, group)

KERNEL_PLAIN_VARIANTS(SINGLE_PASS_PLAIN)
#endif
