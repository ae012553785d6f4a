/* What each distribution promises, whatever its parameters, dtypes and slopes. */
#include <float.h>
#include <math.h>

#include "harness/problem/tests/small_inputs.h"

static void outliers_are_the_same_channels_of_k_for_every_key(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec(DISTRIBUTION_OUTLIERS, DTYPE_F32);
    struct inputs inputs = {0};
    generate(&inputs, &spec);
    float *k = widened(&inputs, &spec, TENSOR_K), *k_plain = plain(&spec, TENSOR_K);
    float *v = widened(&inputs, &spec, TENSOR_V), *v_plain = plain(&spec, TENSOR_V);
    size_t row = key_elements(&spec);
    int different_sets = 0;
    for (size_t g = 0; g < 3; g++) {
        int large = 0;
        for (size_t d = 0; d < 80; d++) {
            bool outlier = k[g * 80 + d] != k_plain[g * 80 + d];
            large += outlier;
            different_sets += outlier && k[(g + 1) % 3 * 80 + d] == k_plain[(g + 1) % 3 * 80 + d];
            for (size_t j = 0; j < (size_t)spec.seq_len; j++) {
                size_t i = j * row + g * 80 + d;
                assert_true(k[i] == k_plain[i] * (outlier ? 30.0f : 1.0f));
            }
        }
        assert_int_equal(large, spec.input.channels);
    }
    assert_true(different_sets > 0);
    assert_memory_equal(v, v_plain, element_count(&spec, TENSOR_V) * sizeof *v);
    free(v_plain);
    free(v);
    free(k_plain);
    free(k);
    inputs_clear(&inputs);

    spec.input.channels = 1000; /* more than there are: all */
    generate(&inputs, &spec);
    k = widened(&inputs, &spec, TENSOR_K);
    k_plain = plain(&spec, TENSOR_K);
    for (size_t i = 0; i < element_count(&spec, TENSOR_K); i++)
        assert_true(k[i] == k_plain[i] * 30.0f);
    free(k_plain);
    free(k);
    inputs_clear(&inputs);
}

/* The residual of each pair against the bound stated at cancelling_shape, for odd and even numbers of keys. */
static void pairs_cancel_up_to_the_rounding_of_one_value(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        for (int64_t seq_len = 1; seq_len <= 6; seq_len++) {
            struct problem_spec spec = small_spec(DISTRIBUTION_CANCELLING, (enum dtype)dtype);
            spec.seq_len = seq_len;
            struct inputs inputs = {0};
            generate(&inputs, &spec);
            float *k = widened(&inputs, &spec, TENSOR_K), *v = widened(&inputs, &spec, TENSOR_V);
            float *v_plain = plain(&spec, TENSOR_V);
            size_t row = key_elements(&spec);
            for (size_t newer = (size_t)seq_len - 1; newer < (size_t)seq_len && newer > 0; newer -= 2)
                for (size_t c = 0; c < row; c++) {
                    double slope = (double)inputs.slopes[c / 80 * 2];
                    double v_newer = (double)v[newer * row + c], v_older = (double)v[(newer - 1) * row + c];
                    double bound = dtype_ulp(spec.dtype, v_newer) / 2 + 0x1p-23 * fabs(v_newer);
                    assert_true(k[newer * row + c] == k[(newer - 1) * row + c]);
                    assert_true(fabs(v_newer + exp(-slope) * v_older) <= bound * (1 + 0x1p-40));
                    assert_true(v_older == (double)v_plain[(newer - 1) * row + c]);
                }
            if (seq_len % 2 == 1)
                assert_memory_equal(v, v_plain, row * sizeof *v);
            free(v_plain);
            free(v);
            free(k);
            inputs_clear(&inputs);
        }
}

/* Slopes of their own reach the problem and what is made from slopes: pairs that cancel, also where v has to grow. */
static void slopes_can_be_given(void **state)
{
    (void)state;
    static const float slopes[] = {0.5f, 0.25f, -3, 0, -200, 1e30f};
    struct problem_spec spec = small_spec(DISTRIBUTION_CANCELLING, DTYPE_F32);
    spec.slope_values = slopes;
    spec.num_slope_values = 6;
    struct inputs inputs = {0};
    generate(&inputs, &spec);
    assert_memory_equal(inputs.problem.slopes, slopes, sizeof slopes);
    float *v = widened(&inputs, &spec, TENSOR_V);
    size_t row = key_elements(&spec);
    for (size_t c = 0; c < row; c++)
        for (size_t j = 0; j < 21; j++)
            assert_true(fabsf(v[j * row + c]) <= inputs.bounds.v[c]);
    for (size_t c = 80; c < 160; c++) /* KV head 1: head 2, slope -3 */
        assert_float_equal(v[20 * row + c] / v[19 * row + c], -20.0855369f, 1e-5f);
    for (size_t c = 160; c < 240; c++) /* exp(200) is infinite in f32 */
        assert_true(fabsf(v[20 * row + c]) == FLT_MAX);
    free(v);
    inputs_clear(&inputs);

    struct part part = {1, 2};
    struct error error;
    assert_int_equal(inputs_generate(&inputs, &spec, part, 1, NULL, &error), ERROR_NONE);
    assert_memory_equal(inputs.problem.slopes, slopes + 2, 4 * sizeof *slopes);
    inputs_clear(&inputs);
}

/* Logits in double: the dominating key's exceeds every other one's by 20 or more, so that it holds all but 1e-8. */
static void one_of_the_newest_keys_takes_all_the_weight(void **state)
{
    (void)state;
    int places[8] = {0};
    for (uint64_t seed = 0; seed < 12; seed++)
        for (int64_t seq_len = 1; seq_len <= 33; seq_len = 2 * seq_len + 1) {
            struct problem_spec spec = small_spec(DISTRIBUTION_ONEHOT, DTYPE_F16);
            spec.seq_len = seq_len;
            spec.q_position = seq_len - 1;
            spec.seed = seed;
            struct inputs inputs = {0};
            generate(&inputs, &spec);
            float *q = widened(&inputs, &spec, TENSOR_Q), *k = widened(&inputs, &spec, TENSOR_K);
            for (size_t g = 0; g < 3; g++) {
                double first = -INFINITY, second = -INFINITY;
                int64_t key = -1;
                for (int64_t j = 0; j < seq_len; j++) {
                    double logit = (double)inputs.slopes[2 * g] * (double)(j - spec.q_position);
                    for (size_t d = 0; d < 80; d++)
                        logit += (double)spec.scale * (double)q[2 * g * 80 + d] *
                                 (double)k[(size_t)j * key_elements(&spec) + g * 80 + d];
                    if (logit > first) {
                        second = first;
                        first = logit;
                        key = j;
                    } else {
                        second = fmax(second, logit);
                    }
                }
                assert_true(first - second > 20);
                assert_true(key >= seq_len - 8);
                if (seq_len >= 8)
                    places[seq_len - 1 - key]++;
                for (size_t d = 0; d < 80; d++)
                    assert_true(k[(size_t)key * key_elements(&spec) + g * 80 + d] ==
                                dtype_round(DTYPE_F16, 8 * q[2 * g * 80 + d]));
            }
            free(k);
            free(q);
            inputs_clear(&inputs);
        }
    for (int i = 0; i < 8; i++)
        assert_true(places[i] > 0);
}

/* Every stored logit is what was asked for up to the rounding of one element of k, for every dtype of q and of k. */
static void logits_lie_at_their_floor(void **state)
{
    (void)state;
    static const double floors[][2] = {{-10000, 1}, {-10000, 0}, {0, 0}, {0, 3}, {12345.678, 0.5}, {-1e5, 100}};
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        for (int kv_format = 0; kv_format < KV_FORMAT_COUNT; kv_format++)
            for (size_t f = 0; f < sizeof floors / sizeof *floors; f++) {
                struct problem_spec spec = small_spec(DISTRIBUTION_LOGIT_FLOOR, (enum dtype)dtype);
                spec.kv_format = (enum kv_format)kv_format;
                spec.k_scale = 0.37f;
                spec.input.value = floors[f][0];
                spec.input.spread = floors[f][1];
                enum dtype kv_dtype = problem_spec_kv_dtype(&spec);
                struct inputs inputs = {0};
                assert_true(logit_floor_fits(&spec));
                generate(&inputs, &spec);
                float *q = widened(&inputs, &spec, TENSOR_Q), *k = widened(&inputs, &spec, TENSOR_K);
                float *v = widened(&inputs, &spec, TENSOR_V), *v_plain = plain(&spec, TENSOR_V);
                double scale = problem_logit_scale(&inputs.problem), sum = 0, squares = 0;
                for (size_t i = 0; i < element_count(&spec, TENSOR_Q); i++)
                    assert_true(i % 80 == 0 ? q[i] > 0 && q[i] == q[0] : q[i] == 0);
                size_t rows = element_count(&spec, TENSOR_K) / 80;
                for (size_t row = 0; row < rows; row++) {
                    double logit = 0, rounding = scale * (double)q[0] * dtype_ulp(kv_dtype, (double)k[80 * row]) / 2;
                    for (size_t d = 0; d < 80; d++)
                        logit += scale * (double)q[d] * (double)k[80 * row + d];
                    assert_true(fabs(logit - floors[f][0]) <=
                                (6.5 * floors[f][1] + rounding) * (1 + 0x1p-20) + fabs(logit) * 0x1p-23);
                    sum += logit - floors[f][0];
                    squares += (logit - floors[f][0]) * (logit - floors[f][0]);
                }
                if (dtype == DTYPE_F32 && kv_format == KV_AS_DTYPE) { /* 63 normal numbers, to four deviations */
                    double deviation = floors[f][1], mean = sum / (double)rows;
                    assert_true(fabs(mean) <= 4 * deviation / sqrt((double)rows) + 0x1p-3);
                    assert_true(fabs(sqrt(squares / (double)rows) - deviation) <= 0.4 * deviation + 0x1p-3);
                }
                assert_memory_equal(v, v_plain, element_count(&spec, TENSOR_V) * sizeof *v);
                free(v_plain);
                free(v);
                free(k);
                free(q);
                inputs_clear(&inputs);
            }
}

static void floors_that_cannot_be_held_are_known(void **state)
{
    (void)state;
    static const struct {
        enum dtype dtype;
        double value;
        float scale;
        bool fits;
    } rows[] = {
        {DTYPE_F16, -2.1e9, 1, true}, /* 2^15 * 65504 */
        {DTYPE_F16, -2.2e9, 1, false}, {DTYPE_F16, -2.2e9, 2, true},
        {DTYPE_F16, 1e-9, 1, false}, /* 2^-14 * 2^-14 is the least product of normal numbers */
        {DTYPE_F16, 4e-9, 1, true},    {DTYPE_F32, -3e38, 1, true},
        {DTYPE_BF16, -3e38, 1, true},  {DTYPE_F32, -3e38, 0x1p-149f, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct problem_spec spec = small_spec(DISTRIBUTION_LOGIT_FLOOR, rows[i].dtype);
        spec.input.value = rows[i].value;
        spec.input.spread = 0;
        spec.scale = rows[i].scale;
        assert_int_equal(logit_floor_fits(&spec), rows[i].fits);
        spec.input.distribution = DISTRIBUTION_NORMAL;
        assert_true(logit_floor_fits(&spec));
    }
}

static void fp8_inputs_are_finite_and_within_their_bounds(void **state)
{
    (void)state;
    for (int kv_format = KV_E4M3; kv_format <= KV_E5M2; kv_format++)
        for (int distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++)
            for (int large = 0; large < 2; large++) {
                struct problem_spec spec = small_spec((enum distribution)distribution, DTYPE_F16);
                spec.kv_format = (enum kv_format)kv_format;
                spec.k_scale = spec.v_scale = 1;
                if (large) {
                    spec.input.stddev = 1e5;
                    spec.input.high = 1e6;
                }
                struct inputs inputs = {0};
                generate(&inputs, &spec);
                float *k = widened(&inputs, &spec, TENSOR_K), *v = widened(&inputs, &spec, TENSOR_V);
                for (size_t i = 0; i < element_count(&spec, TENSOR_K); i++) {
                    assert_true(fabsf(k[i]) <= inputs.bounds.k[i % key_elements(&spec)]);
                    assert_true(fabsf(v[i]) <= inputs.bounds.v[i % key_elements(&spec)]);
                }
                assert_true((double)inputs.bounds.k[1] <= dtypes[problem_spec_kv_dtype(&spec)].max);
                free(v);
                free(k);
                inputs_clear(&inputs);
            }
}

static void inputs_are_finite_whatever_the_parameters(void **state)
{
    (void)state;
    static const struct input_spec rows[] = {
        {.distribution = DISTRIBUTION_NORMAL, .stddev = 1e6},
        {.distribution = DISTRIBUTION_NORMAL, .stddev = 3e38},
        {.distribution = DISTRIBUTION_NORMAL, .mean = -3e38, .stddev = 3e38},
        {.distribution = DISTRIBUTION_UNIFORM, .low = -DBL_MAX, .high = DBL_MAX},
        {.distribution = DISTRIBUTION_CONSTANT, .value = -1e300},
        {.distribution = DISTRIBUTION_OUTLIERS, .stddev = 1, .channels = 80, .factor = 3e38},
        {.distribution = DISTRIBUTION_OUTLIERS, .stddev = 3e38, .channels = 80, .factor = 0},
        {.distribution = DISTRIBUTION_CANCELLING, .stddev = 3e38},
        {.distribution = DISTRIBUTION_ONEHOT, .stddev = 3e38, .factor = 3e38},
        {.distribution = DISTRIBUTION_LOGIT_FLOOR, .stddev = 3e38, .value = -DBL_MAX, .spread = DBL_MAX},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
            struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL, (enum dtype)dtype);
            spec.input = rows[r];
            struct inputs inputs = {0};
            generate(&inputs, &spec);
            int largest = 0;
            for (int tensor = TENSOR_Q; tensor <= TENSOR_V; tensor++) {
                float *values = widened(&inputs, &spec, (enum tensor)tensor);
                for (size_t i = 0; i < element_count(&spec, (enum tensor)tensor); i++) {
                    assert_true(isfinite(values[i]));
                    largest += fabs((double)values[i]) == dtypes[dtype].max;
                }
                free(values);
            }
            bool beyond = dtype == DTYPE_F16 || rows[r].stddev >= 3e38;
            if (beyond && rows[r].distribution != DISTRIBUTION_CANCELLING)
                assert_true(largest > 0);
            inputs_clear(&inputs);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outliers_are_the_same_channels_of_k_for_every_key),
        cmocka_unit_test(pairs_cancel_up_to_the_rounding_of_one_value),
        cmocka_unit_test(slopes_can_be_given),
        cmocka_unit_test(one_of_the_newest_keys_takes_all_the_weight),
        cmocka_unit_test(logits_lie_at_their_floor),
        cmocka_unit_test(floors_that_cannot_be_held_are_known),
        cmocka_unit_test(fp8_inputs_are_finite_and_within_their_bounds),
        cmocka_unit_test(inputs_are_finite_whatever_the_parameters),
    };
    return cmocka_run_group_tests_name("distribution", tests, NULL, NULL) != 0;
}
