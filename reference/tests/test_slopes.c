/* Slopes against published values, and against the definition where none are published. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reference/dtype.h"
#include "reference/slopes.h"

/* 8 heads: Press, Smith and Lewis, section 3. The rest: the authors' get_slopes, evaluated at 60 digits. */
static void published_values(void **state)
{
    (void)state;
    static const struct {
        int total_heads, head;
        enum slope_convention convention;
        double max_bias;
        float slope;
    } rows[] = {
        {8, 0, SLOPES_BLOOM, 8, 0x1p-1f},
        {8, 3, SLOPES_BLOOM, 8, 0x1p-4f},
        {8, 7, SLOPES_BLOOM, 8, 0x1p-8f},
        {12, 0, SLOPES_BLOOM, 8, 0x1p-1f},
        {12, 7, SLOPES_BLOOM, 8, 0x1p-8f},
        {12, 8, SLOPES_BLOOM, 8, 0x1.6a09e6p-1f},
        {12, 9, SLOPES_BLOOM, 8, 0x1.6a09e6p-2f},
        {12, 11, SLOPES_BLOOM, 8, 0x1.6a09e6p-4f},
        {16, 0, SLOPES_BLOOM, 8, 0x1.6a09e6p-1f},
        {16, 1, SLOPES_BLOOM, 8, 0x1p-1f},
        {16, 15, SLOPES_BLOOM, 8, 0x1p-8f},
        {32, 0, SLOPES_BLOOM, 8, 0x1.ae89fap-1f},
        {32, 1, SLOPES_BLOOM, 8, 0x1.6a09e6p-1f},
        {32, 31, SLOPES_BLOOM, 8, 0x1p-8f},
        {40, 0, SLOPES_BLOOM, 8, 0x1.ae89fap-1f},
        {40, 31, SLOPES_BLOOM, 8, 0x1p-8f},
        {40, 32, SLOPES_BLOOM, 8, 0x1.d5818ep-1f},
        {40, 39, SLOPES_BLOOM, 8, 0x1.172b84p-2f},
        {56, 32, SLOPES_BLOOM, 8, 0x1.d5818ep-1f},
        {56, 55, SLOPES_BLOOM, 8, 0x1.172b84p-6f},
        {64, 0, SLOPES_BLOOM, 8, 0x1.d5818ep-1f},
        {64, 62, SLOPES_BLOOM, 8, 0x1.172b84p-8f},
        {112, 0, SLOPES_BLOOM, 8, 0x1.d5818ep-1f},
        {112, 63, SLOPES_BLOOM, 8, 0x1p-8f},
        {112, 64, SLOPES_BLOOM, 8, 0x1.ea4afap-1f},
        {112, 65, SLOPES_BLOOM, 8, 0x1.c199bep-1f},
        {112, 111, SLOPES_BLOOM, 8, 0x1.0b5586p-6f},
        {64, 0, SLOPES_BLOOM, 16, 0x1.ae89fap-1f},
        {32, 0, SLOPES_BLOOM, 16, 0x1.6a09e6p-1f},
        {32, 1, SLOPES_BLOOM, 16, 0x1p-1f},
        {1, 0, SLOPES_BLOOM, 8, 0x1p-8f},
        {3, 0, SLOPES_BLOOM, 8, 0x1p-4f},
        {3, 1, SLOPES_BLOOM, 8, 0x1p-8f},
        {3, 2, SLOPES_BLOOM, 8, 0x1p-2f},
        {12, 0, SLOPES_GEOMETRIC, 8, 0x1.428a3p-1f},
        {12, 5, SLOPES_GEOMETRIC, 8, 0x1p-4f},
        {12, 11, SLOPES_GEOMETRIC, 8, 0x1p-8f},
        {112, 0, SLOPES_GEOMETRIC, 8, 0x1.e74496p-1f},
        {112, 111, SLOPES_GEOMETRIC, 8, 0x1p-8f},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float slope;
        slopes_fill(&slope, 1, rows[i].convention, rows[i].max_bias, rows[i].head, rows[i].total_heads);
        if (slope != rows[i].slope)
            fail_msg("row %zu: %d heads, head %d: %a, not %a", i, rows[i].total_heads, rows[i].head, (double)slope,
                     (double)rows[i].slope);
    }
}

/* f32 powers by repeated products in double: 2 * 24 bits a product are exact up to the third power, and the rest is off
 * by 2^-53 a product, so this agrees with the correctly rounded power but next to a midpoint. */
static float power_by_products(float base, int exponent)
{
    double power = 1;
    for (int i = 0; i < exponent; i++)
        power *= (double)base;
    return (float)power;
}

/* transformers' build_alibi_tensor, line by line, with Python's doubles as doubles. */
static float library_slope(int head, int heads)
{
    double closest = exp2(floor(log2(heads)));
    float base = (float)exp2(-exp2(-(log2(closest) - 3)));
    float extra_base = (float)exp2(-exp2(-(log2(2 * closest) - 3)));
    return head < (int)closest ? power_by_products(base, head + 1)
                               : power_by_products(extra_base, 1 + 2 * (head - (int)closest));
}

static void libraries_take_powers_of_a_rounded_base(void **state)
{
    (void)state;
    enum { MOST = 130 };
    float hf[MOST], vllm[MOST], falcon[MOST], bloom[MOST];
    int off = 0;
    for (int heads = 1; heads <= MOST; heads++) {
        slopes_fill(hf, heads, SLOPES_HF, 8, 0, heads);
        slopes_fill(vllm, heads, SLOPES_VLLM, 8, 0, heads);
        slopes_fill(falcon, heads, SLOPES_FALCON, 8, 0, heads);
        slopes_fill(bloom, heads, SLOPES_BLOOM, 8, 0, heads);
        for (int h = 0; h < heads; h++) {
            float expected = library_slope(h, heads);
            if (hf[h] != expected)
                fail_msg("%d heads, head %d: %a, not %a", heads, h, (double)hf[h], (double)expected);
            assert_true(vllm[h] == hf[h]);
            assert_true(falcon[h] == dtype_round(DTYPE_BF16, hf[h]));
            off += hf[h] != bloom[h];
            assert_true(heads >= 11 || hf[h] == bloom[h]);
        }
    }
    assert_true(off > 1000);
}

/* What build_alibi_tensor of transformers 5.24.0 gives with torch 2.15.0 on a CPU, of Bloom and of Falcon. torch.pow is
 * not always correctly rounded: head 14 of 32, 40, 48 and 56 is an ulp lower there. */
static void published_library_values(void **state)
{
    (void)state;
    static const struct {
        int total_heads, head;
        float hf, falcon;
    } rows[] = {
        {12, 8, 0x1.6a09e6p-1f, 0x1.6ap-1f},    {12, 11, 0x1.6a09e4p-4f, 0x1.6ap-4f},
        {40, 6, 0x1.306fe2p-2f, 0x1.3p-2f},     {40, 13, 0x1.6a09ecp-4f, 0x1.6ap-4f},
        {40, 39, 0x1.172b86p-2f, 0x1.18p-2f},   {71, 37, 0x1.306fe6p-5f, 0x1.3p-5f},
        {71, 70, 0x1.2387a6p-1f, 0x1.24p-1f},   {112, 5, 0x1.306fe2p-1f, 0x1.3p-1f},
        {112, 63, 0x1.000006p-8f, 0x1p-8f},     {112, 64, 0x1.ea4afap-1f, 0x1.eap-1f},
        {112, 111, 0x1.0b557ep-6f, 0x1.0cp-6f},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float slope;
        slopes_fill(&slope, 1, SLOPES_HF, 8, rows[i].head, rows[i].total_heads);
        assert_true(slope == rows[i].hf);
        slopes_fill(&slope, 1, SLOPES_FALCON, 8, rows[i].head, rows[i].total_heads);
        assert_true(slope == rows[i].falcon);
    }
    float slope;
    slopes_fill(&slope, 1, SLOPES_HF, 8, 14, 32);
    assert_true(slope == 0x1.306fe6p-4f && nextafterf(slope, 0) == 0x1.306fe4p-4f);
}

static void eight_heads_halve(void **state)
{
    (void)state;
    float slopes[8];
    for (int convention = 0; convention < SLOPES_COUNT; convention++) {
        slopes_fill(slopes, 8, (enum slope_convention)convention, 8, 0, 8);
        for (int h = 0; h < 8; h++)
            assert_true(slopes[h] == ldexpf(1, -(h + 1)));
    }
}

/* n = 2^floor(log2 H) heads as for n, then every other one of 2n: the authors' recursive definition. */
static void bloom_convention_is_the_recursive_definition(void **state)
{
    (void)state;
    enum { MOST = 130 };
    float slopes[MOST], power[MOST], twice[2 * MOST];
    for (int heads = 1; heads <= MOST; heads++) {
        int n = 1;
        while (2 * n <= heads)
            n *= 2;
        slopes_fill(slopes, heads, SLOPES_BLOOM, 8, 0, heads);
        slopes_fill(power, n, SLOPES_BLOOM, 8, 0, n);
        slopes_fill(twice, 2 * n, SLOPES_BLOOM, 8, 0, 2 * n);
        for (int h = 0; h < heads; h++)
            assert_true(slopes[h] == (h < n ? power[h] : twice[2 * (h - n)]));
    }
}

static void conventions_differ_only_off_powers_of_two(void **state)
{
    (void)state;
    float bloom[64], geometric[64];
    for (int heads = 1; heads <= 64; heads++) {
        slopes_fill(bloom, heads, SLOPES_BLOOM, 8, 0, heads);
        slopes_fill(geometric, heads, SLOPES_GEOMETRIC, 8, 0, heads);
        int different = 0;
        for (int h = 0; h < heads; h++)
            different += bloom[h] != geometric[h];
        assert_int_equal(different != 0, (heads & (heads - 1)) != 0);
    }
}

/* Tensor parallelism: 8 devices of 14 heads hold BLOOM-176B's 112. */
static void local_heads_have_the_slopes_of_the_whole_model(void **state)
{
    (void)state;
    float whole[112], local[14];
    slopes_fill(whole, 112, SLOPES_BLOOM, 8, 0, 112);
    for (int device = 0; device < 8; device++) {
        slopes_fill(local, 14, SLOPES_BLOOM, 8, 14 * device, 112);
        for (int h = 0; h < 14; h++)
            assert_true(local[h] == whole[14 * device + h]);
    }
}

static void any_max_bias_gives_a_slope(void **state)
{
    (void)state;
    static const struct {
        double max_bias;
        float slope; /* of the last head of 2: 2^-max_bias */
    } rows[] = {
        {0x1p-1074, 1},
        {1e-300, 1},
        {149, 0x1p-149f},
        {149.5, 0x1p-149f},
        {150, 0},
        {1e6, 0},
        {0x1.fffffffffffffp1023, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float slopes[2];
        slopes_fill(slopes, 2, SLOPES_BLOOM, rows[i].max_bias, 0, 2);
        assert_true(slopes[1] == rows[i].slope);
        assert_true(slopes[0] >= slopes[1]);
    }
}

/* slopes_fill frees the thread's MPFR caches, so threads may come and go. */
static void threads_agree(void **state)
{
    (void)state;
    enum { HEADS = 48 };
    float alone[HEADS];
    slopes_fill(alone, HEADS, SLOPES_BLOOM, 8, 0, HEADS);
    int different = 0;
#pragma omp parallel for num_threads(4) reduction(+ : different)
    for (int repeat = 0; repeat < 16; repeat++) {
        float slopes[HEADS];
        slopes_fill(slopes, HEADS, SLOPES_BLOOM, 8, 0, HEADS);
        for (int h = 0; h < HEADS; h++)
            different += slopes[h] != alone[h];
    }
    assert_int_equal(different, 0);
}

static void words_are_the_names(void **state)
{
    (void)state;
    char words[128] = "";
    for (int i = 0; i < SLOPES_COUNT; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", i ? ", " : "", slope_convention_names[i]);
    assert_string_equal(words, SLOPE_CONVENTION_WORDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_the_names),
        cmocka_unit_test(published_values),
        cmocka_unit_test(libraries_take_powers_of_a_rounded_base),
        cmocka_unit_test(published_library_values),
        cmocka_unit_test(eight_heads_halve),
        cmocka_unit_test(bloom_convention_is_the_recursive_definition),
        cmocka_unit_test(conventions_differ_only_off_powers_of_two),
        cmocka_unit_test(local_heads_have_the_slopes_of_the_whole_model),
        cmocka_unit_test(any_max_bias_gives_a_slope),
        cmocka_unit_test(threads_agree),
    };
    int failed = cmocka_run_group_tests_name("slopes", tests, NULL, NULL);
    return failed > 255 ? 255 : failed;
}
