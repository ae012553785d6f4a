/*
 * Kernels with one fault each, drawn at random, and what their failures may be called.
 *
 * A fault that a recipe can express is one: the kernel runs with it, and all oracles look on. What none can is planted:
 * a sound kernel runs on a problem that it has been told wrongly, and what it answers is judged as an answer to the
 * right one. Roundings that a recipe declares are in its error bound, so to be beyond a bound they are planted too: the
 * kernel runs with the rounding, and is judged by a recipe without it.
 *
 * A draw is a pure function of a seed and its number, which from FAULT_MERGES on is that of a merge, and from
 * FAULT_BOUNDS on one of the bounds of parts, from FAULT_FEW on one of some keys, and from FAULT_FEATURES on one of any
 * kind on a problem with what problems may have beside keys and slopes, so that older numbers stay what they are. No
 * two draws in one expression.
 */
#ifndef HARNESS_EVALUATE_TESTS_DRAWN_FAULT_H
#define HARNESS_EVALUATE_TESTS_DRAWN_FAULT_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/evaluate/tests/deviant_keys.h"
#include "harness/judge/cause/tests/counted_keys.h"
#include "harness/judge/cause/tests/online_softmax.h"
#include "harness/judge/cause/tests/scattered_keys.h"
#include "harness/judge/judgement.h"
#include "reference/tests/drawn_problem.h"

enum fault_family {
    FAMILY_SLOPES,
    FAMILY_BIAS,
    FAMILY_MASK,
    FAMILY_SUM,     /* epsilons, and sums that do not begin with 0 */
    FAMILY_KEYS,    /* dropped, misplaced, swapped; weights and steps that round */
    FAMILY_MERGE,   /* tiles and chunks without the factor between maxima */
    FAMILY_BOUNDS,  /* keys that are counted twice or lost between parts; merges in tiles of any length */
    FAMILY_FEW,     /* keys, anywhere, that count twice or not at all, or weigh otherwise */
    FAMILY_DEVIANT, /* keys made up or stale, tiles, dims and rows: what mostly has no name */
    FAMILY_COUNT
};

#define FAULT_MERGES (UINT64_C(1) << 40)
#define FAULT_BOUNDS (UINT64_C(1) << 41)
#define FAULT_FEW (UINT64_C(1) << 42)
#define FAULT_FEATURES (UINT64_C(1) << 43)

static const char *const family_names[FAMILY_COUNT] = {"slopes",          "bias",           "mask",
                                                       "epsilon, sum",    "keys, rounding", "merge",
                                                       "bounds of parts", "some keys",      "deviant keys"};

/* What is done to the problem that a sound kernel is told, or to its answer. */
enum plant {
    PLANT_NONE,   /* the recipe has the fault */
    PLANT_RECIPE, /* another recipe than the one that is judged */
    PLANT_SLOPE_FACTOR,
    PLANT_SLOPE_POWER,
    PLANT_SLOPE_ROUNDED,
    PLANT_SLOPE_OF_HEAD, /* that of the head `at` further on */
    PLANT_POSITION,
    PLANT_MASK_IGNORED,
    PLANT_KEY_LET_IN,
    PLANT_TILES_LET_IN, /* each tile of `at` keys that has a visible one */
    PLANT_KEY_DROPPED,
    PLANT_NEWEST_DROPPED,
    PLANT_OLDEST_DROPPED,
    PLANT_TILE_DROPPED,
    PLANT_VALUES_SWAPPED,
    PLANT_KEYS_SWAPPED,
    PLANT_VALUES_MISPLACED, /* all of them, by one key */
    PLANT_WEIGHT,           /* of one key: exp(size) of it */
    PLANT_SCALE,
    PLANT_KV_HEAD,
    PLANT_LSE_CONSTANT,
    PLANT_LSE_FACTOR,
    PLANT_MERGE,
    PLANT_COUNT, /* of keys, by the bounds of parts */
    PLANT_SCATTERED,
    PLANT_DEVIANT,
};

enum { FAULT_TEXT_SIZE = 2048, FAULT_RECIPE_SIZE = 256 };

struct fault_kind;

struct drawn_fault {
    const struct fault_kind *kind;
    char problem[FAULT_TEXT_SIZE / 2];
    char variant[FAULT_RECIPE_SIZE / 2]; /* what is sound about its recipe, but not the default: ", KEY: VALUE" */
    char recipe[FAULT_RECIPE_SIZE];      /* what is wrong about it, the same */
    enum plant plant;
    int64_t seq_len, at; /* a key, a number of keys or of heads: what the plant makes of it */
    double size;
    struct online_softmax online; /* of a merge */
    struct counted_keys counted;
    struct scattered_keys scattered;
    struct deviant_keys deviant;
    bool features;  /* the problem has any */
    bool no_lse;    /* what is planted has none */
    uint64_t state; /* for what is left to draw */
};

struct fault_kind {
    const char *name;
    enum fault_family family;
    unsigned
        names; /* bit s: signature s is right; unknown among them: there is no name for it, but for special cases */
    void (*draw)(struct drawn_fault *fault, uint64_t *state);
};

#define NAME(signature) (1u << SIGNATURE_##signature)

/* ---- the problem ------------------------------------------------------------------------------------------------ */

static inline bool fault_chance(uint64_t *state, double probability)
{
    return draw_between(state, 0, 1) < probability;
}

static inline void fault_write(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline void fault_write(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

#define FAULT_SAY(fault, ...) fault_write((fault)->problem, sizeof(fault)->problem, __VA_ARGS__)
#define FAULT_RECIPE(fault, ...) fault_write((fault)->recipe, sizeof(fault)->recipe, __VA_ARGS__)

/* A mask of any kind, with keys on both sides; or none. */
static inline void fault_mask(struct drawn_fault *fault, uint64_t *state, bool some)
{
    int n = (int)fault->seq_len, kind = draw_below(state, some ? 5 : 9);
    double holes = draw_between(state, 0.05, 0.7);
    int part = 1 + draw_below(state, n - 1), sinks = draw_below(state, 4), every = 2 + draw_below(state, 3);
    int block = 1 + draw_below(state, n / 4 + 1);
    if (kind == 0)
        FAULT_SAY(fault, "mask: {holes: %.3f}\n", holes);
    else if (kind == 1)
        FAULT_SAY(fault, "mask: {window: %d, sinks: %d}\n", part, part + sinks < n ? sinks : 0);
    else if (kind == 2)
        FAULT_SAY(fault, "mask: {drop_newest: %d}\n", part);
    else if (kind == 3)
        FAULT_SAY(fault, "mask: {padding: %d}\n", part);
    else if (kind == 4)
        FAULT_SAY(fault, "mask: {block: %d, keep_every: %d}\n", block, every);
}

static inline void fault_input(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const inputs[] = {
        "normal",
        "normal",
        "normal",
        "uniform",
        "{distribution: outliers, channels: 3, factor: 10}",
        "{distribution: normal, mean: 1, stddev: 0.1}",
        "{distribution: normal, mean: 0.5, stddev: 0.5}",
        "{distribution: normal, stddev: 3}",
        "cancelling",
        "{distribution: normal, mean: 1, stddev: 0.01}",
        "onehot",
    };
    int kinds = (int)(sizeof inputs / sizeof inputs[0]);
    FAULT_SAY(fault, "input: %s\n", inputs[draw_below(state, fault->features ? kinds : kinds - 3)]);
}

static inline void fault_problem(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const forms[] = {"single_pass", "split_kv", "two_pass"}, *const types[] = {"f16", "bf16", "f32"};
    static const int kv_heads[] = {1, 1, 2, 3, 4}, groups[] = {1, 1, 2, 3}, dims[] = {64, 64, 80, 128},
                     chunks[] = {32, 64, 96, 256, 1024}, biases[] = {8, 8, 16, 4};
    double octaves = draw_between(state, 4, 11);
    const char *kernel = forms[draw_below(state, 3)], *dtype = types[draw_below(state, 3)];
    int kv = kv_heads[draw_below(state, 5)], heads = kv * groups[draw_below(state, 4)],
        dim = dims[draw_below(state, 4)];
    int chunk = chunks[draw_below(state, 5)], max_bias = biases[draw_below(state, 4)];
    const char *slopes = fault_chance(state, 0.7) ? "bloom" : "geometric";
    uint64_t seed = draw_bits(state) >> 12;
    fault->seq_len = (int64_t)exp2(octaves);
    FAULT_SAY(fault,
              "kernel: %s\nseq_len: %lld\nnum_heads: %d\nnum_kv_heads: %d\nhead_dim: %d\ndtype: %s\nchunk_len: %d\n"
              "max_bias: %d\nslopes: %s\nseed: %llu\n",
              kernel, (long long)fault->seq_len, heads, kv, dim, dtype, chunk, max_bias, slopes,
              (unsigned long long)seed);
}

static inline void fault_no_slopes(struct drawn_fault *fault, int heads)
{
    FAULT_SAY(fault, "slopes: {values: [0");
    for (int h = 1; h < heads; h++)
        FAULT_SAY(fault, ", 0");
    FAULT_SAY(fault, "]}\n");
}

/* Few keys and many, several queries, caps, sinks, an fp8 cache, pages, large logits, no lse. */
static inline void fault_features(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const forms[] = {"single_pass", "split_kv", "two_pass"}, *const types[] = {"f16", "bf16", "f32"},
                             *const caches[] = {"e4m3", "e5m2", "same", "same", "same"},
                             *const slopes[] = {"bloom", "bloom", "bloom", "geometric", "none"};
    static const int kv_heads[] = {1, 1, 2, 3}, groups[] = {1, 1, 2, 4}, dims[] = {64, 64, 80, 96, 112, 128, 256},
                     chunks[] = {32, 64, 128, 1024}, biases[] = {8, 8, 16, 4}, pages[] = {16, 32, 48};
    double octaves = draw_between(state, 4, 10), cap = exp2(draw_between(state, 1, 6));
    bool few = fault_chance(state, 0.35);
    int some = 2 + draw_below(state, 19), kv = kv_heads[draw_below(state, 4)];
    int heads = kv * groups[draw_below(state, 4)], dim = dims[draw_below(state, 7)], queries = 1 + draw_below(state, 4);
    const char *kernel = forms[draw_below(state, 3)], *dtype = types[draw_below(state, 3)];
    const char *cache = caches[draw_below(state, 5)], *convention = slopes[draw_below(state, 5)];
    int chunk = chunks[draw_below(state, 4)], page = pages[draw_below(state, 3)],
        max_bias = biases[draw_below(state, 4)];
    uint64_t seed = draw_bits(state) >> 12;
    fault->seq_len = few ? some : (int64_t)exp2(octaves);
    FAULT_SAY(fault,
              "kernel: %s\nseq_len: %lld\nnum_heads: %d\nnum_kv_heads: %d\nhead_dim: %d\ndtype: %s\nchunk_len: %d\n"
              "seed: %llu\n",
              kernel, (long long)fault->seq_len, heads, kv, dim, dtype, chunk, (unsigned long long)seed);
    if (strcmp(convention, "none"))
        FAULT_SAY(fault, "max_bias: %d\nslopes: %s\n", max_bias, convention);
    else
        fault_no_slopes(fault, heads);
    if (fault_chance(state, 0.3))
        FAULT_SAY(fault, "num_queries: %d\n", queries);
    if (strcmp(cache, "same") && strcmp(dtype, "f32"))
        FAULT_SAY(fault, "kv_dtype: %s\nk_scale: 0.75\nv_scale: 1.5\n", cache);
    if (fault_chance(state, 0.15))
        FAULT_SAY(fault, "soft_cap: {%s_bias: %.4g}\n", fault_chance(state, 0.6) ? "before" : "after", cap);
    if (fault_chance(state, 0.2))
        FAULT_SAY(fault, "sink_logits: {normal: 2}\n");
    if (fault_chance(state, 0.2))
        FAULT_SAY(fault, "page_size: %d\n", page);
    if (fault_chance(state, 0.15))
        FAULT_SAY(fault, "scale: 1\n");
    fault->no_lse = fault_chance(state, 0.35);
}

/* Sound forms, so that a fault is not known by the arithmetic around it. */
static inline void fault_variant(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const variants[] = {
        "",
        "",
        ", log2e: exponential",
        ", log2e: exponential, exponential: exp",
        ", exponential: ex2_approx",
        ", bias: absolute",
        ", log2e: exponential, bias: absolute",
        ", scale_entry: sum",
        ", scale_entry: sum, bias: absolute, merge: lse",
        ", scale_entry: query, merge: normalized",
        ", sentinel: -inf, exponential: ex2_approx, division: reciprocal",
    };
    const char *variant = variants[draw_below(state, (int)(sizeof variants / sizeof variants[0]))];
    fault_write(fault->variant, sizeof fault->variant, "%s", variant);
}

/* ---- the faults ---------------------------------------------------------------------------------------------------
 */

static const char *const narrow_dtypes[] = {"bf16", "f16"};

static inline void plant(struct drawn_fault *fault, enum plant what, int64_t at, double size)
{
    fault->plant = what;
    fault->at = at;
    fault->size = size;
}

static inline void draw_other_convention(struct drawn_fault *fault, uint64_t *state)
{
    static const int biases[] = {8, 8, 16, 4, 12};
    const char *convention = fault_chance(state, 0.5) ? "geometric" : "bloom";
    int max_bias = biases[draw_below(state, 5)];
    FAULT_RECIPE(fault, ", slopes: %s, slopes_max_bias: %d", convention, max_bias);
}

static inline void draw_slope_rounded(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_SLOPE_ROUNDED, draw_below(state, 2), 0);
}

static inline void draw_slope_declared(struct drawn_fault *fault, uint64_t *state)
{
    FAULT_RECIPE(fault, ", slope_dtype: %s", narrow_dtypes[draw_below(state, 2)]);
}

static inline void draw_slope_factor(struct drawn_fault *fault, uint64_t *state)
{
    static const double factors[] = {2, 0.5, 0x1.715476p+0, 0x1.62e43p-1, 0.125, 8, 1.01, 0.9};
    plant(fault, PLANT_SLOPE_FACTOR, 0, factors[draw_below(state, 8)]);
}

static inline void draw_slope_sign(struct drawn_fault *fault, uint64_t *state)
{
    (void)state;
    plant(fault, PLANT_SLOPE_FACTOR, 0, -1);
}

static inline void draw_slope_power(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_SLOPE_POWER, 0, fault_chance(state, 0.5) ? 2 : 0.5);
}

static inline void draw_slope_of_head(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_SLOPE_OF_HEAD, fault_chance(state, 0.5) ? 1 : -1, 0);
}

static inline void draw_bias_dropped(struct drawn_fault *fault, uint64_t *state)
{
    if (fault_chance(state, 0.5))
        plant(fault, PLANT_SLOPE_FACTOR, 0, 0);
    else
        FAULT_RECIPE(fault, ", bias: none");
}

static inline void draw_bias_shifted(struct drawn_fault *fault, uint64_t *state)
{
    int most = fault_chance(state, 0.5) ? 3 : 300;
    int keys = 1 + draw_below(state, most), towards = fault_chance(state, 0.5) ? -1 : 1;
    if (fault_chance(state, 0.5))
        plant(fault, PLANT_POSITION, keys * towards, 0);
    else
        FAULT_RECIPE(fault, ", key_shift: %d", keys * towards);
}

static inline void draw_chunk_without_offset(struct drawn_fault *fault, uint64_t *state)
{
    FAULT_SAY(fault, "kv_offset: %d\n", 1 + draw_below(state, 5000));
    FAULT_RECIPE(fault, ", positions: local");
}

static inline void draw_top_left(struct drawn_fault *fault, uint64_t *state)
{
    (void)state;
    FAULT_RECIPE(fault, ", positions: top_left");
}

/* Values near the logits, so that masked keys have some of the weight or all of it. */
static inline void draw_sentinel(struct drawn_fault *fault, uint64_t *state)
{
    double size = exp2(draw_between(state, 1, 9));
    fault_mask(fault, state, true);
    FAULT_RECIPE(fault, ", sentinel: -%.4g, initial_max: -inf", size);
}

static inline void draw_sentinel_added(struct drawn_fault *fault, uint64_t *state)
{
    double size = exp2(draw_between(state, 1, 7));
    fault_mask(fault, state, true);
    FAULT_RECIPE(fault, ", sentinel: -%.4g, initial_max: -inf, masked_entry: add", size);
}

/* The same value as the maximum before the first key. */
static inline void draw_floor(struct drawn_fault *fault, uint64_t *state)
{
    double size = exp2(draw_between(state, 3, 9));
    fault_mask(fault, state, true);
    FAULT_RECIPE(fault, ", sentinel: -%.4g", size);
}

static inline void draw_mask_ignored(struct drawn_fault *fault, uint64_t *state)
{
    fault_mask(fault, state, true);
    plant(fault, PLANT_MASK_IGNORED, 0, 0);
}

static inline void draw_key_let_in(struct drawn_fault *fault, uint64_t *state)
{
    fault_mask(fault, state, true);
    plant(fault, PLANT_KEY_LET_IN, draw_below(state, (int)fault->seq_len), 0);
}

static inline void draw_tiles_let_in(struct drawn_fault *fault, uint64_t *state)
{
    fault_mask(fault, state, true);
    plant(fault, PLANT_TILES_LET_IN, 8 << draw_below(state, 5), 0);
}

static inline void draw_epsilon(struct drawn_fault *fault, uint64_t *state)
{
    double epsilon = exp2(draw_between(state, -24, -1));
    FAULT_RECIPE(fault, ", epsilon: %.4g", epsilon);
}

static inline void draw_initial_sum(struct drawn_fault *fault, uint64_t *state)
{
    double max = draw_between(state, -6, 0);
    FAULT_RECIPE(fault, ", initial_sum: 1, initial_max: %.4g", max);
}

/* A maximum that is never left behind: weights far below it underflow. */
static inline void draw_initial_max(struct drawn_fault *fault, uint64_t *state)
{
    double value = draw_between(state, 40, 110);
    FAULT_SAY(fault, "input: {distribution: logit_floor, value: -%.4g, spread: 2}\n", value);
    FAULT_RECIPE(fault, ", initial_max: 0");
}

static inline void draw_key_dropped(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_KEY_DROPPED, draw_below(state, (int)fault->seq_len), 0);
}

static inline int64_t some_keys(struct drawn_fault *fault, uint64_t *state)
{
    int few = 1 + draw_below(state, 4), many = 1 + draw_below(state, (int)fault->seq_len / 2);
    return fault_chance(state, 0.5) ? few : many;
}

static inline void draw_newest_dropped(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_NEWEST_DROPPED, some_keys(fault, state), 0);
}

static inline void draw_oldest_dropped(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_OLDEST_DROPPED, some_keys(fault, state), 0);
}

static inline void draw_tile_dropped(struct drawn_fault *fault, uint64_t *state)
{
    int len = 16 << draw_below(state, 4);
    plant(fault, PLANT_TILE_DROPPED, len, draw_between(state, 0, 1));
}

static inline void draw_values_swapped(struct drawn_fault *fault, uint64_t *state)
{
    int key = draw_below(state, (int)fault->seq_len);
    plant(fault, PLANT_VALUES_SWAPPED, key, draw_between(state, 0, 1));
}

static inline void draw_keys_swapped(struct drawn_fault *fault, uint64_t *state)
{
    int key = draw_below(state, (int)fault->seq_len);
    plant(fault, PLANT_KEYS_SWAPPED, key, draw_between(state, 0, 1));
}

static inline void draw_values_misplaced(struct drawn_fault *fault, uint64_t *state)
{
    (void)state;
    plant(fault, PLANT_VALUES_MISPLACED, 0, 0);
}

static inline void draw_weight(struct drawn_fault *fault, uint64_t *state)
{
    double octaves = draw_between(state, -8, 1);
    double sign = fault_chance(state, 0.5) ? 1 : -1;
    int near = draw_below(state, 8), any = draw_below(state, (int)fault->seq_len);
    plant(fault, PLANT_WEIGHT, fault_chance(state, 0.5) ? fault->seq_len - 1 - near : any, sign * exp2(octaves));
}

static inline void draw_softmax_scale(struct drawn_fault *fault, uint64_t *state)
{
    static const double factors[] = {1.001, 0.99, 1.05, 2, 0.5, 0.125, 8, 1.4142};
    plant(fault, PLANT_SCALE, 0, factors[draw_below(state, 8)]);
}

static inline void draw_kv_head(struct drawn_fault *fault, uint64_t *state)
{
    (void)state;
    plant(fault, PLANT_KV_HEAD, 1, 0);
}

static inline void draw_lse_constant(struct drawn_fault *fault, uint64_t *state)
{
    double size = exp2(draw_between(state, -14, 4));
    plant(fault, PLANT_LSE_CONSTANT, 0, fault_chance(state, 0.5) ? size : -size);
}

static inline void draw_lse_factor(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_LSE_FACTOR, 0, fault_chance(state, 0.5) ? 0x1.715476p+0 : 0x1.62e43p-1);
}

/* A step in a narrow dtype. */
static inline void draw_rounding(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const steps[] = {"position_dtype", "bias_dtype",   "dot_dtype",
                                        "logit_dtype",    "weight_dtype", "partial_dtype"};
    const char *step = steps[draw_below(state, 6)], *dtype = narrow_dtypes[draw_below(state, 2)];
    FAULT_RECIPE(fault, ", %s: %s", step, dtype);
}

static inline void draw_undeclared_rounding(struct drawn_fault *fault, uint64_t *state)
{
    draw_rounding(fault, state);
    plant(fault, PLANT_RECIPE, 0, 0);
}

/* Tiles, or chunks, of lengths in use; what is left out, of the output or of the sum or of both. */
static inline void draw_merge_of(struct drawn_fault *fault, uint64_t *state, bool merged)
{
    static const int chunks[] = {32, 64, 128, 256, 512, 1024};
    int tile = 1 << draw_below(state, 9), owners = 1 << draw_below(state, 4), chunk = chunks[draw_below(state, 6)];
    bool alone = fault_chance(state, 0.6), whole = fault_chance(state, 0.6), backward = fault_chance(state, 0.2);
    int left_out = 1 + draw_below(state, 3);
    bool split = merged ? alone : !whole && !backward && chunk >= 2 * tile;
    plant(fault, PLANT_MERGE, tile, left_out);
    fault->online = (struct online_softmax){
        .tile = tile,
        .chunk = split ? chunk : 0,
        .owners = alone || (backward && !merged) ? 1 : owners,
        .backward = backward && !merged,
        .sum_stays = left_out & 1,
        .out_stays = left_out >> 1,
        .merged = merged,
    };
}

static inline void draw_tiles_unscaled(struct drawn_fault *fault, uint64_t *state)
{
    draw_merge_of(fault, state, false);
}

static inline void draw_chunks_unscaled(struct drawn_fault *fault, uint64_t *state)
{
    draw_merge_of(fault, state, true);
}

/* A merge in tiles and parts that real kernels have, of a length that is no power of two. */
static inline void draw_odd_merge(struct drawn_fault *fault, uint64_t *state)
{
    static const int tiles[] = {24, 48, 80, 96, 112, 144, 176, 192, 224, 576}, wholes[] = {1, 16, 32, 64};
    int tile = tiles[draw_below(state, 10)], round = 16 << draw_below(state, 4), parts = 2 + draw_below(state, 15);
    int whole = wholes[draw_below(state, 4)], left_out = 1 + draw_below(state, 3);
    bool merged = fault_chance(state, 0.5), split = fault_chance(state, 0.5);
    int64_t chunk = (fault->seq_len + parts - 1) / parts;
    plant(fault, PLANT_MERGE, tile, left_out);
    fault->online = (struct online_softmax){
        .tile = split ? round : tile,
        .chunk = split    ? (chunk + whole - 1) / whole * whole
                 : merged ? tile
                          : 0,
        .owners = 1,
        .sum_stays = left_out & 1,
        .out_stays = left_out >> 1,
        .merged = merged,
    };
}

/* Parts of a length in use, or some of them in whole tiles. */
static inline int64_t draw_part_len(const struct drawn_fault *fault, uint64_t *state)
{
    static const int lens[] = {32, 48, 64, 96, 128, 192, 256, 512, 1024}, wholes[] = {1, 16, 32, 64};
    int len = lens[draw_below(state, 9)], parts = 2 + draw_below(state, 15), whole = wholes[draw_below(state, 4)];
    int64_t of_parts = (fault->seq_len + parts - 1) / parts;
    return fault_chance(state, 0.5) ? len : (of_parts + whole - 1) / whole * whole;
}

static inline void draw_counted(struct drawn_fault *fault, uint64_t *state, enum counting counting)
{
    int64_t part = draw_part_len(fault, state);
    int some = 1 << draw_below(state, 7);
    plant(fault, PLANT_COUNT, part, some);
    fault->counted = (struct counted_keys){counting, part, 2 * some <= part ? some : 1, 0};
}

static inline void draw_keys_doubled(struct drawn_fault *fault, uint64_t *state)
{
    draw_counted(fault, state, fault_chance(state, 0.5) ? COUNT_BEYOND_END : COUNT_BEFORE_BEGIN);
}

static inline void draw_keys_lost(struct drawn_fault *fault, uint64_t *state)
{
    draw_counted(fault, state, fault_chance(state, 0.5) ? COUNT_SHORT_OF_END : COUNT_LATE);
}

static inline void draw_pages_of_parts(struct drawn_fault *fault, uint64_t *state)
{
    static const int pages[] = {12, 20, 24, 40, 48, 80, 96};
    int page = pages[draw_below(state, 7)], part = 64 << draw_below(state, 5), padded = 1;
    enum counting counting = fault_chance(state, 0.5) ? COUNT_WHOLE_PAGES : COUNT_PAGES_OF_PART;
    while (padded < page)
        padded *= 2;
    bool slots = counting == COUNT_PAGES_OF_PART && fault_chance(state, 0.5);
    plant(fault, PLANT_COUNT, part, page);
    fault->counted = (struct counted_keys){counting, part > page ? part : 128, page, slots ? padded : 0};
}

static inline void draw_end_twice(struct drawn_fault *fault, uint64_t *state)
{
    int some = 1 + draw_below(state, 16), least = fault->seq_len > 16 ? some : 1;
    enum counting counting = fault_chance(state, 0.5) ? COUNT_OLDEST_TWICE : COUNT_NEWEST_TWICE;
    plant(fault, PLANT_COUNT, fault->seq_len, least);
    fault->counted = (struct counted_keys){counting, fault->seq_len, least, 0};
}

/* In the first head, or in all; one key to some dozens. */
static inline void draw_scattered(struct drawn_fault *fault, uint64_t *state, double times)
{
    uint64_t seed = draw_bits(state) >> 16;
    int some = (int)exp2(draw_between(state, 0, 5)), most = (int)(fault->seq_len / 4) + 1, heads = draw_below(state, 2);
    plant(fault, PLANT_SCATTERED, some, times);
    fault->scattered = (struct scattered_keys){seed, some < most ? some : most, heads, (float)times};
}

static inline void draw_some_twice(struct drawn_fault *fault, uint64_t *state)
{
    draw_scattered(fault, state, 2);
}

static inline void draw_some_lost(struct drawn_fault *fault, uint64_t *state)
{
    draw_scattered(fault, state, 0);
}

static inline void draw_some_weights(struct drawn_fault *fault, uint64_t *state)
{
    static const double times[] = {0.25, 0.5, 0.8, 1.25, 1.5, 1.75, 2.25, 2.5};
    int which = draw_below(state, 8);
    draw_scattered(fault, state, times[which]);
}

static inline void deviate(struct drawn_fault *fault, uint64_t *state, enum deviation deviation, int64_t some,
                           double size)
{
    uint64_t seed = draw_bits(state);
    int tiles = some > 0 ? (int)(fault->seq_len / some) : 0;
    plant(fault, PLANT_DEVIANT, some, size);
    fault->deviant = (struct deviant_keys){
        .deviation = deviation, .some = some, .at = 1 + draw_below(state, tiles + 1), .size = size, .seed = seed};
}

static inline void draw_nothing(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_NOTHING, 0, 0);
}

static inline void draw_made_up(struct drawn_fault *fault, uint64_t *state)
{
    int some = (int)exp2(draw_between(state, 0, 6));
    deviate(fault, state, DEVIANT_MADE_UP, some, 0);
}

static inline void draw_empty_slots(struct drawn_fault *fault, uint64_t *state)
{
    int some = (int)exp2(draw_between(state, 0, 6));
    deviate(fault, state, DEVIANT_EMPTY_SLOTS, some, 0);
}

static inline void draw_heaviest(struct drawn_fault *fault, uint64_t *state)
{
    static const double sizes[] = {0.02, 0.1, 0.3, 0.9, 0.98, 1.02, 1.5, 3};
    int some = 1 + draw_below(state, 3);
    deviate(fault, state, DEVIANT_HEAVIEST, some, sizes[draw_below(state, 8)]);
}

static inline int64_t draw_tile(struct drawn_fault *fault, uint64_t *state)
{
    int tile = 4 << draw_below(state, 6);
    return tile < fault->seq_len ? tile : (fault->seq_len + 1) / 2;
}

static inline void draw_stale_k(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_STALE_K, draw_tile(fault, state), 0);
}

static inline void draw_stale_v(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_STALE_V, draw_tile(fault, state), 0);
}

static inline void draw_local(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_LOCAL, draw_tile(fault, state), 0);
}

static inline void draw_tail_bias(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_TAIL_BIAS, draw_tile(fault, state), 0);
}

static inline void draw_tail_scale(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_TAIL_SCALE, draw_tile(fault, state), 0);
}

static inline void draw_few_dims(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_FEW_DIMS, INT64_C(1) << draw_below(state, 5), 0);
}

static inline void draw_dot(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_DOT, 0, 0);
    fault->deviant.dtype = fault_chance(state, 0.5) ? DTYPE_F16 : DTYPE_BF16;
}

static inline void draw_head_scale(struct drawn_fault *fault, uint64_t *state)
{
    static const double sizes[] = {1.01, 0.99, 1.1, 2, 0.5, 1.4142};
    deviate(fault, state, DEVIANT_HEAD_SCALE, 0, sizes[draw_below(state, 6)]);
}

static inline void draw_other_query(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_OTHER_QUERY, 0, 0);
}

static inline void draw_lost_dims(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_LOST_DIMS, INT64_C(1) << draw_below(state, 6), 0);
}

static inline void draw_turned(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_TURNED, INT64_C(1) << draw_below(state, 6), 0);
}

static inline void draw_undivided(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_UNDIVIDED, 0, 0);
}

static inline void draw_value_dims(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_VALUE_DIMS, INT64_C(1) << draw_below(state, 6), 0);
}

static inline void draw_one_v(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_ONE_V, 0, 0);
}

/* Faults are drawn alike often within their families, and families alike often. */
static const struct fault_kind fault_kinds[] = {
    {"slopes of another convention", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_other_convention},
    {"slopes rounded, undeclared", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_rounded},
    {"slopes rounded, declared", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_declared},
    {"slopes times a factor", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_factor},
    {"slopes of the other sign", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_sign},
    {"max_bias doubled or halved", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_power},
    {"slopes one head off", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_of_head},
    {"bias dropped", FAMILY_BIAS, NAME(DROPPED_BIAS), draw_bias_dropped},
    {"bias shifted", FAMILY_BIAS, NAME(BIAS_SHIFT), draw_bias_shifted},
    {"chunk without its offset", FAMILY_BIAS, NAME(BIAS_SHIFT), draw_chunk_without_offset},
    {"query at the top left", FAMILY_BIAS, NAME(WRONG_SLOPE), draw_top_left},
    {"sentinel", FAMILY_MASK, NAME(LEAK) | NAME(UNIFORM), draw_sentinel},
    {"sentinel added", FAMILY_MASK, NAME(LEAK) | NAME(UNIFORM), draw_sentinel_added},
    {"sentinel as initial maximum", FAMILY_MASK, NAME(LEAK) | NAME(UNIFORM) | NAME(SILENT_ZERO), draw_floor},
    {"mask ignored", FAMILY_MASK, NAME(LEAK), draw_mask_ignored},
    {"one masked key let in", FAMILY_MASK, NAME(LEAK), draw_key_let_in},
    {"mask by whole tiles", FAMILY_MASK, NAME(LEAK), draw_tiles_let_in},
    {"epsilon", FAMILY_SUM, NAME(EPS_BIAS), draw_epsilon},
    {"initial sum", FAMILY_SUM, NAME(SILENT_ZERO) | NAME(UNKNOWN), draw_initial_sum},
    {"initial maximum", FAMILY_SUM, NAME(SILENT_ZERO) | NAME(PRECISION_LOSS) | NAME(DROPPED_KEYS), draw_initial_max},
    {"one key dropped", FAMILY_KEYS, NAME(DROPPED_KEYS), draw_key_dropped},
    {"newest keys dropped", FAMILY_KEYS, NAME(DROPPED_KEYS), draw_newest_dropped},
    {"oldest keys dropped", FAMILY_KEYS, NAME(DROPPED_KEYS), draw_oldest_dropped},
    {"a tile dropped", FAMILY_KEYS, NAME(DROPPED_KEYS), draw_tile_dropped},
    {"values of two keys swapped", FAMILY_KEYS, NAME(UNKNOWN), draw_values_swapped},
    {"two keys swapped", FAMILY_KEYS, NAME(UNKNOWN), draw_keys_swapped},
    {"values misplaced by a key", FAMILY_KEYS, NAME(MISPLACED_KEYS), draw_values_misplaced},
    {"one weight wrong", FAMILY_KEYS, NAME(UNKNOWN), draw_weight},
    {"another softmax scale", FAMILY_KEYS, NAME(WRONG_SCALE), draw_softmax_scale},
    {"another KV head", FAMILY_KEYS, NAME(WRONG_KV_HEAD), draw_kv_head},
    {"constant in lse", FAMILY_KEYS, NAME(WRONG_LSE), draw_lse_constant},
    {"lse in base 2", FAMILY_KEYS, NAME(WRONG_LSE), draw_lse_factor},
    {"a step rounded, declared", FAMILY_KEYS, NAME(PRECISION_LOSS), draw_rounding},
    {"a step rounded, undeclared", FAMILY_KEYS, NAME(PRECISION_LOSS), draw_undeclared_rounding},
    {"tiles without their factor", FAMILY_MERGE, NAME(WRONG_MERGE), draw_tiles_unscaled},
    {"chunks without their factor", FAMILY_MERGE, NAME(WRONG_MERGE), draw_chunks_unscaled},
    {"merges of any length", FAMILY_BOUNDS, NAME(WRONG_MERGE), draw_odd_merge},
    {"keys doubled between parts", FAMILY_BOUNDS, NAME(DOUBLED_KEYS), draw_keys_doubled},
    {"keys lost between parts", FAMILY_BOUNDS, NAME(DROPPED_KEYS), draw_keys_lost},
    {"pages that divide no part", FAMILY_BOUNDS, NAME(DOUBLED_KEYS) | NAME(DROPPED_KEYS) | NAME(LEAK),
     draw_pages_of_parts},
    {"an end counted twice", FAMILY_BOUNDS, NAME(DOUBLED_KEYS), draw_end_twice},
    {"some keys counted twice", FAMILY_FEW, NAME(DOUBLED_KEYS), draw_some_twice},
    {"some keys lost", FAMILY_FEW, NAME(DROPPED_KEYS), draw_some_lost},
    {"some weights wrong", FAMILY_FEW, NAME(UNKNOWN), draw_some_weights},
    {"nothing", FAMILY_DEVIANT, 0, draw_nothing},
    {"keys made up", FAMILY_DEVIANT, NAME(UNKNOWN), draw_made_up},
    {"slots of 0", FAMILY_DEVIANT, NAME(LEAK) | NAME(EPS_BIAS) | NAME(UNKNOWN), draw_empty_slots},
    {"heaviest keys", FAMILY_DEVIANT, NAME(UNKNOWN), draw_heaviest},
    {"k of a tile stale", FAMILY_DEVIANT, NAME(UNKNOWN), draw_stale_k},
    {"v of a tile stale", FAMILY_DEVIANT, NAME(UNKNOWN), draw_stale_v},
    {"positions from a chunk's begin", FAMILY_DEVIANT, NAME(UNKNOWN), draw_local},
    {"a rest without bias", FAMILY_DEVIANT, NAME(UNKNOWN), draw_tail_bias},
    {"a rest without scale", FAMILY_DEVIANT, NAME(UNKNOWN), draw_tail_scale},
    {"q.k of fewer dims", FAMILY_DEVIANT, NAME(UNKNOWN), draw_few_dims},
    {"q.k summed in 16 bits", FAMILY_DEVIANT, NAME(PRECISION_LOSS) | NAME(UNKNOWN), draw_dot},
    {"scale of one head", FAMILY_DEVIANT, NAME(WRONG_SCALE) | NAME(UNKNOWN), draw_head_scale},
    {"query of one head", FAMILY_DEVIANT, NAME(UNKNOWN), draw_other_query},
    {"dims of out lost", FAMILY_DEVIANT, NAME(UNKNOWN), draw_lost_dims},
    {"dims of out turned", FAMILY_DEVIANT, NAME(UNKNOWN), draw_turned},
    {"out not divided", FAMILY_DEVIANT, NAME(UNKNOWN), draw_undivided},
    {"dims of v stale", FAMILY_DEVIANT, NAME(UNKNOWN), draw_value_dims},
    {"v of one KV head", FAMILY_DEVIANT, NAME(WRONG_KV_HEAD), draw_one_v},
};

enum { NUM_FAULT_KINDS = sizeof fault_kinds / sizeof fault_kinds[0] };

/* Whether two texts say something of the same key. */
static inline bool fault_contradicts(const char *a, const char *b)
{
    for (const char *key = a; (key = strchr(key, ',')) != NULL; key++) {
        char name[48] = "";
        if (sscanf(key, ", %46[a-z0-9_:]", name) == 1 && strstr(b, name))
            return true;
    }
    return false;
}

static inline const struct fault_kind *fault_kind_of_family(uint64_t *state, enum fault_family family)
{
    int count = 0;
    for (int i = 0; i < NUM_FAULT_KINDS; i++)
        count += fault_kinds[i].family == family;
    int left = draw_below(state, count);
    const struct fault_kind *kind = fault_kinds;
    while (kind->family != family || left-- > 0)
        kind++;
    return kind;
}

/* The fault of that number. */
static inline void fault_draw(struct drawn_fault *fault, uint64_t seed, uint64_t number)
{
    uint64_t mixed = seed, of_number = draw_bits(&mixed) + number, state = draw_bits(&of_number);
    *fault = (struct drawn_fault){.problem = ""};
    enum fault_family family = (enum fault_family)draw_below(&state, FAMILY_MERGE);
    fault->features = number >= FAULT_FEATURES;
    if (fault->features)
        family = (enum fault_family)draw_below(&state, FAMILY_COUNT + 4);
    else if (number >= FAULT_MERGES)
        family = number >= FAULT_FEW ? FAMILY_FEW : number >= FAULT_BOUNDS ? FAMILY_BOUNDS : FAMILY_MERGE;
    fault->kind = fault_kind_of_family(&state, family < FAMILY_COUNT ? family : FAMILY_DEVIANT);
    if (fault->features)
        fault_features(fault, &state);
    else
        fault_problem(fault, &state);
    fault_variant(fault, &state);
    fault->kind->draw(fault, &state);
    if (!strstr(fault->problem, "input:"))
        fault_input(fault, &state);
    if (!strstr(fault->problem, "mask:"))
        fault_mask(fault, &state, false);
    if (fault_contradicts(fault->variant, fault->recipe))
        fault->variant[0] = '\0';
    fault->state = state;
}

#endif
