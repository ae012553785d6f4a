/* The kernels' exponentials and logarithm against libm in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/dialect/arithmetic.h"
#include "kernels/recipe.h"

static double ulp_error(float got, double exact)
{
    return fabs((double)got - exact) / dtype_ulp(DTYPE_F32, exact);
}

/* Every 257th float from -126 to 0 and up to 127, all of them with EXP2_STEP=1 (half a minute): the bounds stand in
 * arithmetic.h. */
static void test_exp2(void **state)
{
    const char *text = getenv("EXP2_STEP");
    uint32_t step = text && atoi(text) > 0 ? (uint32_t)atoi(text) : 257;
    double worst_polynomial = 0, worst_approx = 0;
    (void)state;
    for (int sign = 0; sign < 2; sign++)
        for (uint32_t bits = 0x2f000000u; bits <= (sign ? 0x42fc0000u : 0x42fe0000u); bits += step) {
            float x = float_from_bits(bits | (uint32_t)sign << 31);
            double exact = exp2((double)x);
            worst_polynomial = fmax(worst_polynomial, ulp_error(exp2_polynomial(x), exact));
            worst_approx = fmax(worst_approx, ulp_error(ex2_approx_ftz(x), exact));
        }
    print_message("2^x: worst %.4f ulp, ex2.approx %.4f ulp\n", worst_polynomial, worst_approx);
    assert_true(worst_polynomial <= 0x1.06p0);
    assert_true(worst_polynomial >= 0x1p-1); /* the test sees more than rounding */
    assert_true(worst_approx <= 2.055);      /* measured on a GPU: reports/gpu.md */
}

static void test_exp2_special(void **state)
{
    (void)state;
    for (int n = -126; n <= 0; n++) {
        assert_true(exp2_polynomial((float)n) == ldexpf(1, n));
        assert_true(ex2_approx_ftz((float)n) == ldexpf(1, n));
    }
    static const float flushed[] = {-126.5f, -127, -150, -5e4f, -3e38f, -INFINITY};
    for (size_t i = 0; i < sizeof flushed / sizeof flushed[0]; i++) {
        assert_true(exp2_polynomial(flushed[i]) == 0);
        assert_true(ex2_approx_ftz(flushed[i]) == 0);
    }
    assert_true(isnan(exp2_polynomial(NAN)) && isnan(ex2_approx_ftz(NAN)));
    assert_true(isinf(ex2_approx_ftz(128)));
}

/* No step back between neighbours by more than an ulp: weights keep the order of logits up to rounding. */
static void test_exp2_monotone(void **state)
{
    (void)state;
    float previous = 0;
    for (uint32_t i = 0; i < 1u << 20; i++) {
        float x = -2.0f + (float)i * 0x1p-19f, y = exp2_polynomial(x);
        assert_true(y >= previous * (1 - 0x1p-23f));
        previous = y;
    }
}

/* The bound that arithmetic.h derives, of every 257th float from -87.3 to 88.7, of all of them with FEXP_STEP=1; the
 * others are flushed. */
static void test_fexp(void **state)
{
    const char *text = getenv("FEXP_STEP");
    uint32_t step = text && atoi(text) > 0 ? (uint32_t)atoi(text) : 257;
    double worst = 0, largest = 0;
    (void)state;
    for (int sign = 0; sign < 2; sign++)
        for (uint32_t bits = 0; bits <= (sign ? 0x42aeac50u : 0x42b17218u); bits += step) {
            float x = float_from_bits(bits | (uint32_t)sign << 31);
            double exact = exp((double)x), error = fabs(log((double)fexp_u20(x) / exact));
            double bound = (x <= 0x1.62e42ep-1f ? 0x1.d1p-14 : 0x1.e1p-14) + 2.68 * 0x1p-24 * fabs((double)x);
            worst = fmax(worst, error / bound);
            largest = fmax(largest, fabs((double)fexp_u20(x) / exact - 1));
        }
    print_message("fexp_u20: %.4f of its bound at worst, off by up to %.4g\n", worst, largest);
    assert_true(worst <= 1);
    assert_true(worst >= 0.9 && largest > 1.06e-4); /* the test sees the place where it is worst */
    static const float flushed[] = {-87.33656f, -88, -1e4f, -3e38f, -INFINITY};
    for (size_t i = 0; i < sizeof flushed / sizeof flushed[0]; i++)
        assert_true(fexp_u20(flushed[i]) == 0);
    assert_true(fexp_u20(-0x1.5d58a0p+6f) > 0 && isinf(fexp_u20(88.8f)) && isinf(fexp_u20(INFINITY)));
    assert_true(float_to_bits(fexp_u20(NAN)) == 0x80000000u);
    assert_true(fexp_u20(0) == 0x1.fff9p-1f &&
                fexp_u20(-20.25f) == 0x1.b943p-30f); /* NumPy's, by scripts/fidelity/arithmetic.py */
}

static void test_log2(void **state)
{
    (void)state;
    for (uint32_t bits = 0x00800000u; bits < 0x7f800000u; bits += 4099) {
        float x = float_from_bits(bits);
        double exact = log2((double)x);
        assert_true(fabs((double)log2_polynomial(x) - exact) <= 0x1p-23 * (fabs(exact) + 0.5));
    }
    assert_true(log2_polynomial(1) == 0 && log2_polynomial(0) == -INFINITY && isinf(log2_polynomial(INFINITY)) &&
                isnan(log2_polynomial(NAN)));
    assert_true(log2_polynomial(0x1p-126f) == -126);
    assert_true(log2_polynomial(0x1p-149f) == -149 && fabsf(log2_polynomial(0x3p-140f) + 138.4150375f) < 0x1p-15f);
    assert_true(log2_polynomial(0x1p100f) == 100);
}

/* Every 257th float up to where tanh is 1, all of them with TANH_STEP=1 (a minute): the bound stands in arithmetic.h.
 */
static void test_tanh(void **state)
{
    const char *text = getenv("TANH_STEP");
    uint32_t step = text && atoi(text) > 0 ? (uint32_t)atoi(text) : 257;
    double worst = 0;
    (void)state;
    for (uint32_t bits = 0; bits < 0x41200000u; bits += step) {
        float x = float_from_bits(bits), y = tanh_polynomial(x);
        worst = fmax(worst, ulp_error(y, tanh((double)x)));
        assert_true(y <= 1 && tanh_polynomial(-x) == -y);
    }
    print_message("tanh: worst %.4f ulp\n", worst);
    assert_true(worst <= 0x1.fp0);
    assert_true(worst >= 1.5); /* the test sees the place where it is worst */
    static const float ones[] = {10, 100, 3e38f, INFINITY};
    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++)
        assert_true(tanh_polynomial(ones[i]) == 1 && tanh_polynomial(-ones[i]) == -1);
    assert_true(isnan(tanh_polynomial(NAN)) && tanh_polynomial(0) == 0 && tanh_polynomial(0x1p-149f) == 0x1p-149f);
}

static void test_sentinel_text(void **state)
{
    static const struct {
        const char *text, *formatted;
    } rows[] = {{"-5e4", "-50000"},       {"-65504", "-65504"},   {"-inf", "-inf"},
                {"adaptive", "adaptive"}, {"exclude", "exclude"}, {"-3.4028235e38", "-3.4028235e+38"},
                {"-0.1", "-0.1"},         {"-1e4", "-10000"}};
    static const char *const refused[] = {"",          "-",     "5e4",   "0",     "-0",       "nan",   "-nan",
                                          "-infinity", "-1e39", "-0x10", "-5e4x", "Adaptive", "-5 e4", "--5"};
    struct sentinel sentinel;
    char text[SENTINEL_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(sentinel_parse(rows[i].text, &sentinel));
        assert_string_equal(sentinel_format(text, &sentinel), rows[i].formatted);
        struct sentinel again;
        assert_true(sentinel_parse(text, &again));
        assert_true(again.policy == sentinel.policy && again.value == sentinel.value);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (sentinel_parse(refused[i], &sentinel))
            fail_msg("'%s' was taken", refused[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp2),          cmocka_unit_test(test_exp2_special), cmocka_unit_test(test_exp2_monotone),
        cmocka_unit_test(test_fexp),          cmocka_unit_test(test_log2),         cmocka_unit_test(test_tanh),
        cmocka_unit_test(test_sentinel_text),
    };
    return cmocka_run_group_tests_name("arithmetic", tests, NULL, NULL) != 0;
}
