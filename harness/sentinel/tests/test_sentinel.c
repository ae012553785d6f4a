#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "harness/case/recipe_library.h"
#include "harness/problem/generate.h"
#include "harness/sentinel/stand_ins.h"
#include "kernels/random/normal_quantile.h"

static struct stand_in_list stand_ins;

static const struct stand_in *find(const char *name)
{
    for (int i = 0; i < stand_ins.count; i++)
        if (!strcmp(stand_ins.rows[i].name, name))
            return &stand_ins.rows[i];
    fail_msg("no stand-in %s", name);
    return NULL;
}

static struct logit_range make_range(int num_heads, double max_bias, double dot_bound)
{
    struct logit_range range = {.dot_bound = dot_bound};
    logit_range_slopes(&range, num_heads, SLOPES_BLOOM, max_bias, 0, num_heads);
    return range;
}

/* The distances of published models at which the bias alone passes -1e4, -5e4 and -65504, base e: the ceiling of
 * value / slope, worked out with 40 digits. */
static void test_distances_of_models(void **state)
{
    (void)state;
    static const struct {
        int num_heads;
        double max_bias;
        int64_t distances[3];
    } rows[] = {
        {8, 8, {20000, 100000, 131008}}, {32, 8, {11893, 59461, 77898}}, {40, 8, {10906, 54526, 71433}},
        {56, 8, {10906, 54526, 71433}},  {64, 8, {10906, 54526, 71433}}, {112, 8, {10443, 52214, 68405}},
        {32, 16, {14143, 70711, 92637}},
    };
    static const char *const names[] = {"-1e4", "-5e4", "-65504 f16"};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct logit_range range = make_range(rows[r].num_heads, rows[r].max_bias, 0);
        for (int n = 0; n < 3; n++)
            assert_int_equal(stand_in_reached_from(find(names[n]), &range, BASE_E), rows[r].distances[n]);
    }
}

/* The first distance is one at which the logit is as low as the sentinel, and no earlier one is. */
static void test_reached_from_is_the_first(void **state)
{
    (void)state;
    for (int heads = 1; heads <= 40; heads++)
        for (int base = 0; base < BASE_COUNT; base++) {
            struct logit_range range = make_range(heads, 8, 12.5);
            const struct stand_in *stand_in = find("-5e4");
            int64_t distance = stand_in_reached_from(stand_in, &range, (enum logit_base)base);
            assert_true(distance > 0);
            assert_true(lowest_logit(&range, distance, (enum logit_base)base) <= -5e4);
            assert_true(lowest_logit(&range, distance - 1, (enum logit_base)base) > -5e4);
        }
}

static void test_lowest_logit_closed_form(void **state)
{
    (void)state;
    struct logit_range range = {.dot_bound = 16, .steepest_slope = 0.5};
    assert_true(lowest_logit(&range, 0, BASE_E) == -16);
    assert_true(lowest_logit(&range, 33000, BASE_E) == -16516);
    double base_2 = lowest_logit(&range, 33000, BASE_2);
    assert_true(base_2 <= -16516 * M_LOG2E && base_2 >= -16516 * M_LOG2E * (1 + 0x1p-50));
    assert_true(highest_logit(&range, 33001, BASE_E) == 16);
    range.bias = BIAS_ABSOLUTE;
    assert_true(lowest_logit(&range, 33000, BASE_E) == -16);
    assert_true(highest_logit(&range, 33001, BASE_E) == 16516);
}

/* Sums and products that doubles cannot hold go outward: compared with long double, whose error is 2^-11 of a step. */
static void test_bounds_are_rounded_outward(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 10000; i++) {
        double parts[3];
        for (int p = 0; p < 3; p++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            parts[p] = (double)(random >> 11) * 0x1p-53;
        }
        /* Alone, so that one rounding cannot hide behind the other: the score, the bias, both. */
        struct logit_range range = {.dot_bound = i % 3 == 0 ? 0 : parts[0] * 1000,
                                    .steepest_slope = i % 3 == 1 ? 0 : (double)(float)parts[1]};
        int64_t distance = (int64_t)(parts[2] * 0x1p45);
        long double exact = -((long double)range.dot_bound + (long double)range.steepest_slope * (long double)distance);
        long double log2_e = 1.44269504088896340736L;
        assert_true((long double)lowest_logit(&range, distance, BASE_E) <= exact * (1 - 0x1p-60L));
        assert_true((long double)lowest_logit(&range, distance, BASE_E) >= exact * (1 + 0x1p-50L));
        assert_true((long double)lowest_logit(&range, distance, BASE_2) <= exact * log2_e * (1 - 0x1p-60L));
        assert_true((long double)lowest_logit(&range, distance, BASE_2) >= exact * log2_e * (1 + 0x1p-49L));
    }
}

static void test_dot_bound(void **state)
{
    (void)state;
    assert_true(logit_dot_bound(0.125, 64, 2, 3, INFINITY, INFINITY) == 0.125 * 64 * 6);
    assert_true(logit_dot_bound(-0.125, 64, INFINITY, INFINITY, 5, 7) == 0.125 * 35);
    assert_true(logit_dot_bound(0.125, 64, 2, INFINITY, 5, 7) == 0.125 * 35);   /* the norm is less than 8 * 2 */
    assert_true(logit_dot_bound(0.125, 64, 0.5, INFINITY, 5, 7) == 0.125 * 28); /* and here it is not */
    assert_true(logit_dot_bound(1, 64, 0, 3, INFINITY, INFINITY) == 0);
    for (int head_dim = 1; head_dim <= 256; head_dim++) {
        double root_squared = logit_dot_bound(1, head_dim, 1, 1, INFINITY, INFINITY);
        assert_true(root_squared >= head_dim && root_squared <= head_dim * (1 + 0x1p-49));
    }
    double bound = logit_dot_bound(0.1, 128, 6.5, 6.5, INFINITY, INFINITY);
    assert_true(bound >= 0.1 * 128 * 42.25 && bound <= 0.1 * 128 * 42.25 * (1 + 0x1p-48));
}

/* The default bound: no element of the normal inputs is larger. */
static void test_normal_inputs_stay_below_the_default(void **state)
{
    (void)state;
    double largest = fabs((double)normal_quantile(0));
    assert_true(largest > 6.3 && largest < 6.35);
}

/* Nothing gets better with a greater length, a steeper slope, a larger q.k or a nearest key farther off. */
static void test_monotone(void **state)
{
    (void)state;
    struct logit_range base = make_range(32, 8, 100);
    for (int i = 0; i < stand_ins.count; i++) {
        enum standing previous = STANDING_SAFE;
        for (int64_t seq_len = 1; seq_len <= 1 << 21; seq_len *= 2) {
            enum standing standing = stand_in_standing(&stand_ins.rows[i], &base, seq_len);
            assert_true(standing >= previous);
            previous = standing;
        }
        previous = STANDING_SAFE;
        for (int64_t nearest = 0; nearest < 1 << 21; nearest = 2 * nearest + 1) {
            struct logit_range range = base;
            range.nearest_distance = nearest;
            enum standing standing = stand_in_standing(&stand_ins.rows[i], &range, 1 << 22);
            assert_true(standing >= previous);
            previous = standing;
        }
        if (!stand_in_finite(&stand_ins.rows[i]) || stand_ins.rows[i].value < -1e30)
            continue;
        struct logit_range steep = base, large = base;
        steep.steepest_slope *= 1.5;
        large.dot_bound *= 10;
        int64_t distance = stand_in_reached_from(&stand_ins.rows[i], &base, BASE_2);
        int64_t unsafe = stand_in_unsafe_from(&stand_ins.rows[i], &base);
        assert_true(stand_in_reached_from(&stand_ins.rows[i], &base, BASE_E) > distance);
        assert_true(stand_in_reached_from(&stand_ins.rows[i], &steep, BASE_2) < distance);
        assert_true(stand_in_reached_from(&stand_ins.rows[i], &large, BASE_2) < distance);
        assert_true(stand_in_unsafe_from(&stand_ins.rows[i], &steep) < unsafe);
        assert_true(stand_in_unsafe_from(&stand_ins.rows[i], &large) < unsafe);
    }
}

/* Reached is harmless while the newest key is visible, unsafe 126 binary orders before the row's maximum gets there. */
static void test_standings(void **state)
{
    (void)state;
    struct logit_range range = {.dot_bound = 0, .steepest_slope = 0x1p-10, .flattest_slope = 0x1p-10};
    const struct stand_in *stand_in = find("-5e4"); /* base 2 */
    int64_t reached = (int64_t)ceil(5e4 * M_LN2 * 1024), unsafe = (int64_t)floor((5e4 - 126) * M_LN2 * 1024) + 1;
    assert_int_equal(stand_in_standing(stand_in, &range, reached), STANDING_SAFE);
    assert_int_equal(stand_in_standing(stand_in, &range, reached + 1), STANDING_REACHED);
    assert_int_equal(stand_in_unsafe_from(stand_in, &range), unsafe);
    range.nearest_distance = unsafe - 1;
    assert_int_equal(stand_in_standing(stand_in, &range, INT64_C(1) << 30), STANDING_REACHED);
    range.nearest_distance = unsafe;
    assert_int_equal(stand_in_standing(stand_in, &range, INT64_C(1) << 30), STANDING_UNSAFE);

    /* Base e; scores take their bound from the row's maximum, and give it to a masked key they are added to. */
    range.dot_bound = 100;
    assert_int_equal(stand_in_unsafe_from(find("-1e4"), &range), (int64_t)floor((1e4 - 100 - 126 * M_LN2) * 1024) + 1);
    assert_int_equal(stand_in_unsafe_from(find("-1e4 added"), &range),
                     (int64_t)floor((1e4 - 200 - 126 * M_LN2) * 1024) + 1);
    range = (struct logit_range){.steepest_slope = 1, .flattest_slope = 1};

    static const struct {
        const char *name;
        enum standing visible, masked; /* newest key visible, far keys alone */
    } rows[] = {
        {"-1e4", STANDING_REACHED, STANDING_UNSAFE},        {"-1e4 added", STANDING_REACHED, STANDING_UNSAFE},
        {"-5e4", STANDING_REACHED, STANDING_UNSAFE},        {"-65504 f16", STANDING_REACHED, STANDING_UNSAFE},
        {"-FLT_MAX", STANDING_SAFE, STANDING_SAFE},         {"-0.7 FLT_MAX", STANDING_SAFE, STANDING_SAFE},
        {"-inf unguarded", STANDING_SAFE, STANDING_UNSAFE}, {"-inf guarded", STANDING_SAFE, STANDING_SAFE},
        {"adaptive", STANDING_SAFE, STANDING_SAFE},         {"exclude", STANDING_SAFE, STANDING_SAFE},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        range.nearest_distance = 0;
        range.masked = false;
        assert_int_equal(stand_in_standing(find(rows[r].name), &range, 1 << 20), rows[r].visible);
        range.nearest_distance = 1 << 19;
        range.masked = true;
        assert_int_equal(stand_in_standing(find(rows[r].name), &range, 1 << 20), rows[r].masked);
    }
}

/* A query before the newest key: keys ahead of it have biases above 0, and a window masks whole tiles of far keys. */
static void test_keys_that_masks_remove(void **state)
{
    (void)state;
    struct logit_range range = {.dot_bound = 10, .steepest_slope = 0.5, .flattest_slope = 0.5};
    const struct stand_in *added = find("-1e4 added"), *infinite = find("-inf unguarded");
    int64_t reach = (int64_t)floor((1e4 - 20 - 126 * M_LN2) * 2) + 1; /* a masked key so far ahead weighs something */
    range.keys_ahead = reach - 1;
    assert_int_equal(stand_in_standing(added, &range, 100), STANDING_SAFE);
    assert_true(stand_in_unsafe_from(added, &range) == 1);
    range.keys_ahead = reach;
    assert_int_equal(stand_in_standing(added, &range, 100), STANDING_UNSAFE);
    assert_true(stand_in_unsafe_from(added, &range) == 0);
    assert_int_equal(stand_in_standing(find("-1e4"), &range, 100), STANDING_SAFE);
    assert_true(highest_logit(&range, 100, BASE_E) == 10 + 0.5 * (double)reach);
    range.bias = BIAS_ABSOLUTE;
    range.first_position = 1000;
    assert_true(highest_logit(&range, 100, BASE_E) == 10 + 0.5 * (double)(1000 + 99 + reach));

    range = (struct logit_range){.steepest_slope = 0.5, .flattest_slope = 0.5, .nearest_distance = 100};
    assert_int_equal(stand_in_standing(infinite, &range, 1000), STANDING_SAFE); /* a far query, and every key visible */
    range.nearest_distance = 0;
    range.masked = true;
    assert_int_equal(stand_in_standing(infinite, &range, 1000), STANDING_UNSAFE);
    assert_true(stand_in_unsafe_from(infinite, &range) == 0);
}

/* Large negative q.k is enough: the newest key itself can be below the sentinel. */
static void test_large_scores_are_unsafe_without_masks(void **state)
{
    (void)state;
    struct logit_range range = make_range(32, 8, 1e4);
    assert_int_equal(stand_in_standing(find("-1e4"), &range, 1), STANDING_UNSAFE);
    assert_int_equal(stand_in_standing(find("-5e4"), &range, 1), STANDING_SAFE);
    assert_int_equal(stand_in_unsafe_from(find("-1e4"), &range), 0);
}

/* In the absolute form no bias is negative, and logits held in f16 overflow upwards from 65520 on. */
static void test_absolute_form(void **state)
{
    (void)state;
    struct logit_range range = {.dot_bound = 0, .steepest_slope = 0.5, .flattest_slope = 0.25, .bias = BIAS_ABSOLUTE};
    assert_int_equal(stand_in_reached_from(find("-1e4"), &range, BASE_E), DISTANCE_NEVER);
    assert_int_equal(stand_in_unsafe_from(find("-5e4"), &range), DISTANCE_NEVER);
    assert_int_equal(stand_in_standing(find("-65504 f16"), &range, 131040), STANDING_SAFE);
    assert_int_equal(stand_in_standing(find("-65504 f16"), &range, 131041), STANDING_UNSAFE);
    /* An added sentinel compares the same in both forms. */
    struct logit_range relative = range;
    relative.bias = BIAS_RELATIVE;
    assert_int_equal(stand_in_unsafe_from(find("-1e4 added"), &range),
                     stand_in_unsafe_from(find("-1e4 added"), &relative));
}

/* Products of f16 and sums of 64 of them are exact in double; the rest is long double. head_dim is 64. */
static long double logit_of(const struct problem *problem, int head, int64_t key, enum bias_form bias)
{
    float q[64], k[64];
    double dot = 0;
    dtype_widen(problem->dtype, problem->q, (size_t)head * 64, 64, q);
    dtype_widen(problem->dtype, problem->k, problem_row(problem, key, problem_kv_head(problem, head)), 64, k);
    for (int d = 0; d < 64; d++)
        dot += (double)q[d] * (double)k[d];
    int64_t distance = bias == BIAS_ABSOLUTE ? key : key - problem->q_position;
    return (long double)problem->scale * (long double)dot + (long double)problem->slopes[head] * (long double)distance;
}

/* What the tensors of a problem give, from their largest elements alone or with the norms of their rows. */
static struct logit_range range_of(const struct problem *problem, const struct problem_spec *spec, enum bias_form bias,
                                   bool with_norms)
{
    double bounds[2] = {0, 0}, norms[2] = {with_norms ? 0 : INFINITY, with_norms ? 0 : INFINITY};
    const void *tensors[] = {problem->q, problem->k};
    size_t rows[] = {(size_t)problem->num_heads, (size_t)(problem->seq_len * problem->num_kv_heads)};
    for (int t = 0; t < 2; t++)
        for (size_t row = 0; row < rows[t]; row++) {
            float elements[64];
            double sum = 0;
            dtype_widen(problem->dtype, tensors[t], row * 64, 64, elements);
            for (int d = 0; d < 64; d++) {
                bounds[t] = fmax(bounds[t], fabs((double)elements[d]));
                sum += (double)elements[d] * (double)elements[d];
            }
            norms[t] = fmax(norms[t], sqrt(sum) * (1 + 0x1p-50));
        }
    struct logit_range range = {
        .dot_bound = logit_dot_bound((double)spec->scale, spec->head_dim, bounds[0], bounds[1], norms[0], norms[1]),
        .bias = bias,
    };
    logit_range_slopes(&range, spec->num_heads, spec->slopes, spec->max_bias, spec->head_offset, spec->total_heads);
    return range;
}

/* No logit of a generated problem lies below the bound, nor a row's maximum over far keys; one by one. */
static void test_bounds_hold_on_problems(void **state)
{
    (void)state;
    static const enum distribution inputs[] = {DISTRIBUTION_NORMAL, DISTRIBUTION_UNIFORM, DISTRIBUTION_OUTLIERS};
    for (int trial = 0; trial < 12; trial++) {
        struct problem_spec spec = {
            .seq_len = 20 + 17 * trial,
            .num_heads = 1 + trial % 5,
            .num_kv_heads = 1,
            .head_dim = 64,
            .dtype = DTYPE_F16,
            .scale = trial % 2 ? 0.125f : -0.3f,
            .slopes = trial % 3 ? SLOPES_BLOOM : SLOPES_GEOMETRIC,
            .max_bias = 8,
            .head_offset = trial % 4,
            .total_heads = 1 + trial % 5 + trial % 4,
            .q_position = 20 + 17 * trial - 1,
            .input = input_spec_default,
            .seed = (uint64_t)trial,
        };
        spec.input.distribution = inputs[trial % 3];
        struct inputs made = {0};
        struct progress progress = {0};
        struct error error;
        assert_int_equal(inputs_generate(&made, &spec, whole_problem(&spec), 1, &progress, &error), 0);
        for (int bias = 0; bias < BIAS_NONE; bias++) {
            struct logit_range range = range_of(&made.problem, &spec, (enum bias_form)bias, true);
            range.nearest_distance = trial;
            for (int head = 0; head < spec.num_heads; head++) {
                long double maximum = -INFINITY;
                for (int64_t key = 0; key < spec.seq_len; key++) {
                    int64_t distance = spec.seq_len - 1 - key;
                    long double logit = logit_of(&made.problem, head, key, (enum bias_form)bias);
                    assert_true((long double)lowest_logit(&range, distance, BASE_E) <= logit);
                    assert_true((long double)highest_logit(&range, spec.seq_len, BASE_E) >= logit);
                    if (distance >= range.nearest_distance)
                        maximum = fmaxl(maximum, logit);
                }
                assert_true((long double)lowest_maximum(&range, BASE_E) <= maximum);
            }
        }
        inputs_clear(&made);
    }
}

/* Constant inputs and a negative scale reach the bound: it is the lowest logit itself. */
static void test_bound_is_attained(void **state)
{
    (void)state;
    struct problem_spec spec = {
        .seq_len = 300,
        .num_heads = 3,
        .num_kv_heads = 1,
        .head_dim = 64,
        .dtype = DTYPE_F16,
        .scale = -0.125f,
        .max_bias = 8,
        .total_heads = 3,
        .q_position = 299,
        .input = input_spec_default,
    };
    spec.input.distribution = DISTRIBUTION_CONSTANT;
    spec.input.value = 1.5;
    struct inputs made = {0};
    struct progress progress = {0};
    struct error error;
    assert_int_equal(inputs_generate(&made, &spec, whole_problem(&spec), 1, &progress, &error), 0);
    struct logit_range range = range_of(&made.problem, &spec, BIAS_RELATIVE, true);
    long double lowest = INFINITY;
    for (int head = 0; head < spec.num_heads; head++)
        for (int64_t key = 0; key < spec.seq_len; key++)
            lowest = fminl(lowest, logit_of(&made.problem, head, key, BIAS_RELATIVE));
    assert_true((long double)lowest_logit(&range, 299, BASE_E) <= lowest);
    assert_true((long double)lowest_logit(&range, 299, BASE_E) >= lowest * (1 + 0x1p-48L));
    inputs_clear(&made);
}

/* The adaptive value that the report gives for a problem's bounds is the one that the kernels run with. */
static void test_adaptive_value_is_that_of_the_kernels(void **state)
{
    (void)state;
    for (int trial = 0; trial < 8; trial++) {
        struct problem_spec spec = {
            .seq_len = 50 + 500 * trial,
            .num_heads = 4,
            .num_kv_heads = 1,
            .head_dim = 64,
            .dtype = DTYPE_F16,
            .scale = 0.125f,
            .max_bias = 8,
            .total_heads = 4,
            .q_position = 50 + 500 * trial - 1,
            .input = input_spec_default,
            .seed = (uint64_t)trial,
        };
        struct inputs made = {0};
        struct progress progress = {0};
        struct error error;
        assert_int_equal(inputs_generate(&made, &spec, whole_problem(&spec), 1, &progress, &error), 0);
        for (int bias = 0; bias < BIAS_NONE; bias++) {
            struct logit_range range = range_of(&made.problem, &spec, (enum bias_form)bias, false);
            float kernel, reported;
            assert_int_equal(
                adaptive_sentinel(&kernel, &made.problem, &(struct recipe){.bias = (enum bias_form)bias}, &error), 0);
            double lowest = lowest_logit(&range, spec.seq_len - 1, BASE_2);
            assert_int_equal(adaptive_sentinel_below(&reported, lowest, &error), 0);
            assert_true(kernel == reported);
            assert_true((double)reported <= lowest - 126);
        }
        inputs_clear(&made);
    }
}

static void test_adaptive_value_of_a_bound(void **state)
{
    (void)state;
    struct error error = {0};
    float value;
    assert_int_equal(adaptive_sentinel_below(&value, 0, &error), 0);
    assert_true(value == -160.0f);
    assert_int_equal(adaptive_sentinel_below(&value, -0x1p20, &error), 0); /* 2^-10 of it is more than 160 */
    assert_true(value == -0x1p20f - 0x1p10f);
    assert_int_equal(adaptive_sentinel_below(&value, -(double)FLT_MAX, &error), ERROR_SYSTEM);
    assert_int_equal(adaptive_sentinel_below(&value, -INFINITY, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "exclude"));
    struct logit_range range = {.dot_bound = 2e38, .steepest_slope = 1};
    assert_int_equal(stand_in_standing(find("adaptive"), &range, 1), STANDING_SAFE);
    range.dot_bound = 3e38; /* times log2(e) more than f32 holds */
    assert_int_equal(stand_in_standing(find("adaptive"), &range, 1), STANDING_UNSAFE);
    assert_int_equal(stand_in_standing(find("exclude"), &range, 1), STANDING_SAFE);
}

/* The numbers of every recipe in the library are those of the one row that describes it. */
static void test_every_recipe_of_the_library_has_its_row(void **state)
{
    (void)state;
    static const struct {
        const char *recipe, *row;
    } rows[] = {
        {"deepspeed-inference", "-1e4"},
        {"transformer-engine-fused-softmax", "-1e4"},
        {"fastertransformer-prefill", "-1e4 added"},
        {"onnx-runtime", "-1e4 added"},
        {"onnx-runtime-cpu", "-1e4 added"},
        {"flashinfer-to-2026", "-5e4"},
        {"tensorrt-llm-decode", "-FLT_MAX"},
        {"hf-bloom", "bf16 minimum"},
        {"hf-mpt", "bf16 minimum"},
        {"llm-foundry-mpt", "bf16 minimum"},
        {"onnx-runtime-attention-cpu", "-65504 f16"},
        {"ggml-flash-attention", "-FLT_MAX/2"},
        {"jax-pallas", "-0.7 FLT_MAX"},
        {"jax-xla", "-0.7 MAX nn"},
        {"jax-pallas-decode", "-0.7 MAX added"},
        {"mlx-cpu", "-inf unguarded"},
        {"pytorch-eager", "-inf unguarded"},
        {"vllm-triton-alibi-prefix", "-inf unguarded"},
        {"vllm-triton-unified-2025", "-inf, max 0"},
        {"flash-attention-2", "-inf guarded"},
        {"flashinfer", "-inf guarded"},
        {"pytorch-flash-cpu", "-inf guarded"},
        {"pytorch-flex-compiled-cpu", "-inf guarded"},
        {"pytorch-flex-eager", "-inf guarded"},
        {"pytorch-sdpa-math", "-inf guarded"},
        {"vllm-triton-unified", "-inf guarded"},
        {"sound-infinity", "-inf guarded"},
        {"sound-adaptive", "adaptive"},
        {"ctranslate2", "exclude"},
        {"default", "exclude"},
        {"fastertransformer-decode", "exclude"},
        {"ggml-cpu", "exclude"},
        {"mlx", "exclude"},
        {"sound-exclude", "exclude"},
        {"vllm-paged-v1", "exclude"},
        {"vllm-paged-v2", "exclude"},
    };
    assert_int_equal(recipe_library_count(), sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct recipe *recipe = &recipe_library_find(rows[i].recipe)->recipe;
        const struct stand_in *row = find(rows[i].row), known = stand_in_of(recipe);
        assert_int_equal(row->kind, known.kind);
        assert_int_equal(row->base, known.base);
        assert_true((float)row->value == (float)known.value);
        assert_true(strcmp(rows[i].row, "exclude") != 0 || recipe->sentinel.policy == SENTINEL_EXCLUDE);
    }
    for (int i = 0; i < stand_ins.count; i++)
        if (recipe_library_find(stand_ins.rows[i].name))
            fail_msg("%s is not described in stand_ins.c", stand_ins.rows[i].name);
}

/* Logits of the inputs' dtype: a minimum is that of the dtype that holds them, another number says nothing of it. */
static void test_a_minimum_says_what_holds_the_logits(void **state)
{
    (void)state;
    static const struct {
        float sentinel;
        enum dtype held_in;
    } cases[] = {{-0x1.ffcp15f, DTYPE_F16}, {-0x1.fep127f, DTYPE_BF16}, {-1e4f, DTYPE_F32}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct recipe recipe = {.sentinel = {SENTINEL_VALUE, cases[i].sentinel}, .logit_dtype = ROUND_INPUT};
        assert_int_equal(stand_in_of(&recipe).held_in, cases[i].held_in);
    }
    assert_int_equal(find("bf16 minimum")->held_in, DTYPE_BF16);
    assert_int_equal(find("-65504 f16")->held_in, DTYPE_F16);
}

/* A recipe that is not described has a row of its name, among those of its kind. */
static void test_a_recipe_without_description_has_a_row(void **state)
{
    (void)state;
    static const char text[] =
        "recipe: mine-finite\nabout: A.\nsource: B.\nsentinel: -123\nmasked_entry: add\nlog2e: exponential\n"
        "logit_dtype: f16\n---\nrecipe: mine-infinite\nabout: A.\nsource: B.\nsentinel: -inf\nguards: false\n"
        "initial_max: -inf\nempty_row: divide\n";
    struct stand_in_list with;
    struct error error;
    assert_int_equal(recipe_library_parse("test", text, sizeof text - 1, &error), ERROR_NONE);
    assert_int_equal(stand_ins_make(&with, &error), ERROR_NONE);
    assert_int_equal(with.count, stand_ins.count + 2);
    const struct stand_in *infinite = &with.rows[with.count - 1], *finite = NULL;
    for (int i = 0; i < with.count; i++) {
        assert_true(i == 0 || stand_in_finite(&with.rows[i - 1]) || !stand_in_finite(&with.rows[i]));
        if (!strcmp(with.rows[i].name, "mine-finite"))
            finite = &with.rows[i];
    }
    assert_non_null(finite);
    assert_int_equal(finite->kind, STAND_IN_ADDS);
    assert_true(finite->value == -123);
    assert_int_equal(finite->base, BASE_E);
    assert_int_equal(finite->held_in, DTYPE_F16);
    assert_string_equal(infinite->name, "mine-infinite");
    assert_int_equal(infinite->kind, STAND_IN_INFINITE);
    assert_string_equal(infinite->empty_row, "nan");
    stand_ins_clear(&with);
}

static int make_stand_ins(void **state)
{
    struct error error;
    (void)state;
    return stand_ins_make(&stand_ins, &error) != ERROR_NONE;
}

static int clear_stand_ins(void **state)
{
    (void)state;
    stand_ins_clear(&stand_ins);
    recipe_library_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances_of_models),
        cmocka_unit_test(test_reached_from_is_the_first),
        cmocka_unit_test(test_lowest_logit_closed_form),
        cmocka_unit_test(test_bounds_are_rounded_outward),
        cmocka_unit_test(test_dot_bound),
        cmocka_unit_test(test_normal_inputs_stay_below_the_default),
        cmocka_unit_test(test_monotone),
        cmocka_unit_test(test_standings),
        cmocka_unit_test(test_keys_that_masks_remove),
        cmocka_unit_test(test_large_scores_are_unsafe_without_masks),
        cmocka_unit_test(test_absolute_form),
        cmocka_unit_test(test_bounds_hold_on_problems),
        cmocka_unit_test(test_bound_is_attained),
        cmocka_unit_test(test_adaptive_value_is_that_of_the_kernels),
        cmocka_unit_test(test_adaptive_value_of_a_bound),
        cmocka_unit_test(test_every_recipe_of_the_library_has_its_row),
        cmocka_unit_test(test_a_minimum_says_what_holds_the_logits),
        cmocka_unit_test(test_a_recipe_without_description_has_a_row),
    };
    return cmocka_run_group_tests_name("sentinel", tests, make_stand_ins, clear_stand_ins) ? 1 : 0;
}
