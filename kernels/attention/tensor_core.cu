/*
 * tensor_core: decode attention on tensor cores, mma m16n8k16. One block a chunk of keys and up to 8 query heads that
 * share a KV head (columns.h); chunks are merged as split_kv's are (chunks.h). tensor_core: grid (blocks of heads x
 * chunks of the longest sequence, 1, B), heads fastest; tensor_core_merge: grid (1, H, B); block BLOCK_THREADS.
 *
 * A warp takes a tile of 32 keys at a time. Of q.k the rows of a product are 16 keys, its columns heads, and its sums
 * go through a row 16 elements at a time, in order: a fused sum each (fused_sum.h), whose c is what came before. Of the
 * product with v the rows are 16 elements of the output, its columns the same heads, and its sums go through the keys,
 * 16 at a time, in order. Weights are rounded to the dtype of q, k and v for it; their sum takes them unrounded.
 *
 * Lanes have the fragments of simt.h. With g = lane / 4 and t = lane % 4 a lane has the logits of keys g, g + 8, g + 16
 * and g + 24 of the tile and of heads 2t and 2t + 1, and of these two heads' outputs elements 2g and 2g + 1 of every
 * 16: rows g and g + 8 of a product are elements 2g and 2g + 1, so that two of a key's elements come in one word.
 */
#include "kernels/attention/chunks.h"
#include "kernels/attention/columns.h"

enum {
    LANE_HEADS = 2,
    LANE_KEYS = 4, /* of a tile */
    KEY_STEP = 8,  /* between two of a lane's keys */
    TILE_HALVES = WARP_SIZE / MMA_PRODUCTS,
    MAX_SLABS = MAX_HEAD_DIM / MMA_ROWS
};

/* Elements of a row are gone through in slabs of 16, of which a form has room for so many. */
SIMT_FUNCTION int slabs_of(int group)
{
    return group * LANE_DIMS / MMA_ROWS;
}

/* A block's queries, as they are in memory. */
struct column_queries {
    uint32_t words[MMA_COLUMNS][MAX_HEAD_DIM / 2 + 4]; /* 4 apart in banks, so that eight columns meet in none */
};

/* Where a lane stands. */
struct column_lane {
    struct lane rows;     /* of k and v: its `dim` is 0 */
    int g, t;             /* of simt.h */
    int head[LANE_HEADS]; /* of its columns */
};

struct column_state {
    real max[LANE_HEADS], sum[LANE_HEADS]; /* the sum of this lane's keys alone */
    real out[MAX_SLABS][4];                /* as d of a product: elements 2g of both heads, then 2g + 1 */
};

SIMT_FUNCTION struct column_lane column_lane(const struct attention_args *args, const struct columns *columns)
{
    struct column_lane lane = {.rows = lane_here(args, 1, columns->first_head)};
    lane.g = lane.rows.index / 4;
    lane.t = lane.rows.index % 4;
    SIMT_UNROLL
    for (int h = 0; h < LANE_HEADS; h++) {
        int column = LANE_HEADS * lane.t + h;
        lane.head[h] = columns->first_head + (column < columns->heads ? column : columns->heads - 1);
    }
    return lane;
}

/* Two elements side by side, the first of an even index; zeros where they are not present. */
SIMT_FUNCTION uint32_t element_word(const void *tensor, size_t first, bool present)
{
#ifdef __CUDACC__
    return present ? __ldg((const uint32_t *)((const uint16_t *)tensor + first)) : 0;
#else
    uint32_t word = 0;
    if (present)
        memcpy(&word, (const uint16_t *)tensor + first, sizeof word);
    return word;
#endif
}

SIMT_FUNCTION void load_queries(const struct attention_args *args, const struct columns *columns,
                                struct column_queries *queries)
{
    int words = args->head_dim / 2;
    for (int i = (int)threadIdx.x; i < MMA_COLUMNS * words; i += BLOCK_THREADS) {
        int column = i / words, head = columns->first_head + (column < columns->heads ? column : columns->heads - 1);
        size_t first = query_row(args, head) * (size_t)args->head_dim + (size_t)(i % words) * 2;
        queries->words[column][i % words] = element_word(args->q, first, true);
    }
    __syncthreads();
}

SIMT_FUNCTION struct column_state column_begin(const struct attention_args *args, const struct column_lane *lane)
{
    struct column_state state;
    SIMT_UNROLL
    for (int h = 0; h < LANE_HEADS; h++) {
        state.max[h] = real_of(args->sequence.initial_max);
        state.sum[h] = real_of(lane->g == 0 ? args->recipe.initial_sum : 0.0f); /* which counts once a warp */
    }
    SIMT_UNROLL
    for (int slab = 0; slab < MAX_SLABS; slab++) {
        SIMT_UNROLL
        for (int i = 0; i < 4; i++)
            state.out[slab][i] = real_of(0.0f);
    }
    return state;
}

/* The keys of a round that are a warp's. */
struct column_keys {
    int64_t tile, last;       /* the first of them; those at and past `last` count as masked */
    bool whole;               /* all are before last, and no mask removes one: a constant after inlining */
    size_t runs[TILE_HALVES]; /* of a whole tile: where the rows of its halves begin, each a run (plain.h) */
};

/* The row of one of them; of one that is not present any that is. */
SIMT_FUNCTION size_t column_row(const struct attention_args *args, const struct column_lane *lane,
                                const struct column_keys *keys, int half, int of_half, bool present)
{
    int64_t key = keys->tile + half * MMA_PRODUCTS + of_half;
    if (keys->whole)
        return keys->runs[half] + (size_t)of_half * lane->rows.row_stride;
    return lane_row(args, &lane->rows, present ? key : keys->last - 1);
}

/* q.k of this lane's keys and heads, over keys before last: sums of a half of the tile as d of a product. */
SIMT_FUNCTION void column_dots(const struct attention_args *args, enum dtype dtype, int group,
                               const struct column_lane *lane, const struct column_queries *queries,
                               const struct column_keys *keys, real dots[TILE_HALVES][4])
{
    size_t rows[LANE_KEYS];
    bool present[LANE_KEYS];
    enum tensor_core tensor_core = args->recipe.tensor_core;
    SIMT_UNROLL
    for (int i = 0; i < LANE_KEYS; i++) {
        present[i] = keys->whole || keys->tile + lane->g + KEY_STEP * i < keys->last;
        rows[i] = column_row(args, lane, keys, i / 2, lane->g + KEY_STEP * (i % 2), present[i]) + (size_t)lane->t * 2;
    }
    SIMT_UNROLL
    for (int half = 0; half < TILE_HALVES; half++) {
        SIMT_UNROLL
        for (int i = 0; i < 4; i++)
            dots[half][i] = real_of(0.0f);
    }
    SIMT_UNROLL
    for (int slab = 0; slab < slabs_of(group); slab++) {
        size_t first = (size_t)slab * MMA_PRODUCTS;
        if (slab * MMA_PRODUCTS >= args->head_dim)
            break; /* the same for every lane */
        const uint32_t *query = queries->words[lane->g] + slab * MMA_PRODUCTS / 2 + lane->t;
        element_pair b[2] = {pair_of_word(dtype, query[0]), pair_of_word(dtype, query[4])};
        SIMT_UNROLL
        for (int half = 0; half < TILE_HALVES; half++) {
            const size_t *row = rows + 2 * half;
            const bool *there = present + 2 * half;
            uint32_t a[4] = {element_word(args->k, row[0] + first, there[0]),
                             element_word(args->k, row[1] + first, there[1]),
                             element_word(args->k, row[0] + first + 8, there[0]),
                             element_word(args->k, row[1] + first + 8, there[1])};
            warp_mma_in(STAGE_DOT, tensor_core, dtype, a, b, dots[half]);
        }
    }
}

/* out += v of the tile, weighted. weights: of this lane's keys and heads, as they are multiplied with v. */
SIMT_FUNCTION void column_weighted_sum(const struct attention_args *args, enum dtype dtype, int group,
                                       const struct column_lane *lane, real weights[LANE_KEYS][LANE_HEADS],
                                       const struct column_keys *keys, struct column_state *state)
{
    int64_t end = args->recipe.masked_values == MASKED_VALUES_READ_PAST_END ? keys->tile + WARP_SIZE : keys->last;
    bool skips_removed =
        excludes_masked(args) && args->recipe.masked_values == MASKED_VALUES_SKIPPED && removes_keys(args);
    enum tensor_core tensor_core = args->recipe.tensor_core;
    SIMT_UNROLL
    for (int half = 0; half < TILE_HALVES; half++) {
        size_t rows[LANE_KEYS];
        bool present[LANE_KEYS];
        element_pair b[2];
        SIMT_UNROLL
        for (int i = 0; i < 2; i++) { /* a lane has heads side by side, and is to have keys */
            const real *of_key = weights[2 * half + i];
            b[i] = warp_transpose(pair_of(dtype, of_key[0], of_key[1]));
        }
        SIMT_UNROLL
        for (int i = 0; i < LANE_KEYS; i++) {
            int of_half = 2 * lane->t + i % 2 + i / 2 * KEY_STEP;
            int64_t key = keys->tile + half * MMA_PRODUCTS + of_half;
            present[i] = keys->whole || (key < end && !(skips_removed && key_removed(args, key)));
            rows[i] = column_row(args, lane, keys, half, of_half, present[i]) + (size_t)lane->g * 2;
        }
        SIMT_UNROLL
        for (int slab = 0; slab < slabs_of(group); slab++) {
            uint32_t words[LANE_KEYS];
            if (slab * MMA_ROWS >= args->head_dim)
                break; /* the same for every lane */
            SIMT_UNROLL
            for (int i = 0; i < LANE_KEYS; i++)
                words[i] = element_word(args->v, rows[i] + (size_t)slab * MMA_ROWS, present[i]);
            uint32_t a[4] = {(words[0] & 0xffffu) | words[1] << 16, words[0] >> 16 | (words[1] & 0xffff0000u),
                             (words[2] & 0xffffu) | words[3] << 16, words[2] >> 16 | (words[3] & 0xffff0000u)};
            warp_mma_in(STAGE_WEIGHTED_SUM, tensor_core, dtype, a, b, state->out[slab]);
        }
    }
}

/* Moves one of a lane's heads to a new maximum. */
SIMT_FUNCTION void column_rescale(const struct attention_args *args, int group, struct column_state *state, int h,
                                  real max)
{
    real factor = rescale_factor(STAGE_RESCALE, args, state->max[h], max);
    state->sum[h] = mul_in(STAGE_RESCALE, state->sum[h], factor);
    SIMT_UNROLL
    for (int slab = 0; slab < slabs_of(group); slab++) {
        state->out[slab][h] = mul_in(STAGE_RESCALE, state->out[slab][h], factor);
        state->out[slab][h + 2] = mul_in(STAGE_RESCALE, state->out[slab][h + 2], factor);
    }
    state->max[h] = max;
}

/* Takes a tile of keys into the state. The v of those at and past its `last` counts as 0. */
SIMT_FUNCTION void column_tile(const struct attention_args *args, enum dtype dtype, int group,
                               const struct column_lane *lane, const struct head_factors *factors,
                               const struct column_queries *queries, const struct column_keys *keys,
                               struct column_state *state)
{
    real dots[TILE_HALVES][4], logits[LANE_KEYS][LANE_HEADS], weights[LANE_KEYS][LANE_HEADS], maxima[LANE_HEADS];
    bool masked[LANE_KEYS][LANE_HEADS];
    column_dots(args, dtype, group, lane, queries, keys, dots);
    SIMT_UNROLL
    for (int h = 0; h < LANE_HEADS; h++) {
        real largest = real_of(-FLOAT_INFINITY); /* taken over by the first key */
        SIMT_UNROLL
        for (int i = 0; i < LANE_KEYS; i++) {
            int64_t key = keys->tile + lane->g + KEY_STEP * i;
            real dot = round_in(STAGE_DOT, args->recipe.dot_result_dtype, dots[i / 2][i % 2 * 2 + h]);
            masked[i][h] = !keys->whole && (key_masked(args, key, keys->last) || bias_masks(args, factors[h], key));
            logits[i][h] = key_logit(args, dot, factors[h], key, keys->last, masked[i][h]);
            largest = i == 0 ? logits[i][h] : real_max(largest, logits[i][h]);
        }
        maxima[h] = max_with(args, state->max[h], warp_max_from(largest, 4));
    }
    if (nothing_seen(args, warp_max(real_max(maxima[0], maxima[1]))))
        return; /* the same for every lane */
    SIMT_UNROLL
    for (int h = 0; h < LANE_HEADS; h++) {
        bool nothing = nothing_seen(args, maxima[h]); /* another head has seen a key */
        if (!nothing && value_of(maxima[h]) != value_of(state->max[h]))
            column_rescale(args, group, state, h, maxima[h]);
        SIMT_UNROLL
        for (int i = 0; i < LANE_KEYS; i++) {
            bool none = nothing || (excludes_masked(args) && masked[i][h]);
            real weight = none ? real_of(0.0f) : key_weight(args, logits[i][h], maxima[h]);
            state->sum[h] = add_in(STAGE_SUM, state->sum[h], weight);
            weights[i][h] = rounded_weight(args, weight);
        }
    }
    column_weighted_sum(args, dtype, group, lane, weights, keys, state);
}

/* The partial results of a block's heads, from its warps' in order: two heads at a time, those of the lanes of one t.
 */
SIMT_FUNCTION void store_columns(const struct attention_args *args, int group, const struct columns *columns, int chunk,
                                 const struct column_lane *lane, const struct column_state *state)
{
    __shared__ real maxima[LANE_HEADS][BLOCK_WARPS], sums[LANE_HEADS][BLOCK_WARPS], factors[LANE_HEADS][BLOCK_WARPS];
    __shared__ real outs[LANE_HEADS][BLOCK_WARPS][MAX_HEAD_DIM];
    int warp = lane->rows.warp;
    for (int t = 0; LANE_HEADS * t < columns->heads; t++) {
        __syncthreads(); /* what the warps left before has been read */
        if (lane->t == t) {
            SIMT_UNROLL
            for (int h = 0; h < LANE_HEADS; h++) {
                if (lane->g == 0) {
                    maxima[h][warp] = state->max[h];
                    sums[h][warp] = state->sum[h];
                }
                SIMT_UNROLL
                for (int slab = 0; slab < slabs_of(group); slab++) {
                    real *out = outs[h][warp] + slab * MMA_ROWS + lane->g * 2;
                    out[0] = state->out[slab][h];
                    out[1] = state->out[slab][h + 2];
                }
            }
        }
        __syncthreads();
        for (int h = 0; h < LANE_HEADS && LANE_HEADS * t + h < columns->heads; h++) {
            struct block_state merged = merged_warps(args, maxima[h], sums[h], outs[h], factors[h]);
            store_partial(args, columns->first_head + LANE_HEADS * t + h, chunk, chunk_result(args, chunk, merged));
        }
    }
}

/* A block's work: its chunk of keys, and what its lanes have of its heads. */
struct column_work {
    struct columns columns;
    int chunk;
    int64_t first, last; /* keys */
    struct column_lane lane;
    struct head_factors factors[LANE_HEADS];
};

/* false: the sequence has no chunk here; a longer one of the batch may. */
SIMT_FUNCTION bool column_work(const struct attention_args *args, struct column_work *work)
{
    int blocks = column_blocks(args);
    work->chunk = (int)blockIdx.x / blocks;
    work->columns = columns_of_block(args, (int)blockIdx.x % blocks);
    work->first = work->chunk * args->chunk_len;
    work->last = work->first + args->chunk_len;
    if (work->chunk >= args->sequence.num_chunks)
        return false;
    if (work->last > args->sequence.seq_len)
        work->last = args->sequence.seq_len;
    work->lane = column_lane(args, &work->columns);
    SIMT_UNROLL
    for (int h = 0; h < LANE_HEADS; h++)
        work->factors[h] = head_factors(args, work->lane.head[h]);
    return true;
}

SIMT_FUNCTION void column_end(const struct attention_args *args, int group, const struct column_work *work,
                              struct column_state *state)
{
    SIMT_UNROLL
    for (int h = 0; h < LANE_HEADS; h++)
        state->sum[h] = warp_sum_in(STAGE_SUM, state->sum[h], 4);
    store_columns(args, group, &work->columns, work->chunk, &work->lane, state);
}

SIMT_BODY void tensor_core_chunk(const struct attention_args *args, enum dtype dtype, int group)
{
    __shared__ struct column_queries queries;
    struct column_work work;
    if (!column_work(args, &work))
        return;
    struct column_state state = column_begin(args, &work.lane);
    load_queries(args, &work.columns, &queries);
    for (int64_t tile = work.first + work.lane.rows.warp * WARP_SIZE; tile < work.last; tile += ROUND_KEYS) {
        const struct column_keys keys = {.tile = tile, .last = work.last, .whole = false};
        column_tile(args, dtype, group, &work.lane, work.factors, &queries, &keys, &state);
    }
    column_end(args, group, &work, &state);
}

FORMS_16_BITS(tensor_core, tensor_core_chunk)

#ifndef SIMT_REPLAY
/* The generic form of a tile that is not whole, a function of its own, as of plain_softmax.h. */
#define GENERIC_COLUMN_TILE(function, body, form, dtype, group)                                                \
    SIMT_NOINLINE void function##_##form(const struct attention_args *args, const struct column_work *work,    \
                                         const struct column_queries *queries, const struct column_keys *keys, \
                                         struct column_state *state)                                           \
    {                                                                                                          \
        body(args, dtype, group, &work->lane, work->factors, queries, keys, state);                            \
    }
#define CALL_COLUMN_TILE(function, body, form, of_dtype, of_group) \
    if (dtype == of_dtype && group == of_group)                    \
        function##_##form(&args, &own, queries, &keys, &copy);

FORMS_OF_16_BITS(GENERIC_COLUMN_TILE, generic_column_tile, column_tile)

/* Copies: what has an address has no register. */
SIMT_FUNCTION void other_column_tile(const struct attention_args *launch, enum dtype dtype, int group,
                                     const struct column_work *work, const struct column_queries *queries, int64_t tile,
                                     struct column_state *state)
{
    struct attention_args args = attention_args_here(launch, false);
    const struct column_keys keys = {.tile = tile, .last = work->last, .whole = false};
    const struct column_work own = *work;
    struct column_state copy = *state;
    FORMS_OF_16_BITS(CALL_COLUMN_TILE, generic_column_tile, 0)
    *state = copy;
}

/*
 * The plain form (plain.h): every row of a whole tile is read without a question, at an offset from where its half
 * begins. What comes behind them, and all of a sequence with a mask, goes to the generic form.
 */
SIMT_BODY void tensor_core_plain_chunk(const struct attention_args *launch, const struct attention_args *plain,
                                       enum dtype dtype, int group)
{
    __shared__ struct column_queries queries;
    struct attention_args args = *plain;
    struct column_work work;
    args.recipe.weight_dtype = dtype == DTYPE_F16 ? ROUND_F16 : ROUND_BF16; /* kernel_refusal knows no other, */
    args.recipe.weight_scale = 0;                                           /* and this */
    args.head_dim = group * LANE_DIMS;
    if (!column_work(&args, &work)) {
        if (args.arrivals && work.chunk == 0) /* a sequence without keys has nothing but its merge */
            merge_arrived(launch, work.columns.first_head, work.columns.heads);
        return;
    }
    struct column_state state = column_begin(&args, &work.lane);
    load_queries(&args, &work.columns, &queries);
    int64_t tile = work.first + work.lane.rows.warp * WARP_SIZE;
    int64_t whole_last = args.sequence.has_mask ? work.first : work.last;
    for (; tile + WARP_SIZE <= whole_last; tile += ROUND_KEYS) {
        struct column_keys keys = {.tile = tile, .last = work.last, .whole = true};
        SIMT_UNROLL
        for (int half = 0; half < TILE_HALVES; half++)
            keys.runs[half] = lane_row(&args, &work.lane.rows, tile + half * MMA_PRODUCTS);
        column_tile(&args, dtype, group, &work.lane, work.factors, &queries, &keys, &state);
    }
    for (; tile < work.last; tile += ROUND_KEYS)
        other_column_tile(launch, dtype, group, &work, &queries, tile, &state);
    column_end(&args, group, &work, &state);
    if (args.arrivals)
        merge_arrived(launch, work.columns.first_head, work.columns.heads);
}

PLAIN_FORMS_16_BITS(tensor_core, tensor_core_plain_chunk)
#endif

SIMT_KERNEL(tensor_core_merge, struct attention_args, launch)
{
    struct attention_args args = attention_args_here(&launch, false);
    merge_chunks(&args, (int)blockIdx.y, false);
}

COMPILED_KERNEL(tensor_core, {COMPILED_16_BITS(tensor_core) COMPILED_PLAIN_16_BITS(tensor_core)},
                {COMPILED_ALONE(tensor_core_merge)})

#ifdef DESCRIBES_KERNEL
const struct kernel_descriptor kernel_tensor_core = {
    .name = "tensor_core",
    .about = "split_kv on tensor cores, up to 8 query heads of a KV head at once; f16 and bf16, weights in 16 bits",
    .uses_chunk_len = true,
    .reads_past_end = true,
    .tensor_cores = true,
    .host_time_ratio = 1.5,
    .num_launches = 2,
    .launches = {{.has_plain = true, .over_chunks = true, .over_columns = true}, {.merges = true}},
    .workspace = PARTIAL_WORKSPACE,
    .sums = {.rescales_per_round = 1,
             .sum_adds_per_round = LANE_KEYS,
             .fused_sums_per_round = TILE_HALVES,
             .merged_warps = BLOCK_WARPS},
};
#endif
