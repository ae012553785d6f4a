/* The plain truth against closed forms. Each states its formula; the radius must cover the difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <mpfr.h>

#include "reference/truth.h"

enum { MAX_KEYS = 512, DIM = 4, MAX_HEADS = 4 };

/* A problem in f32 whose tensors a test fills in; one KV head. */
struct small {
    struct problem problem;
    float q[MAX_HEADS * DIM], k[MAX_KEYS * DIM], v[MAX_KEYS * DIM], slopes[MAX_HEADS];
    uint8_t visible[MAX_KEYS];
    struct truth truth;
};

static struct small *small_new(int64_t seq_len, int num_heads)
{
    struct small *small = calloc(1, sizeof *small);
    assert_non_null(small);
    memset(small->visible, 1, sizeof small->visible);
    for (int h = 0; h < num_heads; h++)
        small->slopes[h] = 0.5f / (float)(h + 1);
    small->problem = (struct problem){.seq_len = seq_len,
                                      .num_heads = num_heads,
                                      .num_kv_heads = 1,
                                      .head_dim = DIM,
                                      .dtype = DTYPE_F32,
                                      .scale = 0.5f,
                                      .q_position = seq_len - 1,
                                      .slopes = small->slopes,
                                      .q = small->q,
                                      .k = small->k,
                                      .v = small->v,
                                      .visible = small->visible};
    return small;
}

static void small_solve(struct small *small, int precision)
{
    struct truth_options options = {.precision = precision, .threads = 2};
    struct error error;
    assert_int_equal(truth_init(&small->truth, &small->problem, &error), ERROR_NONE);
    assert_int_equal(truth_plain(&small->truth, &small->problem, &options, &error), ERROR_NONE);
}

static void small_free(struct small *small)
{
    truth_clear(&small->truth);
    free(small);
}

/* value + tail encloses exact within radius; exact is destroyed. */
static void assert_encloses(double value, double tail, double radius, mpfr_t exact)
{
    mpfr_sub_d(exact, exact, value, MPFR_RNDN);
    mpfr_sub_d(exact, exact, tail, MPFR_RNDN);
    double err = fabs(mpfr_get_d(exact, MPFR_RNDA));
    if (!(err <= radius))
        fail_msg("value %.17g tail %.17g: off by %g, radius %g", value, tail, err, radius);
}

/* One key: out = v, lse = its logit. */
static void test_one_key(void **state)
{
    (void)state;
    struct small *small = small_new(1, 1);
    for (int d = 0; d < DIM; d++) {
        small->q[d] = 1.25f + (float)d;
        small->k[d] = 0.5f;
        small->v[d] = 0.1f * (float)(d + 1);
    }
    small_solve(small, 160);
    for (int d = 0; d < DIM; d++) {
        assert_true(small->truth.value[d] == (double)small->v[d]);
        assert_true(small->truth.radius[d] < 1e-28);
    }
    assert_true(small->truth.lse[0] == 0.5 * 0.5 * (1.25 + 2.25 + 3.25 + 4.25));
    small_free(small);
}

/* Constant keys: s_j = c + slope (j - P), so l is a geometric series, lse = c + log((1 - r^N) / (1 - r)), r =
 * exp(-slope), and constant v comes out unchanged. */
static void test_constant_keys(void **state)
{
    (void)state;
    struct small *small = small_new(300, 3);
    for (int i = 0; i < 3 * DIM; i++)
        small->q[i] = 1;
    for (int i = 0; i < 300 * DIM; i++) {
        small->k[i] = 0.75f;
        small->v[i] = 0.3f;
    }
    small_solve(small, 160);
    mpfr_t ratio, power, exact;
    mpfr_inits2(300, ratio, power, exact, (mpfr_ptr)0);
    for (int h = 0; h < 3; h++) {
        mpfr_set_flt(ratio, -small->slopes[h], MPFR_RNDN);
        mpfr_exp(ratio, ratio, MPFR_RNDN);
        mpfr_pow_ui(power, ratio, 300, MPFR_RNDN);
        mpfr_ui_sub(power, 1, power, MPFR_RNDN);
        mpfr_ui_sub(ratio, 1, ratio, MPFR_RNDN);
        mpfr_div(exact, power, ratio, MPFR_RNDN);
        mpfr_log(exact, exact, MPFR_RNDN);
        mpfr_add_d(exact, exact, 0.5 * 0.75 * DIM, MPFR_RNDN);
        assert_encloses(small->truth.lse[h], small->truth.lse_tail[h], small->truth.lse_radius[h], exact);
        assert_true(small->truth.lse_radius[h] < 1e-28);
        for (int d = 0; d < DIM; d++) {
            mpfr_set_flt(exact, 0.3f, MPFR_RNDN);
            size_t i = (size_t)h * DIM + (size_t)d;
            assert_encloses(small->truth.value[i], small->truth.tail[i], small->truth.radius[i], exact);
            assert_true(fabs(small->truth.magnitude[i] - (double)0.3f) < 1e-15);
        }
    }
    mpfr_clears(ratio, power, exact, (mpfr_ptr)0);
    small_free(small);
}

/* Two keys: out = v_0 / (1 + exp(s_1 - s_0)) + v_1 / (1 + exp(s_0 - s_1)), with logits up to +-1e9. */
static void test_two_keys(void **state)
{
    static const float queries[] = {0, 0.7f, -3.3f, 40, -1e9f, 1e9f};
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct small *small = small_new(2, 1);
        small->q[0] = queries[i];
        small->k[0] = 1, small->k[DIM] = -0.25f;
        small->v[0] = 3, small->v[DIM] = -7;
        small_solve(small, 200);
        mpfr_t difference, left, right;
        mpfr_inits2(400, difference, left, right, (mpfr_ptr)0);
        mpfr_set_d(difference, (double)queries[i] * -1.25 * 0.5, MPFR_RNDN); /* exact: 24 + 3 bits */
        mpfr_add_d(difference, difference, (double)small->slopes[0], MPFR_RNDN);
        mpfr_exp(left, difference, MPFR_RNDN);
        mpfr_add_ui(left, left, 1, MPFR_RNDN);
        mpfr_ui_div(left, 3, left, MPFR_RNDN);
        mpfr_neg(difference, difference, MPFR_RNDN);
        mpfr_exp(right, difference, MPFR_RNDN);
        mpfr_add_ui(right, right, 1, MPFR_RNDN);
        mpfr_si_div(right, -7, right, MPFR_RNDN);
        mpfr_add(left, left, right, MPFR_RNDN);
        assert_encloses(small->truth.value[0], small->truth.tail[0], small->truth.radius[0], left);
        mpfr_clears(difference, left, right, (mpfr_ptr)0);
        small_free(small);
    }
}

/* Removing keys by mask is the same as not having them. */
static void test_mask_removes_keys(void **state)
{
    (void)state;
    struct small *masked = small_new(40, 1), *shorter = small_new(20, 1);
    for (int i = 0; i < 40 * DIM; i++) {
        masked->k[i] = (float)((i * 37) % 19) * 0.1f;
        masked->v[i] = (float)((i * 53) % 23) - 11;
    }
    masked->q[1] = shorter->q[1] = 1.5f;
    for (int j = 20; j < 40; j++)
        masked->visible[j] = 0;
    masked->v[30 * DIM] = NAN;
    memcpy(shorter->k, masked->k, sizeof shorter->k);
    memcpy(shorter->v, masked->v, sizeof shorter->v);
    shorter->problem.q_position = 39;
    small_solve(masked, 160);
    small_solve(shorter, 160);
    assert_memory_equal(masked->truth.value, shorter->truth.value, DIM * sizeof(double));
    assert_memory_equal(masked->truth.tail, shorter->truth.tail, DIM * sizeof(double));
    assert_true(masked->truth.lse[0] == shorter->truth.lse[0]);
    small_free(masked);
    small_free(shorter);
}

static void test_no_visible_key(void **state)
{
    (void)state;
    struct small *small = small_new(5, 2);
    memset(small->visible, 0, sizeof small->visible);
    small->v[0] = 1;
    small_solve(small, 160);
    for (int i = 0; i < 2 * DIM; i++)
        assert_true(small->truth.value[i] == 0 && small->truth.radius[i] == 0);
    assert_true(small->truth.lse[1] == -INFINITY);
    small_free(small);
}

static void test_nan_and_infinite_inputs(void **state)
{
    (void)state;
    struct small *small = small_new(3, 1);
    small->v[0] = INFINITY; /* weight > 0 */
    small->v[1] = NAN;
    small_solve(small, 160);
    assert_true(small->truth.value[0] == INFINITY && small->truth.radius[0] == 0);
    assert_true(isnan(small->truth.value[1]));
    assert_true(small->truth.value[2] == 0);
    small_free(small);

    small = small_new(3, 1);
    small->k[DIM] = NAN;
    small_solve(small, 160);
    assert_true(isnan(small->truth.value[0]) && isnan(small->truth.lse[0]));
    small_free(small);
}

/* Under a soft cap a logit of infinity is C, and its key one of many: two keys, out = v_0 / (1 + e^(b_1 - b_0 -+ C)),
 * lse = b_0 +- C + log(1 + ...), b_1 - b_0 = slope; where the bias is capped as well, b is 0. */
static void test_infinities_below_a_cap(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++)
        for (int sign = -1; sign <= 1; sign += 2) {
            struct small *small = small_new(2, 1);
            small->problem.soft_cap = after ? SOFT_CAP_AFTER_BIAS : SOFT_CAP_BEFORE_BIAS;
            small->problem.soft_cap_value = 3;
            small->slopes[0] = after ? 0 : 0.5f;
            small->q[0] = 1;
            small->k[0] = (float)sign * INFINITY;
            small->v[0] = 1;
            small_solve(small, 64);
            const struct truth *truth = &small->truth;
            assert_true(truth->radius[0] > 0 && truth->radius[0] < 0x1p-54 && truth->lse_radius[0] < 0x1p-54);
            assert_true(truth->lse_radius[0] > (2 * 64 + 3 * 13) * 0x1p-64); /* the cap is rounded like any logit */
            mpfr_t exact, lse;
            mpfr_inits2(512, exact, lse, (mpfr_ptr)0);
            mpfr_set_d(exact, (after ? 0 : 0.5) - 3 * sign, MPFR_RNDN);
            mpfr_exp(exact, exact, MPFR_RNDN);
            mpfr_log1p(lse, exact, MPFR_RNDN);
            mpfr_add_d(lse, lse, 3 * sign - (after ? 0 : 0.5), MPFR_RNDN);
            mpfr_add_ui(exact, exact, 1, MPFR_RNDN);
            mpfr_ui_div(exact, 1, exact, MPFR_RNDN);
            assert_encloses(truth->value[0], truth->tail[0], truth->radius[0], exact);
            assert_encloses(truth->lse[0], truth->lse_tail[0], truth->lse_radius[0], lse);
            mpfr_clears(exact, lse, (mpfr_ptr)0);
            small_free(small);
        }
}

/* More bits, smaller radius, and the intervals intersect. */
static void test_precision(void **state)
{
    (void)state;
    double previous_value[DIM] = {0}, previous_tail[DIM] = {0}, previous_radius[DIM];
    for (int d = 0; d < DIM; d++)
        previous_radius[d] = INFINITY;
    for (int precision = 64; precision <= 192; precision += 64) {
        struct small *small = small_new(200, 1);
        for (int i = 0; i < 200 * DIM; i++) {
            small->k[i] = (float)((i * 37) % 101) * 0.03f - 1;
            small->v[i] = (float)((i * 71) % 97) * 0.02f - 1;
        }
        for (int d = 0; d < DIM; d++)
            small->q[d] = 1.7f - (float)d;
        small_solve(small, precision);
        for (int d = 0; d < DIM; d++) {
            assert_true(small->truth.radius[d] < previous_radius[d]);
            double apart = (small->truth.value[d] - previous_value[d]) + (small->truth.tail[d] - previous_tail[d]);
            if (precision > 64)
                assert_true(fabs(apart) <= small->truth.radius[d] + previous_radius[d]);
            previous_value[d] = small->truth.value[d];
            previous_tail[d] = small->truth.tail[d];
            previous_radius[d] = small->truth.radius[d];
        }
        small_free(small);
    }
}

/* Logits beyond what 64 bits can carry: the radius says that nothing is known. */
static void test_radius_admits_ignorance(void **state)
{
    (void)state;
    struct small *small = small_new(2, 1);
    small->q[0] = small->k[0] = 3e18f;
    small->v[0] = 1;
    small_solve(small, 64);
    assert_true(isinf(small->truth.radius[0]));
    small_free(small);
}

static void test_threads_and_cancelling(void **state)
{
    (void)state;
    struct small *one = small_new(50, 4);
    for (int i = 0; i < 50 * DIM; i++)
        one->k[i] = one->v[i] = (float)(i % 7);
    one->q[2] = 1;
    small_solve(one, 160);
    uint64_t digest = truth_digest(&one->truth);
    struct progress progress = {.cancelled = false};
    struct truth_options options = {.precision = 160, .threads = 1, .progress = &progress};
    struct error error;
    assert_int_equal(truth_plain(&one->truth, &one->problem, &options, &error), ERROR_NONE);
    assert_int_equal(truth_digest(&one->truth), digest);
    assert_int_equal(progress.work_done, 4 * 50);
    progress.cancelled = true;
    assert_int_equal(truth_plain(&one->truth, &one->problem, &options, &error), ERROR_INTERRUPTED);
    small_free(one);
}

/* A result that only weights below 2^(-2^62) carry, or values that v_scale takes below every double, is 0 to a radius
 * that is not; where every v is 0 both are. Either method. */
static void test_what_no_number_holds_has_a_radius(void **state)
{
    (void)state;
    for (int method = 0; method < TRUTH_METHOD_COUNT; method++) {
        struct small *small = small_new(2, 1);
        struct truth_options options = {.precision = 160, .threads = 1};
        struct error error;
        small->slopes[0] = 0x1p100f;
        small->v[0] = 1;       /* of the older key, which weighs e^-2^100 */
        small->v[DIM + 1] = 1; /* of the newer one */
        assert_int_equal(truth_init(&small->truth, &small->problem, &error), ERROR_NONE);
        assert_int_equal(truth_compute(&small->truth, (enum truth_method)method, &small->problem, &options, &error),
                         ERROR_NONE);
        const struct truth *truth = &small->truth;
        assert_true(truth->value[0] == 0 && truth->tail[0] == 0 && truth->radius[0] > 0 && truth->radius[0] < 1e-300);
        assert_true(truth->magnitude[0] > 0);
        assert_true(truth->value[1] == 1 && truth->radius[1] < 1e-10);
        assert_true(truth->value[2] == 0 && truth->radius[2] == 0 && truth->magnitude[2] == 0);
        small_free(small);
    }
}

/* Nor is what cancels beside a sink that outweighs every double 0 in its magnitude and radius, with or without a
 * v_scale that takes it there. Either method. */
static void test_what_cancels_has_a_magnitude(void **state)
{
    (void)state;
    const float sinks[] = {1e30f, 300, 700}, value_scales[] = {1, 1, 0x1p-149f};
    for (int i = 0; i < 3; i++)
        for (int method = 0; method < TRUTH_METHOD_COUNT; method++) {
            static const uint8_t k[2 * DIM] = {0}, v[2 * DIM] = {0x01, 0, 0, 0, 0x81, 0, 0, 0}; /* +-2^-9 in e4m3 */
            struct small *small = small_new(2, 1);
            struct truth_options options = {.precision = 160, .threads = 1};
            struct error error;
            small->problem.kv_format = KV_E4M3;
            small->problem.k_scale = 1;
            small->problem.v_scale = value_scales[i];
            small->problem.k = k;
            small->problem.v = v;
            small->problem.sink_logits = &sinks[i];
            small->slopes[0] = 0;
            assert_int_equal(truth_init(&small->truth, &small->problem, &error), ERROR_NONE);
            assert_int_equal(truth_compute(&small->truth, (enum truth_method)method, &small->problem, &options, &error),
                             ERROR_NONE);
            const struct truth *truth = &small->truth;
            assert_true(truth->value[0] == 0 && truth->radius[0] > 0 && truth->magnitude[0] > 0);
            assert_true(truth->radius[0] < 0x1p-150 && truth->magnitude[0] < 0x1p-400);
            assert_true(truth->value[1] == 0 && truth->radius[1] == 0 && truth->magnitude[1] == 0);
            small_free(small);
        }
}

/* Where products of the magnitude are subnormal, the radius has what they lose: here 300 times half of 2^-1074 times
 * the error of 12 bits. */
static void test_subnormal_magnitudes_are_in_the_radius(void **state)
{
    (void)state;
    struct small *small = small_new(300, 1);
    small->slopes[0] = 2.45f;
    for (int i = 0; i < DIM; i++)
        for (int key = 0; key < 2; key++)
            small->v[key * DIM + i] = 0x1p-10f;
    small_solve(small, 64);
    for (int d = 0; d < DIM; d++) {
        assert_true(small->truth.value[d] < 1e-308 && small->truth.value[d] > 0);
        assert_true(small->truth.radius[d] >= 0x1p-1073);
    }
    small_free(small);
}

/* And a v_scale multiplies what they lose: 301 times half of 2^-1074 times 2^100 times the error of 13 bits. */
static void test_a_value_scale_multiplies_what_is_lost(void **state)
{
    (void)state;
    static const uint8_t k[300 * DIM] = {0}, v[300 * DIM] = {0x01}; /* 2^-9 in e4m3, of a weight of 2^-1067 */
    struct small *small = small_new(300, 1);
    small->problem.kv_format = KV_E4M3;
    small->problem.k_scale = 1;
    small->problem.v_scale = 0x1p100f;
    small->problem.k = k;
    small->problem.v = v;
    small->slopes[0] = 2.4736f;
    small_solve(small, 64);
    assert_true(small->truth.value[0] > 0 && small->truth.value[0] < 0x1p-970);
    assert_true(small->truth.radius[0] > 0x1p-1018 && small->truth.radius[0] < 0x1p-1010);
    small_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_key),
        cmocka_unit_test(test_constant_keys),
        cmocka_unit_test(test_two_keys),
        cmocka_unit_test(test_mask_removes_keys),
        cmocka_unit_test(test_no_visible_key),
        cmocka_unit_test(test_nan_and_infinite_inputs),
        cmocka_unit_test(test_infinities_below_a_cap),
        cmocka_unit_test(test_precision),
        cmocka_unit_test(test_radius_admits_ignorance),
        cmocka_unit_test(test_what_no_number_holds_has_a_radius),
        cmocka_unit_test(test_what_cancels_has_a_magnitude),
        cmocka_unit_test(test_subnormal_magnitudes_are_in_the_radius),
        cmocka_unit_test(test_a_value_scale_multiplies_what_is_lost),
        cmocka_unit_test(test_threads_and_cancelling),
    };
    return cmocka_run_group_tests_name("truth_plain", tests, NULL, NULL) != 0;
}
