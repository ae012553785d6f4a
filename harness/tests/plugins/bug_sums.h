/* The two sums of weights, over keys in the order of a form. */
#ifndef HARNESS_TESTS_PLUGINS_BUG_SUMS_H
#define HARNESS_TESTS_PLUGINS_BUG_SUMS_H

#include "harness/tests/plugins/bug_keys.h"

static float start_of(void)
{
    return BUG == DISTANCE_F16 ? -1e38f
           : BUG == START_5E4  ? -5e4f * 0.6931472f
           : BUG == START_1E4  ? -1e4f
           : BUG == START_64   ? -64
                               : -INFINITY;
}

/* In double so that the sound forms share it; rounded where a form has f32. */
struct sums {
    double max, weights, values[1024];
};

static void begin(struct sums *sums, int dim, double max)
{
    *sums = (struct sums){.max = max};
    memset(sums->values, 0, (size_t)dim * sizeof *sums->values);
}

static double round_to_form(double number)
{
    return BUG == DOUBLES ? number : (float)number;
}

static double exponential(double x)
{
    return BUG == DOUBLES ? exp(x) : expf((float)x);
}

static double sum_of(double sum, double rescale, double more, bool of_values)
{
    if (BUG == SUM_BF16 && !of_values)
        return BF16((float)(sum * rescale + more));
    if (BUG == VALUES_F16 && of_values)
        return F16((float)(sum * rescale + more));
    return round_to_form(round_to_form(sum * rescale) + more);
}

static void raise(struct sums *sums, int dim, double max, bool of_lanes)
{
    const double rescale = sums->max == max ? 1 : exponential(sums->max - max);
    const bool merging = BUG == LANES_STAY && of_lanes;
    for (int i = 0; i < dim && BUG != VALUES_STAY && !merging; i++)
        sums->values[i] = round_to_form(sums->values[i] * rescale);
    if (BUG != WEIGHTS_STAY && !merging)
        sums->weights = round_to_form(sums->weights * rescale);
    sums->max = max;
}

/* An element of v as it meets its weight. */
static double value_of(const launch_t *launch, const row_t *v_row, int i)
{
    const float v = load_kv(v_row->elements, launch->kv_dtype, v_row->first + i);
    if (BUG == VALUES_AS_F16 && launch->kv_dtype == ALIBICHECK_KERNEL_BF16)
        return F16(v);
    if (BUG == SCALED_AS_F16 && launch->kv_dtype & FP8)
        return F16(v * launch->v_scale) / launch->v_scale;
    return v;
}

static void add(struct sums *sums, const struct row *row, int64_t key, double logit)
{
    const launch_t *launch = row->launch;
    if (logit > sums->max)
        raise(sums, launch->head_dim, logit, false);
    const double weight = exponential(logit - sums->max), used = BUG == NARROW ? F16((float)weight) : weight;
    const row_t v_row = place(row, key, 1);
    sums->weights = sum_of(sums->weights, 1, weight, false);
    for (int i = 0; i < launch->head_dim; i++) {
        sums->values[i] = sum_of(sums->values[i], 1, round_to_form(used * value_of(launch, &v_row, i)), true);
    }
}

static void merge(struct sums *into, const struct sums *from, int dim)
{
    if (from->weights == 0)
        return;
    if (from->max > into->max)
        raise(into, dim, from->max, true);
    const double factor = BUG == LANES_STAY ? 1 : exponential(from->max - into->max);
    into->weights = round_to_form(into->weights + from->weights * factor);
    for (int i = 0; i < dim; i++)
        into->values[i] = round_to_form(into->values[i] + from->values[i] * factor);
}

/* Whether a key is passed over since it scores so much less than the maximum so far. */
static bool is_quiet(const struct sums *sums, double logit)
{
    return (BUG == QUIET_PASSED_OVER && logit < sums->max - 6) || (BUG == QUIET_OF_10 && logit < sums->max - 10) ||
           (BUG == QUIET_OF_12 && logit < sums->max - 12);
}

/* Keys from first on, step apart. */
static void walk(struct sums *sums, const struct row *row, int64_t first, int64_t step, int64_t count)
{
    const float masked = BUG == MASKED_1E4 ? -1e4f : BUG == MASKED_1E5 ? -1e5f : -1e-9f;
    const bool replaces = BUG == MASKED_1E4 || BUG == MASKED_1E5 || BUG == MASKED_1E_9;
    bool any = false, any_of_tile = false;
    for (int64_t i = first; i < count; i += step) {
        const int64_t key = BUG == BACKWARD ? count - 1 - i : i;
        if (BUG == START_0 && i == 32 && !any)
            sums->max = 0;
        any |= sees(row, key);
        any_of_tile = (i % 64 > 0 && any_of_tile) || sees(row, key);
        if (BUG == MIDDLE_FROM_0 && i % 64 == 63 && !any_of_tile && sums->max < 0)
            raise(sums, row->launch->head_dim, 0, false);
        if (sees(row, key) && !is_quiet(sums, logit_of(row, key)))
            add(sums, row, key, logit_of(row, key));
        else if (BUG == MAX_OF_MASKED && key < row->sequence->seq_len && logit_of(row, key) > sums->max)
            raise(sums, row->launch->head_dim, logit_of(row, key), false);
        else if (replaces)
            add(sums, row, key, masked);
    }
}

static void find_maximum(struct sums *sums, const struct row *row, int64_t count)
{
    for (int64_t key = 0; key < count; key++)
        if (sees(row, key))
            sums->max = fmax(sums->max, logit_of(row, key));
}

/* Of all rows that a bug takes for one. */
static double maximum_to_begin_with(const struct row *row, int64_t count)
{
    const launch_t *launch = row->launch;
    struct sums common = {.max = BUG == MERGED_FROM_0 && is_long(row) ? 0 : start_of()};
    struct row other = *row;
    if (BUG == TWO_PASS)
        find_maximum(&common, row, count);
    for (other.head = 0; other.head < launch->num_heads && BUG == MAX_OF_HEADS; other.head++)
        find_maximum(&common, &other, count);
    for (int i = 0; i < launch->num_sequences && BUG == MAX_OF_BATCH; i++) {
        other.head = row->head;
        other.sequence = other.keys = &launch->sequences[i];
        find_maximum(&common, &other, other.sequence->seq_len - row->later);
    }
    return common.max;
}

static void add_up(struct sums *sums, const struct row *row, int64_t count)
{
    enum { STRIDE = 32 };
    static struct sums lanes[STRIDE];
    const int dim = row->launch->head_dim;
    begin(sums, dim, maximum_to_begin_with(row, count));
    if (BUG != LANES && BUG != LANES_STAY) {
        walk(sums, row, 0, 1, count);
        return;
    }
    for (int lane = 0; lane < STRIDE; lane++) {
        begin(&lanes[lane], dim, start_of());
        walk(&lanes[lane], row, lane, STRIDE, count);
        merge(sums, &lanes[lane], dim);
    }
}

#endif
