/* Elements that are made where they stand: each once and in its place, whatever the number of threads, and of a number
 * within a dtype's range the bits that dtype_narrow has. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/random/made_elements.h"

static void assert_narrows(enum dtype dtype, float value)
{
    uint32_t expected = 0;
    dtype_narrow(dtype, &expected, 0, 1, &value);
    if (narrowed(dtype, value) != expected)
        fail_msg("%s of %a is %x, not %x", dtypes[dtype].name, (double)value, narrowed(dtype, value), expected);
}

static void test_fields_are_those_of_the_dtypes(void **state)
{
    (void)state;
    for (enum dtype dtype = DTYPE_F16; dtype < DTYPE_COUNT_WITH_FP8; dtype++) {
        assert_int_equal(narrowed_bytes(dtype), dtypes[dtype].size_bytes);
        assert_int_equal(narrowed_significand_bits(dtype), dtypes[dtype].significand_bits);
        assert_int_equal(narrowed_min_exponent(dtype), dtypes[dtype].min_exponent);
    }
}

/* Of each number of the upper 16 bits the neighbours of what lies half way, and of all exponents whatever else. */
static void test_numbers_are_narrowed_as_on_the_host(void **state)
{
    static const uint32_t low[] = {0,      1,      0x3fff, 0x7fff, 0x8000, 0x8001,
                                   0xefff, 0xf000, 0xf001, 0xffff, 0x1000, 0x0fff};
    (void)state;
    for (enum dtype dtype = DTYPE_F16; dtype < DTYPE_COUNT_WITH_FP8; dtype++) {
        float largest = (float)dtypes[dtype].max;
        for (uint32_t high = 0; high < 1 << 16; high++)
            for (size_t i = 0; i < sizeof low / sizeof *low; i++) {
                float value = float_from_bits(high << 16 | low[i]);
                if (value >= -largest && value <= largest)
                    assert_narrows(dtype, value);
            }
        assert_narrows(dtype, largest);
        assert_narrows(dtype, -largest);
        assert_narrows(dtype, -0.0f);
    }
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

enum { ROW = 72, RUN = 40, BEGIN = 24, ROWS = 37, ALL = ROW * ROWS };

static const struct element_source normal = {
    .stream = {0x123456789abcdefu, 1}, .variate = {.kind = VARIATE_NORMAL, .stddev = 1}, .largest = 100};

/* All elements of a tensor of a dtype, the first of them number `first`. */
static void make_all(void *memory, enum dtype dtype, uint64_t first)
{
    struct made_elements made = {.source = normal, .first = first, .run = ALL, .stride = ALL, .runs = 1};
    made.source.dtype = dtype;
    make_elements_in(&made, normal_coefficients, memory, 0, 1);
}

static void test_each_element_is_made_in_its_place(void **state)
{
    static const uint64_t threads[] = {1, 2, 3, 31, 64, 1000}, firsts[] = {0, 8, ((uint64_t)1 << 34) - 16};
    (void)state;
    for (enum dtype dtype = DTYPE_F16; dtype < DTYPE_COUNT_WITH_FP8; dtype++)
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++)
            for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++) {
                struct made_elements made = {normal, firsts[f], BEGIN, RUN, ROW, ROWS};
                unsigned char whole[ALL * 4], memory[ALL * 4];
                size_t size = dtypes[dtype].size_bytes;
                made.source.dtype = dtype;
                make_all(whole, dtype, firsts[f]);
                memset(memory, 0xcd, sizeof memory);
                for (uint64_t thread = 0; thread < threads[t]; thread++)
                    make_elements_in(&made, normal_coefficients, memory, thread, threads[t]);
                for (size_t i = 0; i < ALL; i++) {
                    static const unsigned char untouched[4] = {0xcd, 0xcd, 0xcd, 0xcd};
                    bool is_made = i % ROW >= BEGIN && i % ROW < BEGIN + RUN;
                    assert_memory_equal(memory + i * size, is_made ? whole + i * size : untouched, size);
                }
            }
}

/* Of the word at its number, as f32. */
static void test_an_element_is_what_its_word_says(void **state)
{
    static const struct variate variates[] = {
        {.kind = VARIATE_NORMAL, .mean = 0.5f, .stddev = 3},
        {.kind = VARIATE_UNIFORM, .low = -1, .high = 3, .highest = 0x1.7ffffep+1f},
        {.kind = VARIATE_CONSTANT, .value = 0.3f},
    };
    const uint64_t first = ((uint64_t)1 << 34) - 800;
    (void)state;
    for (size_t v = 0; v < sizeof variates / sizeof *variates; v++)
        for (int clamped = 0; clamped < 2; clamped++) {
            const struct element_source source = {
                {(uint64_t)7 << 40, 2}, variates[v], clamped ? 0.25f : 100, DTYPE_F32};
            const struct made_elements made = {source, first, 0, ALL, ALL, 1};
            static float elements[ALL];
            make_elements_in(&made, normal_coefficients, elements, 0, 1);
            for (uint64_t i = 0; i < ALL; i++) {
                uint32_t word = words_of_counter(source.stream, (first + i) / 4).words[i % 4];
                const float values[] = {0.5f + 3 * normal_quantile(word),
                                        -1 * (1 - (float)(word >> 8) * 0x1p-24f) + 3 * ((float)(word >> 8) * 0x1p-24f),
                                        0.3f};
                float expected = clamped ? fmaxf(-0.25f, fminf(0.25f, values[v])) : values[v];
                assert_int_equal(float_to_bits(elements[i]), float_to_bits(expected));
            }
        }
    assert_true(variate_highest(-1, 3) == variates[1].highest);
    assert_true(variate_highest(2, 2) == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_those_of_the_dtypes),
        cmocka_unit_test(test_numbers_are_narrowed_as_on_the_host),
        cmocka_unit_test(test_each_element_is_made_in_its_place),
        cmocka_unit_test(test_an_element_is_what_its_word_says),
    };
    return cmocka_run_group_tests_name("made_elements", tests, NULL, NULL);
}
