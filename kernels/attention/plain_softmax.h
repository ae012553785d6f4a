/*
 * The plain form's way through a cache: `heads` query heads of one KV head at once, which share its rows, and tiles
 * whose rows are on their way (row_ring.h) long before they are used. Every head's operations are those of the generic
 * form (online_softmax.h), in the same order; what is no tile of 32 keys without a mask goes to the generic form.
 *
 * dtype, group and heads are constants after inlining.
 */
#ifndef KERNELS_ATTENTION_PLAIN_SOFTMAX_H
#define KERNELS_ATTENTION_PLAIN_SOFTMAX_H

#include "kernels/attention/online_softmax.h"
#include "kernels/attention/row_ring.h"

/* A tile's rows come as stages of k, then of v. As many are begun ahead as the ring holds, but not past the next tile.
 */
SIMT_FUNCTION int stages_of_tile(int group)
{
    return 2 * group / RING_ROWS;
}

SIMT_FUNCTION int stages_ahead(int group)
{
    return stages_of_tile(group) < RING_STAGES - 1 ? stages_of_tile(group) : RING_STAGES - 1;
}

/* Where the keys lie that a lane's group shares of a tile, as this lane's elements of k and v. */
struct plain_tile {
    bool whole;     /* there are 32 keys, and no mask */
    size_t runs[2]; /* the first key, and that PLAIN_RUN_KEYS later; of a whole tile */
};

SIMT_FUNCTION struct plain_tile plain_tile_at(const struct attention_args *args, const struct lane *lane, int group,
                                              int64_t tile, int64_t last)
{
    struct plain_tile found = {tile + WARP_SIZE <= last && !args->sequence.has_mask, {0, 0}};
    if (found.whole) {
        found.runs[0] = lane_row(args, lane, tile + lane->group_first);
        if (group > PLAIN_RUN_KEYS)
            found.runs[1] = lane_row(args, lane, tile + lane->group_first + PLAIN_RUN_KEYS);
    }
    return found;
}

/* The key of a tile, of those that a group shares, whose row is the i-th of a stage. */
SIMT_FUNCTION int key_of_stage(int stage, int i, int group)
{
    int n = stage % (group / RING_ROWS) * RING_ROWS + i;
    return stage < group / RING_ROWS ? warp_scatter_index(n, group) : n;
}

/* Begins a stage of the tile, or an empty one. */
SIMT_FUNCTION void begin_stage(const struct attention_args *args, enum dtype dtype, int group, const struct lane *lane,
                               const struct plain_tile *tile, int stage, struct row_ring *ring)
{
    const void *tensor = stage < group / RING_ROWS ? args->k : args->v;
    if (tile->whole) {
        SIMT_UNROLL
        for (int i = 0; i < RING_ROWS; i++) {
            int t = key_of_stage(stage, i, group);
            row_ring_fetch(ring, dtype, tensor,
                           tile->runs[t / PLAIN_RUN_KEYS] + (size_t)(t % PLAIN_RUN_KEYS) * lane->row_stride, i);
        }
    }
    row_ring_commit(ring);
}

/* Begins what lies stages_ahead() of a stage of the tile, and waits for the stage. */
SIMT_FUNCTION void turn_ring(const struct attention_args *args, enum dtype dtype, int group, const struct lane *lane,
                             const struct plain_tile *tile, const struct plain_tile *next, int stage,
                             struct row_ring *ring)
{
    int ahead = stage + stages_ahead(group), of_tile = stages_of_tile(group);
    if (ahead < of_tile)
        begin_stage(args, dtype, group, lane, tile, ahead, ring);
    else
        begin_stage(args, dtype, group, lane, next, ahead - of_tile, ring);
    row_ring_wait(ring, stages_ahead(group));
}

/* The generic form of a tile, a function of its own, so that it takes no registers from the plain form. */
#if defined SIMT_REPLAY || defined SIMT_SHARED_BODY
#define generic_tile softmax_tile
#else
#define GENERIC_TILE(function, body, form, dtype, group)                                             \
    SIMT_NOINLINE void function##_##form(const struct attention_args *args, const struct lane *lane, \
                                         const struct head_work *work, int64_t tile, int64_t last,   \
                                         struct softmax_state *state)                                \
    {                                                                                                \
        body(args, dtype, group, lane, work, tile, last, state);                                     \
    }
#define CALL_GENERIC_TILE(function, body, form, of_dtype, of_group) \
    if (dtype == of_dtype && group == of_group)                     \
        function##_##form(args, lane, work, tile, last, state);

FORMS_OF_PLAIN(GENERIC_TILE, generic_tile, softmax_tile)

SIMT_FUNCTION void generic_tile(const struct attention_args *args, enum dtype dtype, int group, const struct lane *lane,
                                const struct head_work *work, int64_t tile, int64_t last, struct softmax_state *state)
{
    FORMS_OF_PLAIN(CALL_GENERIC_TILE, generic_tile, softmax_tile)
}
#endif

/*
 * Queries lie in shared memory, where they take no registers while rows come in: half a lane's elements, then the other
 * half, so that the lanes of a group read 16 bytes side by side.
 */
struct shared_queries {
    real elements[MAX_SHARED_HEADS][2][WARP_SIZE][LANE_DIMS / 2] __attribute__((aligned(16)));
};

/* From the block's first warp, whose first group has all elements. */
SIMT_FUNCTION void store_query(struct shared_queries *queries, int h, int group, const struct lane *lane,
                               const real *query)
{
    if (lane->warp == 0 && lane->index < group) {
        SIMT_UNROLL
        for (int d = 0; d < LANE_DIMS; d++)
            queries->elements[h][2 * d / LANE_DIMS][lane->index][d % (LANE_DIMS / 2)] = query[d];
    }
}

/* This lane's elements, read anew each time. A head that is alone may keep its own. */
SIMT_FUNCTION void load_query(const struct shared_queries *queries, int h, int group, const struct lane *lane,
                              real *query)
{
    SIMT_UNROLL
    for (int half = 0; half < 2; half++)
        load_shared_4(queries->elements[h][half][lane->index % group], query + half * LANE_DIMS / 2);
}

/*
 * The products of all heads' queries with the rows of the oldest stage, each handed to the lane that owns the key.
 * query: of a head that is alone.
 */
SIMT_FUNCTION void stage_dots(enum dtype dtype, int group, int heads, const struct lane *lane,
                              const struct shared_queries *queries, real *query, const struct row_ring *ring, int stage,
                              struct warp_scatter *dots)
{
#ifdef SIMT_ROWS_TOGETHER
    struct lane_columns columns = row_ring_columns(ring, dtype);
    for (int h = 0; h < heads; h++) {
        real together[ROWS_TOGETHER];
        if (heads > 1)
            load_query(queries, h, group, lane, query);
        dots_together(query, &columns, together);
        for (int i = 0; i < RING_ROWS; i++)
            warp_scatter_add_in(STAGE_DOT, &dots[h], stage * RING_ROWS + i, group, together[i]);
    }
#else
    SIMT_UNROLL
    for (int i = 0; i < RING_ROWS; i++) {
        struct fetched_lane fetched = row_ring_row(ring, i);
        real row[LANE_DIMS];
        widen_lane(dtype, &fetched, row);
        SIMT_UNROLL
        for (int h = 0; h < heads; h++) {
            if (heads > 1)
                load_query(queries, h, group, lane, query);
            warp_scatter_add_in(STAGE_DOT, &dots[h], stage * RING_ROWS + i, group, lane_dot(ROUND_F32, query, row));
        }
    }
#endif
}

/* A tile that the plain form does not take, a head at a time. */
SIMT_FUNCTION void other_tile(const struct attention_args *launch, enum dtype dtype, int group, int heads,
                              const struct lane *lane, const struct shared_queries *queries,
                              const struct head_factors *factors, int64_t tile, int64_t last,
                              struct softmax_state *states)
{
    struct attention_args args = attention_args_here(launch, false);
    struct lane own_lane = *lane;
    SIMT_UNROLL
    for (int h = 0; h < heads; h++) { /* copies: what has an address has no register */
        struct head_work work = {.factors = factors[h]};
        struct softmax_state state = states[h];
        load_query(queries, h, group, lane, work.query);
        generic_tile(&args, dtype, group, &own_lane, &work, tile, last, &state);
        states[h] = state;
    }
}

/*
 * states[heads]: one warp's over the tiles of keys [first, last) that fall to it, lanes added up. launch: the launch's
 * arguments; args: the same with the plain form's constants.
 */
SIMT_FUNCTION void plain_warp_softmax(const struct attention_args *launch, const struct attention_args *args,
                                      enum dtype dtype, int group, int heads, int first_head, int64_t first,
                                      int64_t last, struct softmax_state *states)
{
    __shared__ struct shared_queries queries;
    const int k_stages = group / RING_ROWS;
    struct lane lane = lane_here(args, group, first_head);
    struct head_factors factors[MAX_SHARED_HEADS];
    struct row_ring ring;
    real query[LANE_DIMS];
    int64_t tile = first + lane.warp * WARP_SIZE;
    struct plain_tile here = plain_tile_at(args, &lane, group, tile, last);
    row_ring_begin(&ring);
    SIMT_UNROLL
    for (int stage = 0; stage < stages_ahead(group); stage++)
        begin_stage(args, dtype, group, &lane, &here, stage, &ring);
    SIMT_UNROLL
    for (int h = 0; h < heads; h++) {
        factors[h] = head_factors(args, first_head + h);
        lane_query(args, &lane, first_head + h, factors[h].scale, query);
        store_query(&queries, h, group, &lane, query);
        states[h] = softmax_begin(args, &lane);
    }
    __syncthreads();

    for (; here.whole; tile += ROUND_KEYS) { /* no whole tile comes after one that is not */
        struct plain_tile next = plain_tile_at(args, &lane, group, tile + ROUND_KEYS, last);
        struct warp_scatter dots[MAX_SHARED_HEADS];
        struct warp_gather weights[MAX_SHARED_HEADS];
        real logits[MAX_SHARED_HEADS], maxima[MAX_SHARED_HEADS];
        int64_t key = tile + lane.index;
        bool seen = true;
        SIMT_UNROLL
        for (int stage = 0; stage < k_stages; stage++) {
            turn_ring(args, dtype, group, &lane, &here, &next, stage, &ring);
            stage_dots(dtype, group, heads, &lane, &queries, query, &ring, stage, dots);
            row_ring_leave(&ring);
        }
        SIMT_UNROLL
        for (int h = 0; h < heads; h++) {
            logits[h] = biased_logit(args, warp_scatter_end_in(STAGE_DOT, &dots[h], group), factors[h], key);
            maxima[h] = new_max(args, states[h].max, logits[h]);
            seen = seen && !nothing_seen(args, maxima[h]); /* the same for every lane */
        }
        if (!seen) { /* a head without a key so far: each head does for itself what it does then */
            SIMT_UNROLL
            for (int stage = k_stages; stage < 2 * k_stages; stage++) {
                turn_ring(args, dtype, group, &lane, &here, &next, stage, &ring);
                row_ring_leave(&ring);
            }
            other_tile(launch, dtype, group, heads, &lane, &queries, factors, tile, last, states);
            here = next;
            continue;
        }
        SIMT_UNROLL
        for (int h = 0; h < heads; h++) {
            real weight = key_weight(args, logits[h], maxima[h]);
            if (value_of(maxima[h]) != value_of(states[h].max))
                softmax_rescale(args, &states[h], maxima[h]);
            softmax_add(args, &states[h], weight);
            warp_gather_begin(&weights[h], weight, group);
        }
        SIMT_UNROLL
        for (int stage = k_stages; stage < 2 * k_stages; stage++) {
            turn_ring(args, dtype, group, &lane, &here, &next, stage, &ring);
            SIMT_UNROLL
            for (int i = 0; i < RING_ROWS; i++) {
                struct fetched_lane fetched = row_ring_row(&ring, i);
                real row[LANE_DIMS];
                widen_lane(dtype, &fetched, row);
                SIMT_UNROLL
                for (int h = 0; h < heads; h++) {
                    real weight = warp_gather_at(&weights[h], key_of_stage(stage, i, group), group);
                    SIMT_UNROLL
                    for (int d = 0; d < LANE_DIMS; d++)
                        states[h].out[d] = fma_in(STAGE_WEIGHTED_SUM, weight, row[d], states[h].out[d]);
                }
            }
            row_ring_leave(&ring);
        }
        here = next;
    }
    for (; tile < last; tile += ROUND_KEYS)
        other_tile(launch, dtype, group, heads, &lane, &queries, factors, tile, last, states);
    SIMT_UNROLL
    for (int h = 0; h < heads; h++)
        softmax_end(&states[h], group);
}

#endif
