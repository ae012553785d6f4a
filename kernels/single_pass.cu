/*
 * single_pass: one block a query head goes through all keys.
 * grid (1, H), block BLOCK_THREADS.
 */
#include "kernels/online_softmax.h"

#define SINGLE_PASS(name, dtype, group)                                                            \
    SIMT_KERNEL(single_pass_##name, struct attention_args, args)                                   \
    {                                                                                              \
        int head = (int)blockIdx.y;                                                                \
        store_head(&args, head, block_online_softmax(&args, dtype, group, head, 0, args.seq_len)); \
    }

KERNEL_VARIANTS(SINGLE_PASS)
