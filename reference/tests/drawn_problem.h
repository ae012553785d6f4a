/*
 * Random problems for the tests of truths: every axis is drawn from a table, with as much weight on what breaks
 * certificates as on what people run. A problem is a pure function of its seed: no two draws in one expression.
 */
#ifndef REFERENCE_TESTS_DRAWN_PROBLEM_H
#define REFERENCE_TESTS_DRAWN_PROBLEM_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "reference/problem.h"

struct drawn_problem {
    struct problem problem;
    bool finite;    /* no NaN or infinity anywhere */
    char text[640]; /* what was drawn, for a failure's message */
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static inline uint64_t draw_bits(uint64_t *state)
{
    uint64_t bits = *state += UINT64_C(0x9e3779b97f4a7c15);
    bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
    return bits ^ bits >> 31;
}

static inline int draw_below(uint64_t *state, int bound)
{
    return (int)(draw_bits(state) % (uint64_t)bound);
}

/* Uniform in [low, high). */
static inline double draw_between(uint64_t *state, double low, double high)
{
    return low + (high - low) * (double)(draw_bits(state) >> 11) * 0x1p-53;
}

/* Nearly normal: a sum of four uniform numbers, with standard deviation 1. */
static inline double draw_normal(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += draw_between(state, -1, 1);
    return sum * 0.8660254037844386;
}

/* What an element may depend on. */
struct filling {
    enum dtype dtype;
    int64_t num_rows;
    int64_t special_row; /* one row and one channel that are different */
    int special_channel;
    double unit; /* a power of two */
    uint64_t seed;
};

static inline double fill_normal(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)filling, (void)row, (void)channel;
    return draw_normal(state);
}

static inline double fill_scaled(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)row, (void)channel;
    return draw_normal(state) * filling->unit;
}

static inline double fill_wide(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)row, (void)channel;
    const struct dtype_info *info = &dtypes[filling->dtype];
    double exponent = draw_between(state, info->min_exponent - info->significand_bits + 1, ilogb(info->max) + 1);
    return copysign(exp2(exponent), draw_between(state, -1, 1));
}

static inline double fill_constant(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)state, (void)row, (void)channel;
    return 0.75 * filling->unit;
}

static inline double fill_limits(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)row, (void)channel;
    const struct dtype_info *info = &dtypes[filling->dtype];
    double normal = ldexp(1, info->min_exponent), subnormal = dtype_ulp(filling->dtype, 0);
    const double limits[] = {info->max, -info->max, normal, -normal, subnormal, -subnormal, 0, -0.0, 1, -1};
    return limits[draw_below(state, sizeof limits / sizeof limits[0])];
}

static inline double fill_subnormal(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)row, (void)channel;
    return draw_between(state, -1, 1) * ldexp(1, dtypes[filling->dtype].min_exponent);
}

static inline double fill_outlier_channel(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)row;
    return draw_normal(state) * (channel == filling->special_channel ? 300 : 1);
}

static inline double fill_sparse(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)filling, (void)row, (void)channel;
    double value = draw_normal(state);
    return draw_below(state, 16) ? 0 : value;
}

static inline double fill_zero_channels(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)row;
    double value = draw_normal(state);
    return channel % 3 == filling->special_channel % 3 ? 0 : value;
}

/* Element of a row that recurs. */
static inline double recurring(const struct filling *filling, int64_t row, int channel)
{
    uint64_t own = filling->seed ^ (uint64_t)row * 7919 ^ (uint64_t)channel << 40;
    return draw_normal(&own);
}

static inline double fill_three_rows(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)state;
    return recurring(filling, row % 3, channel) * filling->unit;
}

/* Neighbours are opposite: they cancel wherever their weights are equal. */
static inline double fill_opposite(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)state;
    return (row % 2 ? -1 : 1) * recurring(filling, row / 2, channel);
}

/* All but one row are 0. */
static inline double fill_one_row(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)channel;
    double value = draw_normal(state) * filling->unit;
    return row == filling->special_row ? value : 0;
}

/* One row, possibly far away, is 40 times as large as the others. */
static inline double fill_peak(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)channel;
    return fabs(draw_normal(state)) * (row == filling->special_row ? 40 : 1);
}

/* Far keys' rows are larger, near keys' smaller, by up to 2^12. */
static inline double fill_growing(uint64_t *state, const struct filling *filling, int64_t row, int channel)
{
    (void)channel;
    return draw_normal(state) * exp2(-12 * (double)row / (double)filling->num_rows);
}

struct filling_kind {
    const char *name;
    double (*element)(uint64_t *state, const struct filling *filling, int64_t row, int channel);
    int odds;
};

static const struct filling_kind filling_kinds[] = {
    {"normal", fill_normal, 6},
    {"scaled", fill_scaled, 3},
    {"wide", fill_wide, 1},
    {"constant", fill_constant, 1},
    {"limits", fill_limits, 1},
    {"subnormal", fill_subnormal, 1},
    {"outlier", fill_outlier_channel, 1},
    {"sparse", fill_sparse, 1},
    {"zero-channels", fill_zero_channels, 1},
    {"three-rows", fill_three_rows, 1},
    {"opposite", fill_opposite, 1},
    {"one-row", fill_one_row, 1},
    {"peak", fill_peak, 1},
    {"growing", fill_growing, 1},
};
enum { FILLING_KINDS = sizeof filling_kinds / sizeof filling_kinds[0] };

static inline const struct filling_kind *draw_filling_kind(uint64_t *state)
{
    int sum = 0;
    for (int i = 0; i < FILLING_KINDS; i++)
        sum += filling_kinds[i].odds;
    int left = draw_below(state, sum), kind = 0;
    while (left >= filling_kinds[kind].odds)
        left -= filling_kinds[kind++].odds;
    return &filling_kinds[kind];
}

/* An array of num_rows x num_kv_heads x head_dim; finite values are kept finite by the dtype's largest. */
static inline void *draw_tensor(uint64_t *state, const struct filling_kind *kind, enum dtype dtype, int64_t num_rows,
                                int num_heads, int head_dim)
{
    static const int unit_exponents[] = {-20, -8, -2, 0, 2, 5, 8, 12, 20, 60};
    int row_len = num_heads * head_dim;
    double max = dtypes[dtype].max;
    struct filling filling = {.dtype = dtype, .num_rows = num_rows};
    filling.special_row = (int64_t)(draw_bits(state) % (uint64_t)num_rows);
    filling.special_channel = draw_below(state, row_len);
    filling.unit = ldexp(1, unit_exponents[draw_below(state, 10)]);
    filling.seed = draw_bits(state);
    char *tensor = malloc((size_t)num_rows * (size_t)row_len * dtypes[dtype].size_bytes);
    if (!tensor)
        abort();
    for (int64_t row = 0; row < num_rows; row++)
        for (int channel = 0; channel < row_len; channel++) {
            float value = (float)fmax(-max, fmin(max, kind->element(state, &filling, row, channel)));
            dtype_narrow(dtype, tensor, (size_t)(row * row_len + channel), 1, &value);
        }
    return tensor;
}

static inline float draw_scale(uint64_t *state, int head_dim)
{
    const double scales[] = {1 / sqrt(head_dim),
                             1,
                             -1 / sqrt(head_dim),
                             0,
                             0x1p-149,
                             0x1.8p-130,
                             0x1p-20,
                             0x1p20,
                             -0x1p30,
                             0x1p-60,
                             0x1p12,
                             0x1p4};
    int count = sizeof scales / sizeof scales[0], i = draw_below(state, 3 * count);
    return (float)scales[i < count ? i : 0];
}

static inline float draw_slope(uint64_t *state)
{
    double ordinary = exp2(-draw_between(state, -3, 8)), gentle = exp2(-draw_between(state, 8, 30));
    switch (draw_below(state, 16)) {
    case 0:
        return 0;
    case 1:
        return (float)-ordinary;
    case 2:
        return (float)-gentle;
    case 3:
        return (float)exp2(draw_between(state, -149, 40));
    case 4:
    case 5:
    case 6:
        return (float)gentle;
    case 7:
        return (float)exp2(-draw_below(state, 9));
    default:
        return (float)ordinary;
    }
}

/* A cache's scale: of ordinary calibrations, and of what no one should have written there. */
static inline float draw_cache_scale(uint64_t *state)
{
    static const float scales[] = {1, 0x1p-3f, 0x1p-149f, 0x1p20f, -0x1p-2f, 0, 0x1.8p100f, 0x1.fffffep-8f};
    enum { COUNT = sizeof scales / sizeof scales[0] };
    double ordinary = exp2(draw_between(state, -10, 2));
    int i = draw_below(state, 3 * COUNT);
    return i < COUNT ? scales[i] : (float)ordinary;
}

/* 0 as often as not. */
static inline int64_t draw_kv_offset(uint64_t *state)
{
    int64_t near = draw_below(state, 5000);
    const int64_t offsets[] = {1, near, -near, 1000000 + near, (INT64_C(1) << 53) + near, (INT64_C(1) << 60) - near};
    int count = sizeof offsets / sizeof offsets[0], i = draw_below(state, 2 * count);
    return i < count ? offsets[i] : 0;
}

static inline int64_t draw_position(uint64_t *state, int64_t seq_len)
{
    int64_t inside = (int64_t)(draw_bits(state) % (uint64_t)seq_len);
    const int64_t positions[] = {0,
                                 inside,
                                 inside,
                                 -1000 - inside,
                                 seq_len + 1000 + inside,
                                 -(INT64_C(1) << 31),
                                 INT64_C(1) << 31,
                                 (INT64_C(1) << 53) + inside,
                                 (INT64_C(1) << 60) + 1};
    int count = sizeof positions / sizeof positions[0], i = draw_below(state, 2 * count);
    return i < count ? positions[i] : seq_len - 1;
}

/* NULL for no mask. */
static inline uint8_t *draw_mask(uint64_t *state, int64_t seq_len, const char **name)
{
    static const char *const names[] = {"none", "random", "holes", "far", "nothing-visible", "one", "sparse"};
    int count = sizeof names / sizeof names[0], kind = draw_below(state, 2 * count);
    kind = kind < count ? kind : 0;
    *name = names[kind];
    if (kind == 0)
        return NULL;
    uint8_t *visible = malloc((size_t)seq_len);
    if (!visible)
        abort();
    int64_t hole = 1 + draw_below(state, 90), one = (int64_t)(draw_bits(state) % (uint64_t)seq_len);
    for (int64_t key = 0; key < seq_len; key++) {
        bool half = draw_below(state, 2) == 0, ninth = draw_below(state, 9) == 0;
        const bool by_kind[] = {true, half, key / hole % 2 == 0, key <= seq_len / 8, false, key == one, ninth};
        visible[key] = by_kind[kind];
    }
    return visible;
}

/* NaN or infinities at one to three places of a tensor. */
static inline void spoil(uint64_t *state, void *tensor, size_t count, enum dtype dtype)
{
    const float values[] = {NAN, INFINITY, -INFINITY};
    for (int i = 1 + draw_below(state, 3); i > 0; i--) {
        size_t place = (size_t)(draw_bits(state) % count);
        dtype_narrow(dtype, tensor, place, 1, &values[draw_below(state, 3)]);
    }
}

static inline int64_t draw_seq_len(uint64_t *state)
{
    static const int edges[] = {1, 2, 3, 16, 63, 64, 65, 127, 128, 129};
    switch (draw_below(state, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        return edges[draw_below(state, 10)];
    case 4:
        return 1000 + draw_below(state, 3000);
    default:
        return 1 + draw_below(state, 400);
    }
}

/* None as often as not; caps that nothing reaches, and some that all do. */
static inline void draw_soft_cap(uint64_t *state, struct problem *problem)
{
    static const double caps[] = {30, 50, 5, 1, 0x1p-10, 0x1p20, 1000};
    int where = draw_below(state, 2 * SOFT_CAP_COUNT);
    double cap = caps[draw_below(state, sizeof caps / sizeof caps[0])], factor = draw_between(state, 0.5, 1);
    if (where > SOFT_CAP_NONE && where < SOFT_CAP_COUNT) {
        problem->soft_cap = (enum soft_cap)where;
        problem->soft_cap_value = (float)(cap * factor);
    }
}

/* NULL for none: three times of four. */
static inline float *draw_sinks(uint64_t *state, int num_heads)
{
    static const double units[] = {1, 0, 30, 700, 1e5};
    double unit = units[draw_below(state, sizeof units / sizeof units[0])];
    float *sinks = draw_below(state, 4) ? NULL : malloc((size_t)num_heads * sizeof *sinks);
    for (int h = 0; h < num_heads && sinks; h++)
        sinks[h] = (float)(draw_normal(state) * unit);
    return sinks;
}

/* budget: most of seq_len x num_heads x head_dim. */
static inline void drawn_problem_init(struct drawn_problem *drawn, uint64_t seed, int64_t budget)
{
    static const int dims[] = {1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 64, 80, 100, 128, 255, 256};
    uint64_t state = seed;
    int64_t seq_len = draw_seq_len(&state);
    int head_dim = dims[draw_below(&state, 17)], num_kv_heads = 1 + draw_below(&state, 3);
    int num_heads = num_kv_heads * (1 + draw_below(&state, 3));
    while (head_dim > 1 && seq_len * num_heads * head_dim > budget)
        head_dim -= head_dim / 2;
    enum dtype dtype = (enum dtype)draw_below(&state, DTYPE_COUNT_WITH_FP8);
    enum kv_format kv_format = (enum kv_format)draw_below(&state, KV_FORMAT_COUNT);
    enum dtype kv_dtype = problem_kv_dtype(&(struct problem){.dtype = dtype, .kv_format = kv_format});
    const struct filling_kind *q_kind = draw_filling_kind(&state), *k_kind = draw_filling_kind(&state);
    const struct filling_kind *v_kind = draw_filling_kind(&state);
    const char *mask_name, *spoiled = "nothing";
    float *slopes = malloc((size_t)num_heads * sizeof *slopes);
    if (!slopes)
        abort();
    for (int h = 0; h < num_heads; h++)
        slopes[h] = draw_slope(&state);
    uint8_t *visible = draw_mask(&state, seq_len, &mask_name);
    void *q = draw_tensor(&state, q_kind, dtype, 1, num_heads, head_dim);
    void *k = draw_tensor(&state, k_kind, kv_dtype, seq_len, num_kv_heads, head_dim);
    void *v = draw_tensor(&state, v_kind, kv_dtype, seq_len, num_kv_heads, head_dim);
    size_t rows = (size_t)seq_len * (size_t)(num_kv_heads * head_dim);
    switch (draw_below(&state, 40)) {
    case 0:
        spoiled = "q";
        spoil(&state, q, (size_t)(num_heads * head_dim), dtype);
        break;
    case 1:
        spoiled = "k";
        spoil(&state, k, rows, kv_dtype);
        break;
    case 2:
    case 3:
        spoiled = "v";
        spoil(&state, v, rows, kv_dtype);
        break;
    default:
        break;
    }
    float scale = draw_scale(&state, head_dim);
    int64_t q_position = draw_position(&state, seq_len), kv_offset = draw_kv_offset(&state);
    if (draw_below(&state, 4))
        q_position += kv_offset; /* else the chunk lies wherever it lies */
    float k_scale = draw_cache_scale(&state), v_scale = draw_cache_scale(&state);
    *drawn = (struct drawn_problem){.problem = {.seq_len = seq_len,
                                                .num_heads = num_heads,
                                                .num_kv_heads = num_kv_heads,
                                                .head_dim = head_dim,
                                                .dtype = dtype,
                                                .kv_format = kv_format,
                                                .k_scale = k_scale,
                                                .v_scale = v_scale,
                                                .scale = scale,
                                                .q_position = q_position,
                                                .kv_offset = kv_offset,
                                                .slopes = slopes,
                                                .q = q,
                                                .k = k,
                                                .v = v,
                                                .visible = visible},
                                    .finite = spoiled[0] == 'n'};
    draw_soft_cap(&state, &drawn->problem);
    drawn->problem.sink_logits = draw_sinks(&state, num_heads);
    snprintf(drawn->text, sizeof drawn->text,
             "seed %llu: %lld keys, %d heads, %d KV heads, head_dim %d, %s, k and v %s (%a, %a), scale %a, "
             "q_position %lld, kv_offset %lld, slope[0] %a, "
             "q %s, k %s, v %s, mask %s, NaN or infinity in %s, soft cap %d of %a, sink[0] %a",
             (unsigned long long)seed, (long long)seq_len, num_heads, num_kv_heads, head_dim, dtypes[dtype].name,
             dtypes[kv_dtype].name, (double)k_scale, (double)v_scale, (double)scale, (long long)q_position,
             (long long)kv_offset, (double)slopes[0], q_kind->name, k_kind->name, v_kind->name, mask_name, spoiled,
             (int)drawn->problem.soft_cap, (double)drawn->problem.soft_cap_value,
             drawn->problem.sink_logits ? (double)drawn->problem.sink_logits[0] : -INFINITY);
}

static inline void drawn_problem_clear(struct drawn_problem *drawn)
{
    free((void *)drawn->problem.slopes);
    free((void *)drawn->problem.sink_logits);
    free((void *)drawn->problem.q);
    free((void *)drawn->problem.k);
    free((void *)drawn->problem.v);
    free((void *)drawn->problem.visible);
}

#endif
