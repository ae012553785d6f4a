/*
 * How tensor_core spreads query heads over blocks: the columns of a product are heads that share a KV head, MMA_COLUMNS
 * at most, and a group of more takes several blocks. A recipe that maps heads to KV heads otherwise has none that share
 * one side by side: its blocks are of one head.
 */
#ifndef KERNELS_ATTENTION_COLUMNS_H
#define KERNELS_ATTENTION_COLUMNS_H

#include "kernels/attention/attention_args.h"
#include "kernels/dialect/fused_sum.h"
#include "kernels/dialect/intrinsics.h"

struct columns {
    int first_head, heads; /* columns from `heads` on are idle: they repeat the last one */
};

SIMT_FUNCTION bool heads_share_rows(const struct attention_args *args)
{
    int map = (int)args->recipe.contract.kv_head_map;
    return map == KV_HEAD_GROUPED || map == KV_HEAD_OFF_BY_ONE;
}

/* Blocks of a KV head's query heads. */
SIMT_FUNCTION int blocks_of_group(const struct attention_args *args)
{
    return (args->num_heads / args->num_kv_heads + MMA_COLUMNS - 1) / MMA_COLUMNS;
}

/* Blocks of all heads, for each chunk. */
SIMT_FUNCTION int column_blocks(const struct attention_args *args)
{
    return heads_share_rows(args) ? args->num_kv_heads * blocks_of_group(args) : args->num_heads;
}

SIMT_FUNCTION struct columns columns_of_block(const struct attention_args *args, int block)
{
    int group = args->num_heads / args->num_kv_heads, blocks = blocks_of_group(args);
    int first = block % blocks * MMA_COLUMNS, left = group - first;
    if (!heads_share_rows(args))
        return (struct columns){block, 1};
    return (struct columns){block / blocks * group + first, left < MMA_COLUMNS ? left : MMA_COLUMNS};
}

#endif
