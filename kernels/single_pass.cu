/*
 * single_pass: one block a query head goes through all keys.
 * grid (1, H, B), block BLOCK_THREADS.
 */
#include "kernels/online_softmax.h"

SIMT_BODY void softmax_of_head(const struct attention_args *args, enum dtype dtype, int group)
{
    int head = (int)blockIdx.y;
    store_head(args, head, block_online_softmax(args, dtype, group, head, 0, args->sequence.seq_len));
}

#define SINGLE_PASS(name, dtype, group)                            \
    SIMT_KERNEL(single_pass_##name, struct attention_args, launch) \
    {                                                              \
        struct attention_args args = attention_args_here(&launch); \
        softmax_of_head(&args, dtype, group);                      \
    }

KERNEL_VARIANTS(SINGLE_PASS)
