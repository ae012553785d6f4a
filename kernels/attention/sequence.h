/*
 * The sequence that a block works on: one of the batch that a launch computes, by blockIdx.z. Each has its own length,
 * keys, mask and query; heads, head dim, dtypes, slopes and recipe are the launch's.
 */
#ifndef KERNELS_ATTENTION_SEQUENCE_H
#define KERNELS_ATTENTION_SEQUENCE_H

#include "kernels/attention/plain.h"
#include "kernels/dialect/simt.h"

/* The launch's arguments with the block's sequence in its place, and of a plain form the constants. */
SIMT_FUNCTION struct attention_args attention_args_here(const struct attention_args *launch, bool plain)
{
    struct attention_args args = *launch;
    args.sequence = launch->sequences[blockIdx.z];
    if (plain)
        plain_fields_set(&args);
    return args;
}

/* A head's row of q, out and lse. */
SIMT_FUNCTION size_t query_row(const struct attention_args *args, int head)
{
    return (size_t)args->sequence.first_query + (size_t)head;
}

#endif
