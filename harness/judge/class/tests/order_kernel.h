/*
 * Attention in emulated arithmetic: a class's roundings and no others, in any order of operations that its bound has to
 * hold for. What a kernel does is drawn: orders of keys and of products, trees of additions, where maxima are taken and
 * states merged, what scales and bases enter where, how weights are divided. Errors of exponentials are as large as the
 * class allows, at random or all on one side. Every operation is one of f32, rounded to nearest, or of what the class
 * holds in fewer bits.
 */
#ifndef HARNESS_JUDGE_CLASS_TESTS_ORDER_KERNEL_H
#define HARNESS_JUDGE_CLASS_TESTS_ORDER_KERNEL_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/class/arithmetic_class.h"
#include "harness/judge/class/tests/order_problem.h"

/* In which keys come, and products of q.k. */
enum order_of_keys { KEYS_FORWARDS, KEYS_BACKWARDS, KEYS_RANDOM, KEYS_ASCENDING, KEYS_DESCENDING, KEYS_COUNT };

/* What is made of them. */
enum order_tree {
    TREE_ONLINE, /* one after the other, or a tile at a time, into one state */
    TREE_RANDOM, /* states of single keys, merged at random */
    TREE_PAIRS,  /* the same in pairs of equal size */
    TREE_CHUNKS, /* online within chunks, which are merged at once */
    TREE_KNOWN,  /* two passes: the maximum is known, and each sum has a tree of its own */
    TREE_COUNT
};

enum order_base { BASE_NATURAL, BASE_FOLDED, BASE_LOGIT, BASE_SCALED_APART, BASE_COUNT };
enum order_scale { SCALES_DOT, SCALES_QUERY, SCALES_SUM, SCALES_PRODUCT, SCALES_COUNT };
enum order_merge { MERGES_BY_MAX, MERGES_NORMALIZED, MERGES_BY_LSE, MERGES_COUNT };
enum order_errors { ERRORS_RANDOM, ERRORS_UP, ERRORS_APART, ERRORS_COUNT };

struct order_kernel {
    class_set set;
    enum order_of_keys keys, products;
    enum order_tree tree;
    enum order_base base;
    enum order_scale scale;
    enum order_merge merge;
    enum order_errors errors;
    int tile, chunk;
    bool fused, fused_dot, narrow_in_sum, probabilities, sink_first, reciprocal, scaled_k;
    uint64_t seed;
};

static const char *const order_keys_names[KEYS_COUNT] = {"forwards", "backwards", "at random", "ascending",
                                                         "descending"};
static const char *const order_tree_names[TREE_COUNT] = {"online", "random tree", "pairs", "chunks", "known maximum"};

static inline bool order_has(const struct order_kernel *kernel, enum class_rounding rounding)
{
    return class_closed(kernel->set) >> rounding & 1;
}

static inline struct order_kernel order_kernel_draw(uint64_t seed, class_set set)
{
    uint64_t state = seed * UINT64_C(0xd1342543de82ef95) + 11;
    struct order_kernel kernel = {.set = set};
    kernel.keys = (enum order_of_keys)draw_below(&state, KEYS_COUNT);
    kernel.products = (enum order_of_keys)draw_below(&state, KEYS_COUNT);
    kernel.tree = (enum order_tree)draw_below(&state, TREE_COUNT);
    kernel.base = (enum order_base)draw_below(&state, BASE_COUNT);
    kernel.scale = (enum order_scale)draw_below(&state, SCALES_COUNT);
    kernel.merge = (enum order_merge)draw_below(&state, MERGES_COUNT);
    kernel.errors = (enum order_errors)draw_below(&state, ERRORS_COUNT);
    kernel.tile = draw_below(&state, 2) ? 1 : 1 + draw_below(&state, 64);
    kernel.chunk = draw_below(&state, 2) ? 1 + draw_below(&state, 32) : 1 + draw_below(&state, 1000);
    int choices = draw_below(&state, 128);
    kernel.fused = choices & 1;
    kernel.fused_dot = choices & 2;
    kernel.narrow_in_sum = choices & 4;
    kernel.probabilities = (choices & 8) && kernel.tree == TREE_KNOWN;
    kernel.sink_first = choices & 16;
    kernel.reciprocal = choices & 32;
    kernel.scaled_k = choices & 64;
    kernel.seed = draw_bits(&state);
    return kernel;
}

/* A head at work. */
struct order_work {
    const struct order_kernel *kernel;
    const struct problem *problem; /* of one query */
    int head, kv_head, dim;
    enum dtype narrow;
    uint64_t state;     /* of what is drawn on the way */
    float query[256];   /* scaled, if it is */
    float scale, slope; /* as the logit's form takes them */
    float log2_e;       /* what differences are multiplied by before 2^x, or 1 */
    int64_t *keys;      /* [visible] in their order */
    int64_t num_keys;
    float *logits;        /* [N] */
    const double *target; /* [D] the exact output: errors on one side */
};

struct order_state {
    float max, sum;
    float *out; /* [D] */
};

static inline float order_narrowed(const struct order_work *work, enum class_rounding rounding, float x)
{
    return order_has(work->kernel, rounding) ? dtype_round(work->narrow, x) : x;
}

/* Sums, and what is added to them. */
static inline float order_kept(const struct order_work *work, float x)
{
    return order_narrowed(work, CLASS_SUMS16, x);
}

static inline float order_fma(const struct order_work *work, float a, float b, float c)
{
    if (work->kernel->fused)
        return order_kept(work, fmaf(a, b, c));
    float product = order_kept(work, a * b);
    return order_kept(work, product + c);
}

/* e^x or 2^x, off by nearly 2^-21. side: of the error, where it is not drawn. */
static inline float order_exp(struct order_work *work, float x, int side)
{
    if (x == 0)
        return 1;
    double exact = work->kernel->base == BASE_NATURAL ? exp((double)x) : exp2((double)x);
    double error = 0x1.fp-22 * draw_between(&work->state, -1, 1);
    if (work->kernel->errors != ERRORS_RANDOM)
        error = 0x1.fp-22 * side;
    return exact < 0x1p-126 ? 0 : (float)(exact * (1 + error));
}

/* The weight of a logit against a maximum. */
static inline float order_factor(struct order_work *work, float from, float to, int side)
{
    if (work->kernel->base == BASE_SCALED_APART)
        return order_exp(work, (from - to) * work->log2_e, side);
    return order_exp(work, from - to, side);
}

static inline float order_weight(struct order_work *work, float logit, float max, int side)
{
    if (logit == max)
        return 1;
    if (work->kernel->base == BASE_SCALED_APART) { /* FlashAttention-2: the maximum is scaled on its own */
        float scaled = max * work->log2_e;
        return order_exp(work, fmaf(logit, work->log2_e, -scaled), side);
    }
    return order_factor(work, logit, max, side);
}

/* Which side an error of a key's weight is on: up, or where it drives element 0 away. */
static inline int order_side(const struct order_work *work, int64_t key)
{
    float value;
    const struct problem *problem = work->problem;
    if (work->kernel->errors != ERRORS_APART)
        return 1;
    dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, work->kv_head), 1, &value);
    return (double)value * problem_value_scale(problem) > work->target[0] ? 1 : -1;
}

/* ---- logits --------------------------------------------------------------------------------------------------------
 */

struct order_keyed {
    double by;
    int64_t index;
};

static inline int order_compare(const void *left, const void *right)
{
    const struct order_keyed *a = left, *b = right;
    return a->by != b->by ? (a->by > b->by) - (a->by < b->by) : (a->index > b->index) - (a->index < b->index);
}

/* Indices of an order; by[i]: what ascends. */
static inline void order_sort(struct order_keyed *keyed, int64_t count, enum order_of_keys order, uint64_t *state)
{
    for (int64_t i = 0; i < count; i++) {
        double random = draw_between(state, 0, 1);
        if (order == KEYS_FORWARDS || order == KEYS_BACKWARDS)
            keyed[i].by = (double)i;
        if (order == KEYS_RANDOM)
            keyed[i].by = random;
        if (order == KEYS_BACKWARDS || order == KEYS_DESCENDING)
            keyed[i].by = -keyed[i].by;
    }
    qsort(keyed, (size_t)count, sizeof *keyed, order_compare);
}

/* q.k of what query and k are held as. */
static inline float order_dot(struct order_work *work, const float *k)
{
    struct order_keyed keyed[256];
    float sum = 0;
    for (int i = 0; i < work->dim; i++)
        keyed[i] = (struct order_keyed){(double)work->query[i] * (double)k[i], i};
    order_sort(keyed, work->dim, work->kernel->products, &work->state);
    if (work->kernel->products == KEYS_RANDOM) { /* and in pairs */
        float terms[256];
        for (int i = 0; i < work->dim; i++)
            terms[i] = work->query[keyed[i].index] * k[keyed[i].index];
        for (int count = work->dim; count > 1; count = (count + 1) / 2)
            for (int i = 0; i < count / 2; i++) {
                terms[i] += terms[count - 1 - i];
            }
        return terms[0];
    }
    for (int i = 0; i < work->dim; i++) {
        float a = work->query[keyed[i].index], b = k[keyed[i].index];
        sum = work->kernel->fused_dot ? fmaf(a, b, sum) : a * b + sum;
    }
    return sum;
}

/* Not beneath a soft cap, which a constant in all logits would change. */
static inline bool order_absolute(const struct order_work *work)
{
    return order_has(work->kernel, CLASS_ABSOLUTE_BIAS) && work->problem->soft_cap != SOFT_CAP_AFTER_BIAS;
}

static inline float order_bias(const struct order_work *work, int64_t key)
{
    bool absolute = order_absolute(work);
    int64_t position = absolute ? work->problem->kv_offset + key : problem_distance(work->problem, key);
    float held = order_narrowed(work, CLASS_BIAS16, (float)position);
    return order_narrowed(work, CLASS_BIAS16, work->slope * held);
}

static inline float order_logit(struct order_work *work, int64_t key)
{
    const struct order_kernel *kernel = work->kernel;
    const struct problem *problem = work->problem;
    float k[256], cap = problem->soft_cap_value, log2_e = (float)M_LOG2E,
                  base = kernel->base == BASE_FOLDED ? log2_e : 1;
    dtype_widen(problem_kv_dtype(problem), problem->k, problem_row(problem, key, work->kv_head), (size_t)work->dim, k);
    for (int i = 0; i < work->dim; i++) {
        if (kernel->scaled_k && problem->kv_format != KV_AS_DTYPE)
            k[i] *= problem->k_scale;
        k[i] = order_narrowed(work, CLASS_QUERY16, k[i]);
    }
    float dot = order_narrowed(work, CLASS_LOGITS16, order_dot(work, k)), bias = order_bias(work, key), logit;
    bool product = kernel->scale == SCALES_PRODUCT || problem->soft_cap == SOFT_CAP_BEFORE_BIAS;
    if (product && kernel->scale != SCALES_QUERY)
        dot = order_narrowed(work, CLASS_LOGITS16, dot * work->scale);
    if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS) {
        float capped = tanhf(dot / cap) * (cap * base);
        logit = order_narrowed(work, CLASS_LOGITS16, capped) + bias;
    } else if (kernel->scale == SCALES_DOT) {
        logit = fmaf(dot, work->scale, bias);
    } else if (kernel->scale == SCALES_SUM) {
        logit = (dot + bias) * work->scale;
    } else {
        logit = dot + bias;
    }
    if (problem->soft_cap == SOFT_CAP_AFTER_BIAS)
        logit = tanhf(logit / (cap * base)) * (cap * base);
    logit = order_narrowed(work, CLASS_LOGITS16, logit);
    return kernel->base == BASE_LOGIT ? logit * log2_e : logit;
}

/* Scale, slope and query as the kernel has them. */
static inline void order_begin(struct order_work *work)
{
    const struct order_kernel *kernel = work->kernel;
    const struct problem *problem = work->problem;
    bool fp8 = problem->kv_format != KV_AS_DTYPE, capped = problem->soft_cap == SOFT_CAP_BEFORE_BIAS;
    float log2_e = (float)M_LOG2E, scale = problem->scale, slope = problem->slopes[work->head];
    scale = order_narrowed(work, CLASS_QUERY16, scale);
    if (fp8 && !kernel->scaled_k)
        scale *= problem->k_scale;
    slope = order_narrowed(work, CLASS_BIAS16, slope);
    if (kernel->scale == SCALES_SUM && !capped)
        slope /= scale;
    else if (kernel->base == BASE_FOLDED)
        slope *= log2_e;
    if (kernel->base == BASE_FOLDED && !capped)
        scale *= log2_e;
    work->scale = scale;
    work->slope = slope;
    work->log2_e = kernel->base == BASE_SCALED_APART ? log2_e : 1;
    dtype_widen(problem->dtype, problem->q, (size_t)(work->head * work->dim), (size_t)work->dim, work->query);
    for (int i = 0; i < work->dim; i++) {
        if (kernel->scale == SCALES_QUERY)
            work->query[i] *= scale;
        work->query[i] = order_narrowed(work, CLASS_QUERY16, work->query[i]);
    }
}

/* Whether a kernel as drawn is one of its class: what the table of class_rounding.c does not have is left out. */
static inline void order_kernel_fit(struct order_kernel *kernel, const struct problem *problem)
{
    if (order_has(kernel, CLASS_BIAS16) || order_has(kernel, CLASS_LOGITS16) || order_has(kernel, CLASS_QUERY16)) {
        if (kernel->scale == SCALES_SUM)
            kernel->scale = SCALES_PRODUCT; /* 16 bits hold natural logits and biases */
        if (kernel->base == BASE_FOLDED)
            kernel->base = BASE_NATURAL;
    }
    if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS && kernel->scale == SCALES_SUM)
        kernel->scale = SCALES_PRODUCT;
}

/* ---- states --------------------------------------------------------------------------------------------------------
 */

static inline float *order_value_row(const struct order_work *work, int64_t key, float *row)
{
    const struct problem *problem = work->problem;
    dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, work->kv_head), (size_t)work->dim,
                row);
    if (problem->kv_format != KV_AS_DTYPE && work->kernel->scaled_k)
        for (int d = 0; d < work->dim; d++)
            row[d] *= problem->v_scale;
    return row;
}

/* A weight before it meets v; probabilities are small, and scaled for e4m3. */
static inline float order_rounded_weight(const struct order_work *work, float weight)
{
    float scale = work->kernel->probabilities ? 256 : 1;
    if (order_has(work->kernel, CLASS_WEIGHTS8))
        return dtype_round(DTYPE_E4M3, weight * scale) / scale;
    return order_narrowed(work, CLASS_WEIGHTS16, weight);
}

/* Adds a key's weight against the state's maximum. */
static inline void order_add(struct order_work *work, struct order_state *state, int64_t key)
{
    float row[256], weight = order_weight(work, work->logits[key], state->max, order_side(work, key));
    float rounded = order_rounded_weight(work, weight);
    order_value_row(work, key, row);
    state->sum = order_kept(work, state->sum + (work->kernel->narrow_in_sum ? rounded : weight));
    for (int d = 0; d < work->dim; d++)
        state->out[d] = order_fma(work, rounded, row[d], state->out[d]);
}

static inline void order_rescale(struct order_work *work, struct order_state *state, float max)
{
    if (max == state->max)
        return;
    float factor = state->max == -INFINITY ? 0 : order_factor(work, state->max, max, 1);
    state->sum = order_kept(work, state->sum * factor);
    for (int d = 0; d < work->dim; d++)
        state->out[d] = order_kept(work, state->out[d] * factor);
    state->max = max;
}

static inline void order_clear(const struct order_work *work, struct order_state *state)
{
    state->max = -INFINITY;
    state->sum = 0;
    memset(state->out, 0, (size_t)work->dim * sizeof(float));
}

/* Takes keys[first, last) online. */
static inline void order_online(struct order_work *work, struct order_state *state, int64_t first, int64_t last)
{
    for (int64_t tile = first; tile < last; tile += work->kernel->tile) {
        int64_t end = tile + work->kernel->tile < last ? tile + work->kernel->tile : last;
        float max = state->max;
        for (int64_t i = tile; i < end; i++)
            max = fmaxf(max, work->logits[work->keys[i]]);
        order_rescale(work, state, max);
        for (int64_t i = tile; i < end; i++)
            order_add(work, state, work->keys[i]);
    }
}

/* Adds another state, and leaves it as scratch. */
static inline void order_merge(struct order_work *work, struct order_state *state, struct order_state *other)
{
    float max = fmaxf(state->max, other->max);
    order_rescale(work, state, max);
    order_rescale(work, other, max);
    state->sum = order_kept(work, state->sum + other->sum);
    for (int d = 0; d < work->dim; d++)
        state->out[d] = order_kept(work, state->out[d] + other->out[d]);
}

/* keys[first, last) as a tree; states: one for each level. */
static inline void order_tree_of(struct order_work *work, struct order_state *state, int64_t first, int64_t last,
                                 bool pairs)
{
    float *room = malloc((size_t)work->dim * sizeof(float));
    struct order_state other = {.out = room};
    if (!room)
        abort();
    int64_t count = last - first;
    if (count == 1) {
        order_clear(work, state);
        state->max = work->logits[work->keys[first]];
        order_add(work, state, work->keys[first]);
    } else {
        int64_t cut = first + (pairs ? count / 2 : 1 + (int64_t)(draw_bits(&work->state) % (uint64_t)(count - 1)));
        if (!pairs && count > 64 && draw_below(&work->state, 2)) /* not too deep */
            cut = first + count / 2;
        order_tree_of(work, state, first, cut, pairs);
        order_tree_of(work, &other, cut, last, pairs);
        order_merge(work, state, &other);
    }
    free(room);
}

/* In the units of logits. */
static inline float order_log(const struct order_work *work, float sum)
{
    float logarithm = (float)log((double)sum);
    if (work->kernel->base == BASE_NATURAL || work->kernel->base == BASE_SCALED_APART)
        return logarithm;
    return log2f(sum);
}

static inline float order_divided(const struct order_work *work, float out, float sum)
{
    if (!work->kernel->reciprocal)
        return out / sum;
    float reciprocal = (float)(1 / (double)sum);
    return out * nextafterf(reciprocal, 2 * reciprocal);
}

/* The lse of a state, and its factor against another one. */
static inline float order_state_lse(const struct order_work *work, const struct order_state *state)
{
    return state->max + order_log(work, state->sum);
}

/* Chunks, each online, merged at once. */
static inline void order_chunks(struct order_work *work, struct order_state *state)
{
    const struct order_kernel *kernel = work->kernel;
    int64_t chunks = (work->num_keys + kernel->chunk - 1) / kernel->chunk;
    struct order_state *parts = calloc((size_t)chunks, sizeof *parts);
    float *room = malloc((size_t)(chunks * work->dim) * sizeof(float)), max = -INFINITY, largest_lse = -INFINITY;
    if (!parts || !room)
        abort();
    for (int64_t c = 0; c < chunks; c++) {
        int64_t end = (c + 1) * kernel->chunk < work->num_keys ? (c + 1) * kernel->chunk : work->num_keys;
        struct order_state *part = &parts[c];
        part->out = room + c * work->dim;
        order_clear(work, part);
        order_online(work, part, c * kernel->chunk, end);
        for (int d = 0; d < work->dim; d++) {
            if (kernel->merge != MERGES_BY_MAX)
                part->out[d] = order_divided(work, part->out[d], part->sum);
            part->out[d] = order_narrowed(work, CLASS_PARTIALS16, part->out[d]);
        }
        max = fmaxf(max, part->max);
        largest_lse = fmaxf(largest_lse, order_state_lse(work, part));
    }
    order_clear(work, state);
    state->max = kernel->merge == MERGES_BY_LSE ? largest_lse : max;
    for (int64_t c = 0; c < chunks; c++) {
        struct order_state *part = &parts[c];
        float factor = order_factor(work, kernel->merge == MERGES_BY_LSE ? order_state_lse(work, part) : part->max,
                                    state->max, c % 2 ? 1 : -1);
        if (kernel->merge == MERGES_NORMALIZED)
            factor *= part->sum;
        float of_sum = kernel->merge == MERGES_BY_MAX ? part->sum * factor : factor;
        state->sum = order_kept(work, state->sum + order_kept(work, of_sum));
        for (int d = 0; d < work->dim; d++)
            state->out[d] = order_fma(work, part->out[d], factor, state->out[d]);
    }
    free(parts);
    free(room);
}

/* Sums of terms[count] in a tree of its own: a chain in some order, or pairs. */
static inline float order_sum(struct order_work *work, float *terms, int64_t count, int kind)
{
    if (kind == 0) {
        float sum = 0;
        for (int64_t i = 0; i < count; i++)
            sum = order_kept(work, sum + terms[i]);
        return sum;
    }
    if (kind == 1) {
        float sum = 0;
        for (int64_t i = count; i-- > 0;)
            sum = order_kept(work, sum + terms[i]);
        return sum;
    }
    for (; count > 1; count = (count + 1) / 2)
        for (int64_t i = 0; i < count / 2; i++)
            terms[i] = order_kept(work, terms[i] + terms[count - 1 - i]);
    return terms[0];
}

/* The maximum is known; weights are made anew for each sum. */
static inline void order_known(struct order_work *work, struct order_state *state)
{
    const struct order_kernel *kernel = work->kernel;
    float *terms = malloc((size_t)work->num_keys * sizeof(float)),
          *weights = malloc((size_t)work->num_keys * sizeof(float));
    float row[256];
    if (!terms || !weights)
        abort();
    order_clear(work, state);
    for (int64_t i = 0; i < work->num_keys; i++)
        state->max = fmaxf(state->max, work->logits[work->keys[i]]);
    for (int64_t i = 0; i < work->num_keys; i++) {
        float weight = order_weight(work, work->logits[work->keys[i]], state->max, 1);
        terms[i] = weights[i] = weight;
        if (kernel->narrow_in_sum && !kernel->probabilities)
            terms[i] = weights[i] = order_rounded_weight(work, weight);
    }
    state->sum = order_sum(work, terms, work->num_keys, draw_below(&work->state, 3));
    for (int64_t i = 0; i < work->num_keys; i++) {
        if (kernel->narrow_in_sum && !kernel->probabilities)
            continue;
        float weight = order_weight(work, work->logits[work->keys[i]], state->max, order_side(work, work->keys[i]));
        if (kernel->probabilities)
            weight = order_divided(work, weight, state->sum);
        weights[i] = order_rounded_weight(work, weight);
    }
    int kind = draw_below(&work->state, 3);
    for (int d = 0; d < work->dim; d++) {
        for (int64_t i = 0; i < work->num_keys; i++)
            terms[i] = order_kept(work, weights[i] * order_value_row(work, work->keys[i], row)[d]);
        state->out[d] = order_sum(work, terms, work->num_keys, kind);
    }
    free(terms);
    free(weights);
}

/* slope * P taken off the maximum of absolute biases. */
static inline void order_relative(const struct order_work *work, struct order_state *state)
{
    if (!order_absolute(work))
        return;
    float slope = work->problem->slopes[work->head], log2_e = (float)M_LOG2E;
    if (work->kernel->base == BASE_FOLDED || work->kernel->base == BASE_LOGIT)
        slope *= log2_e;
    state->max -= slope * (float)work->problem->q_position;
}

static inline float order_sink(const struct order_work *work)
{
    bool base_2 = work->kernel->base == BASE_FOLDED || work->kernel->base == BASE_LOGIT;
    return work->problem->sink_logits[work->head] * (base_2 ? (float)M_LOG2E : 1);
}

static inline void order_take_sink(struct order_work *work, struct order_state *state, bool divided)
{
    float sink = order_sink(work), max = fmaxf(state->max, sink), before = state->sum;
    float factor = order_factor(work, state->max, max, 1), weight = order_weight(work, sink, max, -1);
    float kept = order_kept(work, before * factor);
    state->sum = order_kept(work, kept + weight);
    for (int d = 0; d < work->dim; d++)
        state->out[d] = divided ? state->out[d] * (kept / state->sum) : order_kept(work, state->out[d] * factor);
    state->max = max;
}

/* out[D] and lse of a head. */
static inline void order_head(float *out, float *lse, struct order_work *work)
{
    const struct order_kernel *kernel = work->kernel;
    const struct problem *problem = work->problem;
    struct order_state state = {.out = out};
    order_clear(work, &state);
    bool sink_first = problem->sink_logits && kernel->sink_first && kernel->tree == TREE_ONLINE &&
                      !order_absolute(work) && kernel->base != BASE_SCALED_APART;
    if (sink_first) {
        state.max = order_sink(work);
        state.sum = 1;
    }
    if (work->num_keys > 0) {
        if (kernel->tree == TREE_ONLINE)
            order_online(work, &state, 0, work->num_keys);
        else if (kernel->tree == TREE_CHUNKS)
            order_chunks(work, &state);
        else if (kernel->tree == TREE_KNOWN)
            order_known(work, &state);
        else
            order_tree_of(work, &state, 0, work->num_keys, kernel->tree == TREE_PAIRS);
        order_relative(work, &state);
    }
    bool divided = kernel->probabilities && work->num_keys > 0;
    if (problem->sink_logits && !sink_first) {
        if (work->num_keys == 0) {
            state.max = order_sink(work);
            state.sum = 1;
        } else {
            order_take_sink(work, &state, divided);
        }
    }
    bool empty = state.sum == 0;
    bool to_v_scale = problem->kv_format != KV_AS_DTYPE && !kernel->scaled_k;
    for (int d = 0; d < work->dim; d++) {
        if (!empty && !divided)
            out[d] = order_divided(work, out[d], state.sum);
        if (to_v_scale)
            out[d] *= problem->v_scale;
    }
    bool base_2 = kernel->base == BASE_FOLDED || kernel->base == BASE_LOGIT;
    *lse = empty ? -INFINITY : order_state_lse(work, &state) * (base_2 ? (float)M_LN2 : 1);
}

/* out in the problem's dtype, lse[R]; target[R, D]: the exact output. */
static inline void order_kernel_run(const struct order_kernel *drawn, const struct problem *whole, void *out,
                                    float *lse, const double *target)
{
    struct order_kernel kernel = *drawn;
    int dim = whole->head_dim;
    size_t keys = (size_t)whole->seq_len + 1;
    struct order_work work = {.kernel = &kernel,
                              .dim = dim,
                              .narrow = whole->dtype == DTYPE_F16 ? DTYPE_F16 : DTYPE_BF16,
                              .keys = malloc(keys * sizeof(int64_t)),
                              .logits = malloc(keys * sizeof(float))};
    struct order_keyed *keyed = malloc(keys * sizeof *keyed);
    float row[256];
    if (!work.keys || !work.logits || !keyed)
        abort();
    order_kernel_fit(&kernel, whole);
    for (int r = 0; r < problem_rows(whole); r++) {
        const struct problem problem = problem_query(whole, r / whole->num_heads);
        work.problem = &problem;
        work.head = r % whole->num_heads;
        work.kv_head = problem_kv_head(&problem, work.head);
        work.state = kernel.seed + (uint64_t)r;
        work.target = target + (size_t)r * (size_t)dim;
        work.num_keys = 0;
        order_begin(&work);
        for (int64_t key = 0; key < problem.seq_len; key++)
            if (problem_visible(&problem, key)) {
                work.logits[key] = order_logit(&work, key);
                keyed[work.num_keys++] = (struct order_keyed){(double)work.logits[key], key};
            }
        order_sort(keyed, work.num_keys, kernel.keys, &work.state);
        for (int64_t i = 0; i < work.num_keys; i++)
            work.keys[i] = keyed[i].index;
        order_head(row, &lse[r], &work);
        dtype_narrow(whole->dtype, out, (size_t)r * (size_t)dim, (size_t)dim, row);
    }
    free(work.keys);
    free(work.logits);
    free(keyed);
}

#endif
