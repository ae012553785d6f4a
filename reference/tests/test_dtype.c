/* Conversions against an oracle that knows only the values of the format, and dtype.c's path against the portable one.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reference/dtype.h"
#include "reference/dtype_portable.h"

/* The value of a finite word, from the format's definition. */
static double word_value(enum dtype dtype, uint16_t word)
{
    int fraction_bits = dtypes[dtype].significand_bits - 1;
    int exponent = (word & 0x7fff) >> fraction_bits, fraction = word & ((1 << fraction_bits) - 1);
    double magnitude = exponent == 0 ? ldexp(fraction, dtypes[dtype].min_exponent - fraction_bits)
                                     : ldexp(fraction + (1 << fraction_bits),
                                             exponent - 1 + dtypes[dtype].min_exponent - fraction_bits);
    return word & 0x8000 ? -magnitude : magnitude;
}

static uint16_t infinity_word(enum dtype dtype)
{
    return (uint16_t)(0x7fff >> (dtypes[dtype].significand_bits - 1) << (dtypes[dtype].significand_bits - 1));
}

/* Nearest word by search among all magnitudes; ties go to the even word, past the last half ulp lies infinity. */
static uint16_t narrow_oracle(enum dtype dtype, float value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0, infinity = infinity_word(dtype);
    double magnitude = fabs((double)value);
    if (isinf(value))
        return sign | infinity;
    uint16_t below = 0,
             above = infinity; /* word_value(infinity) is the next power of two: what rounding compares with */
    while (above - below > 1) {
        uint16_t middle = (uint16_t)((below + above) / 2);
        if (word_value(dtype, middle) <= magnitude)
            below = middle;
        else
            above = middle;
    }
    double to_below = magnitude - word_value(dtype, below), to_above = word_value(dtype, above) - magnitude;
    if (to_above < to_below || (to_above == to_below && (below & 1)))
        below = above;
    return sign | below;
}

static uint16_t narrow_one(enum dtype dtype, float value)
{
    /* Eight at once and the rest alone: both loops of the conversion. */
    float source[11];
    uint16_t words[11];
    for (int i = 0; i < 11; i++)
        source[i] = value;
    dtype_narrow(dtype, words, 0, 11, source);
    for (int i = 1; i < 11; i++)
        assert_int_equal(words[i], words[0]);
    return words[0];
}

static void every_word_widens_exactly(void **state)
{
    (void)state;
    uint16_t *words = malloc(65536 * sizeof *words);
    float *wide = malloc(65536 * sizeof *wide);
    for (int i = 0; i < 65536; i++)
        words[i] = (uint16_t)i;
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++) {
        dtype_widen(dtype, words, 0, 65536, wide);
        for (int i = 0; i < 65536; i++) {
            float portable = dtype == DTYPE_F16 ? f16_widen_portable(words[i]) : bf16_widen_portable(words[i]);
            assert_int_equal(float_to_bits(wide[i]), float_to_bits(portable));
            int magnitude = i & 0x7fff, infinity = infinity_word(dtype);
            if (magnitude < infinity) {
                assert_true(wide[i] == word_value(dtype, words[i]));
                assert_int_equal(signbit(wide[i]) != 0, i >> 15);
            } else if (magnitude == infinity) {
                assert_true(isinf(wide[i]) && (signbit(wide[i]) != 0) == i >> 15);
            } else {
                assert_true(isnan(wide[i]));
                if (dtype == DTYPE_F16)
                    assert_true(float_to_bits(wide[i]) & 0x00400000u);
            }
        }
    }
    free(wide);
    free(words);
}

static void every_word_survives_a_round_trip(void **state)
{
    (void)state;
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++)
        for (int i = 0; i < 65536; i++) {
            uint16_t word = (uint16_t)i, back;
            float wide;
            dtype_widen(dtype, &word, 0, 1, &wide);
            dtype_narrow(dtype, &back, 0, 1, &wide);
            bool nan = (i & 0x7fff) > infinity_word(dtype);
            uint16_t quiet = (uint16_t)(1 << (dtypes[dtype].significand_bits - 2));
            assert_int_equal(back, nan ? i | quiet : i);
        }
}

/* Every halfway case and its two f32 neighbours on both sides. */
static void halfway_cases_round_to_even(void **state)
{
    (void)state;
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++)
        for (uint16_t word = 0; word < infinity_word(dtype); word++) {
            double halfway = (word_value(dtype, word) + word_value(dtype, (uint16_t)(word + 1))) / 2;
            uint32_t bits = float_to_bits((float)halfway);
            for (int offset = -2; offset <= 2; offset++) {
                if (offset < 0 && bits < 2)
                    continue;
                float value = float_from_bits(bits + (uint32_t)offset);
                assert_int_equal(narrow_one(dtype, value), narrow_oracle(dtype, value));
                assert_int_equal(narrow_one(dtype, -value), narrow_oracle(dtype, -value));
            }
        }
}

/* A dense set of f32 over all exponents: a stride coprime to the word's length, NaN payloads among them. */
static void any_f32_narrows_as_the_oracle_says(void **state)
{
    (void)state;
    enum { BLOCK = 4096 };
    float source[BLOCK];
    uint16_t words[BLOCK];
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++)
        for (uint32_t block = 0; block < 256; block++) {
            for (uint32_t i = 0; i < BLOCK; i++)
                source[i] = float_from_bits((block * BLOCK + i) * 4099u + block);
            dtype_narrow(dtype, words, 0, BLOCK, source);
            for (uint32_t i = 0; i < BLOCK; i++) {
                uint16_t portable =
                    dtype == DTYPE_F16 ? f16_narrow_portable(source[i]) : bf16_narrow_portable(source[i]);
                assert_int_equal(words[i], portable);
                if (!isnan(source[i]) && i % 8 == 0)
                    assert_int_equal(words[i], narrow_oracle(dtype, source[i]));
            }
        }
}

static void nan_stays_a_quiet_nan(void **state)
{
    (void)state;
    static const struct {
        uint32_t bits;
        uint16_t f16, bf16;
    } cases[] = {
        {0x7fc00000u, 0x7e00, 0x7fc0}, {0xffc00000u, 0xfe00, 0xffc0}, {0x7f800001u, 0x7e00, 0x7fc0},
        {0xff800001u, 0xfe00, 0xffc0}, {0x7fffffffu, 0x7fff, 0x7fff}, {0x7f8fffffu, 0x7e7f, 0x7fcf},
        {0x7f802000u, 0x7e01, 0x7fc0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(narrow_one(DTYPE_F16, float_from_bits(cases[i].bits)), cases[i].f16);
        assert_int_equal(narrow_one(DTYPE_BF16, float_from_bits(cases[i].bits)), cases[i].bf16);
    }
}

static void offsets_count_elements(void **state)
{
    (void)state;
    enum { LENGTH = 40 };
    float source[LENGTH], back[LENGTH];
    for (int i = 0; i < LENGTH; i++)
        source[i] = (float)(i - 20) * 0.25f;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        for (size_t first = 0; first < 9; first++)
            for (size_t count = 0; count + first <= LENGTH; count++) {
                float elements[LENGTH + 1];
                uint8_t *raw = (uint8_t *)elements;
                for (size_t i = 0; i < sizeof elements; i++)
                    raw[i] = 0xa5;
                dtype_narrow(dtype, elements, first, count, source);
                size_t size = dtypes[dtype].size_bytes;
                for (size_t i = 0; i < sizeof elements; i++)
                    if (i < first * size || i >= (first + count) * size)
                        assert_int_equal(raw[i], 0xa5);
                dtype_widen(dtype, elements, first, count, back);
                for (size_t i = 0; i < count; i++)
                    assert_true(back[i] == source[i]);
            }
}

static void rounding_one_value_is_narrowing_and_widening(void **state)
{
    (void)state;
    assert_true(dtype_round(DTYPE_F16, 65519.0f) == 65504.0f);
    assert_true(isinf(dtype_round(DTYPE_F16, 65520.0f)));
    assert_true(dtype_round(DTYPE_F16, 0x1p-25f) == 0);
    assert_true(dtype_round(DTYPE_F16, 0x1.000002p-25f) == 0x1p-24f);
    assert_true(dtype_round(DTYPE_BF16, 0x1.01p0f) == 1);
    assert_true(dtype_round(DTYPE_BF16, 0x1.03p0f) == 0x1.04p0f);
    assert_true(isinf(dtype_round(DTYPE_BF16, 0x1.fffffep127f)));
    assert_true(dtype_round(DTYPE_F32, 0x1.23456p0f) == 0x1.23456p0f);
}

static void ulp_is_the_distance_to_the_next_value(void **state)
{
    (void)state;
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++)
        for (uint16_t word = 0; word + 1 < infinity_word(dtype); word++) {
            double value = word_value(dtype, word), next = word_value(dtype, (uint16_t)(word + 1));
            assert_true(dtype_ulp(dtype, value) == next - value);
            assert_true(dtype_ulp(dtype, -(value + next) / 2) == next - value);
        }
    assert_true(dtype_ulp(DTYPE_F32, 1) == 0x1p-23);
    assert_true(dtype_ulp(DTYPE_F32, 0x1.fffffffffp0) == 0x1p-23);
    assert_true(dtype_ulp(DTYPE_F32, 0) == 0x1p-149);
    assert_true(dtype_ulp(DTYPE_F32, 0x1p-1070) == 0x1p-149);
    assert_true(dtype_ulp(DTYPE_F16, 65504) == 32);
    assert_true(dtype_ulp(DTYPE_F16, 65536) == 32);
    assert_true(dtype_ulp(DTYPE_F16, 1e300) == 32);
    assert_true(dtype_ulp(DTYPE_BF16, 1e300) == 0x1p120);
}

static void limits_are_those_of_the_formats(void **state)
{
    (void)state;
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++)
        assert_true(dtypes[dtype].max == word_value(dtype, (uint16_t)(infinity_word(dtype) - 1)));
    assert_true(dtypes[DTYPE_F32].max == (double)0x1.fffffep127f);
}

/* A byte's value by the format's definition: significand bits m, exponent bias b. */
static double fp8_value(enum dtype dtype, unsigned byte)
{
    int m = dtype == DTYPE_E5M2 ? 2 : 3, b = dtype == DTYPE_E4M3 ? 7 : dtype == DTYPE_E4M3FNUZ ? 8 : 15;
    int exponent = (int)(byte & 0x7f) >> m, fraction = (int)byte & ((1 << m) - 1);
    double sign = byte & 0x80 ? -1 : 1;
    if (dtype == DTYPE_E4M3FNUZ && byte == 0x80)
        return NAN;
    if (dtype == DTYPE_E4M3 && (byte & 0x7f) == 0x7f)
        return NAN;
    if (dtype == DTYPE_E5M2 && exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexp((1 << m) + fraction, exponent - b - m) : ldexp(fraction, 1 - b - m));
}

static void every_fp8_byte_widens_exactly_and_survives(void **state)
{
    (void)state;
    for (enum dtype dtype = DTYPE_E4M3; dtype < DTYPE_COUNT_WITH_FP8; dtype++)
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t word = (uint8_t)byte, back;
            double exact = fp8_value(dtype, byte);
            float wide;
            dtype_widen(dtype, &word, 0, 1, &wide);
            dtype_narrow(dtype, &back, 0, 1, &wide);
            assert_true(isnan(exact) ? isnan(wide) : (double)wide == exact && !signbit(wide) == !signbit(exact));
            if (isnan(exact))
                assert_true(isnan(fp8_value(dtype, back)));
            else
                assert_int_equal(back, word);
        }
}

/* Between neighbours everything goes to the nearer one, the middle to the even one, beyond the largest to overflow. */
static void fp8_narrows_to_nearest_even(void **state)
{
    (void)state;
    for (enum dtype dtype = DTYPE_E4M3; dtype < DTYPE_COUNT_WITH_FP8; dtype++) {
        static const uint8_t largest_of[DTYPE_COUNT_WITH_FP8] = {
            [DTYPE_E4M3] = 0x7e, [DTYPE_E5M2] = 0x7b, [DTYPE_E4M3FNUZ] = 0x7f};
        static const uint8_t overflow_of[DTYPE_COUNT_WITH_FP8][2] = {
            [DTYPE_E4M3] = {0x7f, 0xff}, [DTYPE_E5M2] = {0x7c, 0xfc}, [DTYPE_E4M3FNUZ] = {0x80, 0x80}};
        unsigned largest = largest_of[dtype];
        assert_true(fp8_value(dtype, largest) == dtypes[dtype].max);
        for (unsigned byte = 0; byte <= largest; byte++) {
            double low = fp8_value(dtype, byte), ulp = dtype_ulp(dtype, low), high = low + ulp;
            float middle = (float)((low + high) / 2);
            float values[3] = {nextafterf(middle, 0), middle, nextafterf(middle, INFINITY)};
            uint8_t words[3], above = (uint8_t)(byte + 1);
            dtype_narrow(dtype, words, 0, 3, values);
            if (byte == largest && dtype == DTYPE_E4M3)
                above = 0x7f; /* 448 + 16 is the middle to 480, which is NaN's place; e4m3fnuz has it at 0x80 */
            assert_int_equal(words[0], byte);
            assert_int_equal(words[1], byte % 2 ? above : byte);
            assert_int_equal(words[2], above);
        }
        const float max = (float)dtypes[dtype].max, beyond[] = {1e30f, -INFINITY, 1.25f * max, -1.5f * max, NAN};
        uint8_t words[5];
        dtype_narrow(dtype, words, 0, 5, beyond);
        for (int i = 0; i < 4; i++)
            assert_int_equal(words[i], overflow_of[dtype][i % 2]);
        assert_true(isnan(fp8_value(dtype, words[4])));
    }
}

/* There is no -0: what is rounded to it is 0. */
static void e4m3fnuz_has_one_zero(void **state)
{
    (void)state;
    const float small[] = {0, -0.0f, -0x1p-12f, -0x1p-11f, 0x1p-149f};
    uint8_t words[5], least;
    dtype_narrow(DTYPE_E4M3FNUZ, words, 0, 5, small);
    for (int i = 0; i < 5; i++)
        assert_int_equal(words[i], 0);
    dtype_narrow(DTYPE_E4M3FNUZ, &least, 0, 1, (const float[]){-0x1.000002p-11f});
    assert_int_equal(least, 0x81);
    assert_int_equal(dtype_nan_byte(DTYPE_E4M3FNUZ), 0x80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_widens_exactly),
        cmocka_unit_test(every_word_survives_a_round_trip),
        cmocka_unit_test(halfway_cases_round_to_even),
        cmocka_unit_test(any_f32_narrows_as_the_oracle_says),
        cmocka_unit_test(nan_stays_a_quiet_nan),
        cmocka_unit_test(offsets_count_elements),
        cmocka_unit_test(rounding_one_value_is_narrowing_and_widening),
        cmocka_unit_test(ulp_is_the_distance_to_the_next_value),
        cmocka_unit_test(limits_are_those_of_the_formats),
        cmocka_unit_test(every_fp8_byte_widens_exactly_and_survives),
        cmocka_unit_test(fp8_narrows_to_nearest_even),
        cmocka_unit_test(e4m3fnuz_has_one_zero),
    };
    int failed = cmocka_run_group_tests_name("dtype", tests, NULL, NULL);
    return failed > 255 ? 255 : failed;
}
