/* Weights and values added up in emulated arithmetic (order_kernel.h): states, and trees of them. */
#ifndef HARNESS_JUDGE_CLASS_TESTS_ORDER_STATE_H
#define HARNESS_JUDGE_CLASS_TESTS_ORDER_STATE_H

#include "harness/judge/class/tests/order_logit.h"

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

static inline bool order_on_tensor_cores(const struct order_work *work)
{
    return order_is_16_bits(work) && work->kernel->tensor_core_sums && order_has(work->kernel, CLASS_WEIGHTS16) &&
           !order_has(work->kernel, CLASS_WEIGHTS8) && !order_has(work->kernel, CLASS_SUMS16);
}

/* The same of a tile's keys, on tensor cores; the sum of weights, of which v is 1, too. */
static inline void order_add_tile(struct order_work *work, struct order_state *state, int64_t first, int64_t last)
{
    enum { MOST = 64 };
    float weights[MOST], values[MOST][256], column[MOST], ones[MOST];
    int count = (int)(last - first);
    for (int i = 0; i < count; i++) {
        int64_t key = work->keys[first + i];
        float weight = order_weight(work, work->logits[key], state->max, order_side(work, key));
        weights[i] = order_rounded_weight(work, weight);
        ones[i] = 1;
        order_value_row(work, key, values[i]);
        if (!work->kernel->narrow_in_sum)
            state->sum += weight;
    }
    if (work->kernel->narrow_in_sum)
        state->sum = order_fused(work, weights, ones, count, state->sum);
    for (int d = 0; d < work->dim; d++) {
        for (int i = 0; i < count; i++)
            column[i] = values[i][d];
        state->out[d] = order_fused(work, weights, column, count, state->out[d]);
    }
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
        if (order_on_tensor_cores(work)) {
            order_add_tile(work, state, tile, end);
            continue;
        }
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

/* One part of two, by their maxima or by their lse, which is a part of its own whose output is stored as theirs are. */
static inline void order_merge_parts(struct order_work *work, struct order_state *part, const struct order_state *other)
{
    const bool by_lse = work->kernel->merge == MERGES_BY_LSE, divided = work->kernel->merge != MERGES_BY_MAX;
    const float of_part = by_lse ? order_state_lse(work, part) : part->max,
                of_other = by_lse ? order_state_lse(work, other) : other->max, max = fmaxf(of_part, of_other);
    float factor = order_factor(work, of_part, max, 1), other_factor = order_factor(work, of_other, max, -1);
    if (work->kernel->merge == MERGES_NORMALIZED) {
        factor *= part->sum;
        other_factor *= other->sum;
    }
    part->sum = divided ? factor + other_factor : part->sum * factor + other->sum * other_factor;
    part->max = max;
    for (int d = 0; d < work->dim; d++) {
        float out = order_fma(work, other->out[d], other_factor, part->out[d] * factor);
        part->out[d] = order_narrowed(work, CLASS_PARTIALS16, divided ? order_divided(work, out, part->sum) : out);
    }
}

/* All levels but the last: pairs of neighbours. How many parts are left. */
static inline int64_t order_merge_levels(struct order_work *work, struct order_state *parts, int64_t count)
{
    for (int level = 1; level < work->kernel->levels && count > 1; level++) {
        for (int64_t pair = 0; pair < count / 2; pair++) {
            order_merge_parts(work, &parts[2 * pair], &parts[2 * pair + 1]);
            parts[pair] = parts[2 * pair];
        }
        if (count % 2)
            parts[count / 2] = parts[count - 1];
        count = (count + 1) / 2;
    }
    return count;
}

/* Chunks, each online, merged at once or at some levels. */
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
    }
    chunks = order_merge_levels(work, parts, chunks);
    for (int64_t c = 0; c < chunks; c++) {
        max = fmaxf(max, parts[c].max);
        largest_lse = fmaxf(largest_lse, order_state_lse(work, &parts[c]));
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

/* slope * P, rounded like a bias, taken off the maximum of absolute biases. */
static inline void order_relative(const struct order_work *work, struct order_state *state)
{
    if (!order_absolute(work))
        return;
    float slope = order_narrowed(work, CLASS_BIAS16, work->problem->slopes[work->head]), log2_e = (float)M_LOG2E;
    float position = order_narrowed(work, CLASS_BIAS16, (float)work->problem->q_position);
    bool base_2 = work->kernel->base == BASE_FOLDED || work->kernel->base == BASE_LOGIT;
    if (base_2 && !order_has(work->kernel, CLASS_BIAS16))
        slope *= log2_e;
    float shift = order_narrowed(work, CLASS_BIAS16, slope * position);
    state->max -= base_2 && order_has(work->kernel, CLASS_BIAS16) ? shift * log2_e : shift;
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

#endif
