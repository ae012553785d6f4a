/*
 * What a warp does with a tile of 32 keys. For dot products `group` lanes share a row, 8 elements a lane, and a group
 * takes `group` consecutive keys of the tile; after a reduce-scatter each lane owns the product of one key. For
 * weighted sums each lane gathers its group's weights and goes through the same rows of v.
 *
 * dtype (of k and v) and group are constants after inlining.
 */
#ifndef KERNELS_LANE_H
#define KERNELS_LANE_H

#include "kernels/elements.h"
#include "kernels/kernel_names.h"
#include "kernels/sequence.h"

enum { BLOCK_WARPS = 8, BLOCK_THREADS = BLOCK_WARPS * WARP_SIZE, MAX_HEAD_DIM = 256 };

/* Where a thread stands. */
struct lane {
    int warp, index;    /* of the block, of the warp */
    int group_first;    /* the first lane of its group, and of the tile the first key that the group shares */
    int dim;            /* first of its elements; past head_dim for idle lanes */
    bool has_dims;      /* it has elements */
    size_t row_stride;  /* of k and v, in elements */
    size_t head_offset; /* of its KV head and elements within a row, from the sequence's first row */
};

SIMT_FUNCTION struct lane lane_here(const struct attention_args *args, int group, int head)
{
    int thread = (int)threadIdx.x, index = thread % WARP_SIZE, rank = index % group;
    int kv_head = head / (args->num_heads / args->num_kv_heads), dim = rank * LANE_DIMS;
    size_t row_stride = (size_t)args->num_kv_heads * (size_t)args->head_dim;
    size_t first_row = args->page_table ? 0 : (size_t)args->sequence.first_row;
    return (struct lane){
        .warp = thread / WARP_SIZE,
        .index = index,
        .group_first = index - rank,
        .dim = dim,
        .has_dims = dim < args->head_dim,
        .row_stride = row_stride,
        .head_offset = first_row * row_stride + (size_t)kv_head * (size_t)args->head_dim + (size_t)dim,
    };
}

/* This lane's elements of a key, in k and v. */
SIMT_FUNCTION size_t lane_row(const struct attention_args *args, const struct lane *lane, int64_t key)
{
    int64_t row = key;
    if (args->page_table)
        row = (int64_t)args->page_table[args->sequence.first_page + key / args->page_size] * args->page_size +
              key % args->page_size;
    return (size_t)row * lane->row_stride + lane->head_offset;
}

/* A key of the sequence that its mask removes. */
SIMT_FUNCTION bool key_removed(const struct attention_args *args, int64_t key)
{
    return args->sequence.has_mask && !args->visible[args->sequence.first_key + key];
}

SIMT_FUNCTION bool key_masked(const struct attention_args *args, int64_t key, int64_t last)
{
    return key >= last || key_removed(args, key);
}

/* This lane's elements of q, scaled where the recipe scales the query. */
SIMT_FUNCTION void lane_query(const struct attention_args *args, const struct lane *lane, int head, real scale,
                              real *query)
{
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        query[i] = real_of(0.0f);
    if (lane->has_dims)
        load_lane((enum dtype)args->dtype, args->q, query_row(args, head) * (size_t)args->head_dim + (size_t)lane->dim,
                  query);
    if (args->scale_entry == SCALE_QUERY) {
        SIMT_UNROLL
        for (int i = 0; i < LANE_DIMS; i++)
            query[i] = mul_in(STAGE_SCALE, query[i], scale);
    }
}

/* The products of this lane's elements, summed in order. */
SIMT_FUNCTION real lane_dot(int rounding, const real *query, const real *row)
{
    real dot = real_of(0.0f);
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        dot = round_in(STAGE_DOT, rounding, fma_in(STAGE_DOT, query[i], row[i], dot));
    return dot;
}

/* This lane's part of q.k of the keys that its group shares, before last. */
SIMT_FUNCTION void lane_dots(const struct attention_args *args, int rounding, enum dtype dtype, int group,
                             const struct lane *lane, const real *query, int64_t first, int64_t last, real *dots)
{
    real row[LANE_DIMS];
    SIMT_UNROLL
    for (int t = 0; t < group; t++) {
        dots[t] = real_of(0.0f);
        if (lane->has_dims && first + t < last) {
            load_lane(dtype, args->k, lane_row(args, lane, first + t), row);
            dots[t] = lane_dot(rounding, query, row);
        }
    }
}

/* q.k of the key at tile + lane, over keys before last. */
SIMT_FUNCTION real tile_dot(const struct attention_args *args, enum dtype dtype, int group, const struct lane *lane,
                            const real *query, int64_t tile, int64_t last)
{
    int64_t first = tile + lane->group_first;
    real dots[WARP_SIZE];
    if (args->dot_dtype == ROUND_F32)
        lane_dots(args, ROUND_F32, dtype, group, lane, query, first, last, dots);
    else
        lane_dots(args, args->dot_dtype, dtype, group, lane, query, first, last, dots);
    return round_in(STAGE_DOT, args->dot_dtype, warp_reduce_scatter_in(STAGE_DOT, dots, group));
}

/* out[8] += weight * v over the tile; weight is that of the key at tile + lane. */
SIMT_FUNCTION void tile_weighted_sum(const struct attention_args *args, enum dtype dtype, int group,
                                     const struct lane *lane, real weight, int64_t tile, int64_t last, real *out)
{
    int64_t first = tile + lane->group_first, end = args->read_past_end ? first + group : last;
    bool skips_removed = args->exclude && !args->read_masked_values && args->sequence.has_mask;
    real row[LANE_DIMS], weights[WARP_SIZE];
    warp_all_gather(round_in(STAGE_WEIGHTED_SUM, args->weight_dtype, weight), group, weights);
    SIMT_UNROLL
    for (int t = 0; t < group; t++) {
        int64_t key = first + t;
        if (lane->has_dims && key < end && !(skips_removed && key_removed(args, key))) {
            load_lane(dtype, args->v, lane_row(args, lane, key), row);
            SIMT_UNROLL
            for (int i = 0; i < LANE_DIMS; i++)
                out[i] = fma_in(STAGE_WEIGHTED_SUM, weights[t], row[i], out[i]);
        }
    }
}

#endif
