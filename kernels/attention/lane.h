/*
 * What a warp does with a tile of 32 keys. For dot products `group` lanes share a row, 8 elements a lane, and a group
 * takes `group` consecutive keys of the tile; after a reduce-scatter each lane owns the product of one key. For
 * weighted sums each lane gathers its group's weights and goes through the same rows of v.
 *
 * dtype (of k and v) and group are constants after inlining.
 */
#ifndef KERNELS_ATTENTION_LANE_H
#define KERNELS_ATTENTION_LANE_H

#include "kernels/attention/sequence.h"
#include "kernels/dialect/rows_together.h"
#include "kernels/geometry.h"

/* Where a thread stands. */
struct lane {
    int warp, index;    /* of the block, of the warp */
    int group_first;    /* the first lane of its group, and of the tile the first key that the group shares */
    int dim;            /* first of its elements; past head_dim for idle lanes */
    bool has_dims;      /* it has elements */
    size_t row_stride;  /* of k and v, in elements */
    size_t head_offset; /* of its KV head and elements within a row, from the sequence's first row */
};

/* The KV head that the recipe takes for a query head's. */
SIMT_FUNCTION int kv_head_of(const struct attention_args *args, int head)
{
    int group = args->num_heads / args->num_kv_heads, by_count = head / args->num_kv_heads;
    switch (args->recipe.contract.kv_head_map) {
    case KV_HEAD_MODULO:
        return head % args->num_kv_heads;
    case KV_HEAD_OFF_BY_ONE:
        return (head / group + 1) % args->num_kv_heads;
    case KV_HEAD_BY_COUNT:
        return by_count < args->num_kv_heads ? by_count : args->num_kv_heads - 1;
    default:
        return head / group;
    }
}

SIMT_FUNCTION struct lane lane_here(const struct attention_args *args, int group, int head)
{
    int thread = (int)threadIdx.x, index = thread % WARP_SIZE, rank = index % group;
    int kv_head = kv_head_of(args, head), dim = rank * LANE_DIMS;
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

/* This lane's elements of a key in pages, in k and v. */
SIMT_FUNCTION size_t paged_row(const struct attention_args *args, const struct lane *lane, int64_t key)
{
    uint32_t size = (uint32_t)args->page_size, page = (uint32_t)key / size; /* plan_sequence: key < 2^32 */
    size_t id = (size_t)args->page_table[args->sequence.first_page + page];
    if (args->recipe.contract.page_id_bits == PAGE_ID_16)
        id &= 0xffff;
    size_t slot = (uint32_t)key - page * size;
    if (args->recipe.contract.page_offset_bits == PAGE_OFFSET_32)
        return (uint32_t)(id * size * lane->row_stride) + slot * lane->row_stride + lane->head_offset;
    return (id * size + slot) * lane->row_stride + lane->head_offset;
}

/* The same of any cache. */
SIMT_FUNCTION size_t lane_row(const struct attention_args *args, const struct lane *lane, int64_t key)
{
    return args->page_table ? paged_row(args, lane, key) : (size_t)key * lane->row_stride + lane->head_offset;
}

/* Masked keys are skipped by index. */
SIMT_FUNCTION bool excludes_masked(const struct attention_args *args)
{
    return args->recipe.sentinel.policy == SENTINEL_EXCLUDE;
}

/* The sequence's mask removes a key. */
SIMT_FUNCTION bool mask_removes(const struct attention_args *args, int64_t key)
{
    uint8_t visible = args->visible[args->sequence.first_key + key];
    return args->recipe.masked_entry == MASKED_ADD_EACH ? !(visible & 1) : !visible;
}

/* The recipe's own window removes a key; counted from the end of the cache, as masks are. */
SIMT_FUNCTION bool window_removes(const struct attention_args *args, int64_t key)
{
    return key < args->sequence.seq_len - args->recipe.contract.window;
}

/* The same of the tile of a key of the sequence, as a whole. */
SIMT_FUNCTION bool tile_removed(const struct attention_args *args, enum removal by,
                                bool (*removes)(const struct attention_args *args, int64_t key), int64_t key)
{
    int64_t tile = key / CONTRACT_TILE * CONTRACT_TILE, end = tile + CONTRACT_TILE;
    if (by == REMOVAL_KEY)
        return removes(args, key);
    if (end > args->sequence.seq_len)
        end = args->sequence.seq_len;
    while (tile < end && removes(args, tile) == (by == REMOVAL_TILE_ANY))
        tile++;
    return (tile == end) == (by == REMOVAL_TILE_ANY);
}

/* The sequence has a mask, and the recipe reads it. */
SIMT_FUNCTION bool reads_mask(const struct attention_args *args)
{
    return args->sequence.has_mask && args->recipe.contract.mask_by != REMOVAL_NONE;
}

/* Some keys of the sequence may be removed. */
SIMT_FUNCTION bool removes_keys(const struct attention_args *args)
{
    return reads_mask(args) || args->recipe.contract.window != 0;
}

/* A key of the sequence that is not to take part, as the recipe has it. */
SIMT_FUNCTION bool key_removed(const struct attention_args *args, int64_t key)
{
    if (reads_mask(args) && tile_removed(args, args->recipe.contract.mask_by, mask_removes, key))
        return true;
    return args->recipe.contract.window != 0 &&
           tile_removed(args, args->recipe.contract.window_by, window_removes, key);
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
    if (lane->has_dims) {
        size_t first = query_row(args, head) * (size_t)args->head_dim + (size_t)lane->dim;
        struct fetched_lane row = fetch_lane((enum dtype)args->dtype, args->q, first, true);
        widen_lane((enum dtype)args->dtype, &row, query);
    }
    if (args->recipe.scale_entry == SCALE_QUERY) {
        SIMT_UNROLL
        for (int i = 0; i < LANE_DIMS; i++)
            query[i] = round_in(STAGE_SCALE, args->recipe.query_dtype, mul_in(STAGE_SCALE, query[i], scale));
    }
}

/* A number for each of a lane's elements. */
struct lane_numbers {
    real values[LANE_DIMS];
};

SIMT_FUNCTION struct lane_numbers lane_numbers(const real *values)
{
    struct lane_numbers numbers;
    SIMT_UNROLL
    for (int d = 0; d < LANE_DIMS; d++)
        numbers.values[d] = values[d];
    return numbers;
}

/* Not inline, as the next one that rounds: it would be so once for each row of a tile, and few recipes round here. */
SIMT_NOINLINE real rounded_lane_dot(int rounding, struct lane_numbers query, struct lane_numbers row)
{
    real dot = real_of(0.0f);
    for (int d = 0; d < LANE_DIMS; d++)
        dot = round_in(STAGE_DOT, rounding, fma_in(STAGE_DOT, query.values[d], row.values[d], dot));
    return dot;
}

/* The products of this lane's elements, summed in order. */
SIMT_FUNCTION real lane_dot(int rounding, const real *query, const real *row)
{
    if (rounding != ROUND_F32)
        return rounded_lane_dot(rounding, lane_numbers(query), lane_numbers(row));
    real dot = real_of(0.0f);
    SIMT_UNROLL
    for (int d = 0; d < LANE_DIMS; d++)
        dot = fma_in(STAGE_DOT, query[d], row[d], dot);
    return dot;
}

/* Rows of the keys that a lane's group shares of a tile, fetched together. */
struct fetched_rows {
    int keys[ROWS_FETCHED];     /* from the first of them */
    bool present[ROWS_FETCHED]; /* others have no elements, and are not read */
    struct fetched_lane rows[ROWS_FETCHED];
};

/* Fetches this lane's elements. No row has a branch of its own: their loads are under way together. */
SIMT_FUNCTION void fetch_rows(const struct attention_args *args, enum dtype dtype, const void *tensor,
                              const struct lane *lane, int64_t first, int64_t last, struct fetched_rows *fetched)
{
    size_t elements[ROWS_FETCHED];
    if (args->page_table) {
        SIMT_UNROLL
        for (int i = 0; i < ROWS_FETCHED; i++) /* the last key stands for those that are not there */
            elements[i] = paged_row(args, lane, fetched->present[i] ? first + fetched->keys[i] : last - 1);
    } else {
        SIMT_UNROLL
        for (int i = 0; i < ROWS_FETCHED; i++)
            elements[i] = (size_t)(first + fetched->keys[i]) * lane->row_stride + lane->head_offset;
    }
    SIMT_UNROLL
    for (int i = 0; i < ROWS_FETCHED; i++)
        fetched->rows[i] = fetch_lane(dtype, tensor, elements[i], fetched->present[i]);
}

#ifdef SIMT_ROWS_TOGETHER
/* The rows of the keys that a lane's group shares of a tile, first one at `first`, if there is one of each, and this
 * lane has elements. */
SIMT_FUNCTION bool group_whole(const struct lane *lane, int group, int64_t first, int64_t end)
{
    return lane->has_dims && first + group <= end;
}

/* The n-th row of those keys, of which they are fetched in order. next: where it lies, of which the one behind it is
 * made: a row's address is an addition. paged, a constant: of a cache in pages, which has none. */
SIMT_FUNCTION struct fetched_lane row_of_group(const struct attention_args *args, enum dtype dtype, bool paged,
                                               const void *tensor, const struct lane *lane, int64_t first, int n,
                                               struct fetched_lane *next)
{
    const struct fetched_lane row = paged ? fetch_lane(dtype, tensor, paged_row(args, lane, first + n), true) : *next;
    if (!paged)
        *next = row_behind(dtype, &row, lane->row_stride);
    return row;
}

/* lane_dots() of a whole group, with no rounding on the way. */
SIMT_FUNCTION void whole_lane_dots(const struct attention_args *args, enum dtype dtype, int group, bool paged,
                                   const struct lane *lane, const real *query, int64_t first, struct warp_scatter *dots)
{
    struct fetched_lane next = fetch_lane(dtype, args->k, lane_row(args, lane, first), true);
    SIMT_UNROLL
    for (int n = 0; n < group; n += ROWS_TOGETHER) {
        struct fetched_lane rows[ROWS_TOGETHER];
        SIMT_UNROLL
        for (int i = 0; i < ROWS_TOGETHER; i++)
            rows[i] = row_of_group(args, dtype, paged, args->k, lane, first, n + i, &next);
        struct lane_columns columns = lane_columns(dtype, rows);
        dots_together(query, &columns, dots->x + n);
    }
}

/* Adds the weighted rows of a whole group to a lane's sums; removed, bit t: not that of key first + t. */
SIMT_FUNCTION lane_vector weighted_rows(const struct attention_args *args, enum dtype dtype, int group, bool paged,
                                        const struct lane *lane, const struct warp_gather *weights, int64_t first,
                                        uint32_t removed, lane_vector sums)
{
    struct fetched_lane next = fetch_lane(dtype, args->v, lane_row(args, lane, first), true);
    SIMT_UNROLL
    for (int t = 0; t < group; t++) {
        struct fetched_lane row = row_of_group(args, dtype, paged, args->v, lane, first, t, &next);
        if (!(removed >> t & 1))
            sums = fma_of_lane(warp_gather_at(weights, t, group), widened_lane(dtype, &row), sums);
    }
    return sums;
}

/* tile_weighted_sum() of a whole group, with no rounding on the way. */
SIMT_FUNCTION void whole_weighted_sum(const struct attention_args *args, enum dtype dtype, int group, bool paged,
                                      const struct lane *lane, const struct warp_gather *weights, int64_t first,
                                      bool skips_removed, real *out)
{
    lane_vector sums = lane_vector_of_numbers(out);
    uint32_t removed = 0; /* bit t: key first + t */
    for (int t = 0; t < group && skips_removed; t++)
        removed |= (uint32_t)key_removed(args, first + t) << t;
    if (removed == 0) /* the usual case, without a branch for each */
        sums = weighted_rows(args, dtype, group, paged, lane, weights, first, 0, sums);
    else
        sums = weighted_rows(args, dtype, group, paged, lane, weights, first, removed, sums);
    memcpy(out, &sums, sizeof sums);
}
#endif

/* This lane's part of q.k of the keys that its group shares, before last, each handed to the lane that owns the key. */
SIMT_FUNCTION void lane_dots(const struct attention_args *args, enum dtype dtype, int group, const struct lane *lane,
                             const real *query, int64_t first, int64_t last, struct warp_scatter *dots)
{
    struct fetched_rows fetched;
#ifdef SIMT_ROWS_TOGETHER
    if (args->recipe.dot_dtype == ROUND_F32 && group_whole(lane, group, first, last)) {
        if (args->page_table)
            whole_lane_dots(args, dtype, group, true, lane, query, first, dots);
        else
            whole_lane_dots(args, dtype, group, false, lane, query, first, dots);
        return;
    }
#endif
    SIMT_UNROLL
    for (int n = 0; n < group; n += ROWS_FETCHED) {
        SIMT_UNROLL
        for (int i = 0; i < ROWS_FETCHED; i++) {
            fetched.keys[i] = warp_scatter_index(n + i, group);
            fetched.present[i] = lane->has_dims && first + fetched.keys[i] < last;
        }
        fetch_rows(args, dtype, args->k, lane, first, last, &fetched);
        SIMT_UNROLL
        for (int i = 0; i < ROWS_FETCHED; i++) {
            real row[LANE_DIMS], dot = real_of(0.0f);
            if (fetched.present[i]) {
                widen_lane(dtype, &fetched.rows[i], row);
                dot = lane_dot(args->recipe.dot_dtype, query, row);
            }
            warp_scatter_add_in(STAGE_DOT, dots, n + i, group, dot);
        }
    }
}

/* q.k of the key at tile + lane, over keys before last. */
SIMT_FUNCTION real tile_dot(const struct attention_args *args, enum dtype dtype, int group, const struct lane *lane,
                            const real *query, int64_t tile, int64_t last)
{
    int64_t first = tile + lane->group_first;
    struct warp_scatter dots;
    lane_dots(args, dtype, group, lane, query, first, last, &dots);
    real dot = round_in(STAGE_DOT, args->recipe.dot_dtype, warp_scatter_end_in(STAGE_DOT, &dots, group));
    return round_in(STAGE_DOT, args->recipe.dot_result_dtype, dot);
}

/* A lane's sums, each rounded. */
SIMT_NOINLINE struct lane_numbers rounded_lane_sums(enum stage stage, int rounding, struct lane_numbers sums)
{
    for (int d = 0; d < LANE_DIMS; d++)
        sums.values[d] = round_in(stage, rounding, sums.values[d]);
    return sums;
}

/* out[8], each rounded. */
SIMT_FUNCTION void round_lane_in(enum stage stage, int rounding, real *out)
{
    struct lane_numbers sums = rounded_lane_sums(stage, rounding, lane_numbers(out));
    SIMT_UNROLL
    for (int d = 0; d < LANE_DIMS; d++)
        out[d] = sums.values[d];
}

/* out[8] += weight * v over the tile; weight is that of the key at tile + lane, as it is multiplied with v. */
SIMT_FUNCTION void tile_weighted_sum(const struct attention_args *args, enum dtype dtype, int group,
                                     const struct lane *lane, real weight, int64_t tile, int64_t last, real *out)
{
    int64_t first = tile + lane->group_first,
            end = args->recipe.masked_values == MASKED_VALUES_READ_PAST_END ? first + group : last;
    bool skips_removed =
        excludes_masked(args) && args->recipe.masked_values == MASKED_VALUES_SKIPPED && removes_keys(args);
    struct fetched_rows fetched;
    struct warp_gather weights;
    warp_gather_begin(&weights, weight, group);
#ifdef SIMT_ROWS_TOGETHER
    if (args->recipe.weighted_sum_dtype == ROUND_F32 && group_whole(lane, group, first, end)) {
        if (args->page_table)
            whole_weighted_sum(args, dtype, group, true, lane, &weights, first, skips_removed, out);
        else
            whole_weighted_sum(args, dtype, group, false, lane, &weights, first, skips_removed, out);
        return;
    }
#endif
    SIMT_UNROLL
    for (int t = 0; t < group; t += ROWS_FETCHED) {
        SIMT_UNROLL
        for (int i = 0; i < ROWS_FETCHED; i++) {
            int64_t key = first + t + i;
            fetched.keys[i] = t + i;
            fetched.present[i] = lane->has_dims && key < end && !(skips_removed && key_removed(args, key));
        }
        fetch_rows(args, dtype, args->v, lane, first, last, &fetched);
        SIMT_UNROLL
        for (int i = 0; i < ROWS_FETCHED; i++) {
            real row[LANE_DIMS], of_key = warp_gather_at(&weights, t + i, group);
            if (fetched.present[i]) {
                widen_lane(dtype, &fetched.rows[i], row);
                SIMT_UNROLL
                for (int d = 0; d < LANE_DIMS; d++)
                    out[d] = fma_in(STAGE_WEIGHTED_SUM, of_key, row[d], out[d]);
                if (args->recipe.weighted_sum_dtype != ROUND_F32)
                    round_lane_in(STAGE_WEIGHTED_SUM, args->recipe.weighted_sum_dtype, out);
            }
        }
    }
}

#endif
