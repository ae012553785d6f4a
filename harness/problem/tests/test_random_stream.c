/* The streams against Random123, the quantile function against erfc, and the variates against their distributions. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <Random123/philox.h>

#include "harness/problem/random_stream.h"
#include "kernels/random/normal_quantile.h"

static const struct random_stream stream_any = {0x0123456789abcdefu, 2};

static uint32_t word_oracle(struct random_stream stream, uint64_t index)
{
    philox4x32_ctr_t counter = {{(uint32_t)(index / 4), (uint32_t)(index / 4 >> 32), stream.stream, 0}};
    philox4x32_key_t key = {{(uint32_t)stream.seed, (uint32_t)(stream.seed >> 32)}};
    return philox4x32_R(RANDOM_ROUNDS, counter, key).v[index % 4];
}

/* From the known answers that come with Random123 (kat_vectors, philox4x32 with 7 rounds, all zero). */
static void first_words_are_the_known_answer(void **state)
{
    (void)state;
    static const uint32_t answer[4] = {0x5f6fb709u, 0x0d893f64u, 0x4f121f81u, 0x4f730a48u};
    uint32_t words[4];
    random_words(words, (struct random_stream){0, 0}, 0, 4);
    assert_memory_equal(words, answer, sizeof answer);
}

static void words_are_those_of_random123(void **state)
{
    (void)state;
    /* Around 2^34 the counter's low half overflows, also in the middle of a vector. */
    static const uint64_t starts[] = {0, 1, 2, 3, 5, 1000003, (1ull << 34) - 25, (1ull << 34) - 4, (1ull << 62) + 7};
    enum { MOST = 70 };
    uint32_t words[MOST + 1];
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        for (size_t count = 0; count <= MOST; count++) {
            words[count] = 0xa5a5a5a5u;
            random_words(words, stream_any, starts[i], count);
            for (size_t j = 0; j < count; j++)
                assert_int_equal(words[j], word_oracle(stream_any, starts[i] + j));
            assert_int_equal(words[count], 0xa5a5a5a5u);
        }
}

/* Words whose tail probability lies at the edges of binades, where the vector form hands over to the scalar one. */
static size_t edge_words(uint32_t *words)
{
    size_t count = 0;
    for (int power = 0; power <= 31; power++)
        for (int64_t offset = -130; offset <= 130; offset++) {
            int64_t tail = ((int64_t)1 << power) + offset;
            if (tail < 0 || tail > 0x7fffffff)
                continue;
            words[count++] = (uint32_t)tail;
            words[count++] = (uint32_t)tail | 0x80000000u;
        }
    return count;
}

static void bulk_is_the_scalar_definition(void **state)
{
    (void)state;
    enum { MOST = 1 << 16 };
    uint32_t *words = malloc(2 * MOST * sizeof *words);
    float *values = malloc(2 * MOST * sizeof *values);
    size_t count = edge_words(words);
    assert_true(count < MOST);
    random_words(words + count, stream_any, 0, MOST);
    count += MOST;
    static const float means[] = {0, 0.25f}, stddevs[] = {1, 3.0f};
    for (int i = 0; i < 2; i++)
        for (size_t skip = 0; skip < 11; skip++) {
            random_normal(values, words + skip, count - skip, means[i], stddevs[i]);
            for (size_t j = 0; j < count - skip; j++) {
                float expected = means[i] + stddevs[i] * normal_quantile(words[skip + j]);
                assert_int_equal(float_to_bits(values[j]), float_to_bits(expected));
            }
        }
    free(values);
    free(words);
}

/* Exact quantile minus z, for a word with a clear sign bit: a step of Halley's method from z on the upper tail. */
static double quantile_error(uint32_t tail)
{
    double z = (double)normal_quantile(tail), p = ((double)tail + 0.5) * 0x1p-32;
    double density = 0x1.9884533d43651p-2 * exp(-0.5 * z * z); /* 1 / sqrt(2 pi) */
    double step = (0.5 * erfc(z * M_SQRT1_2) - p) / density;
    return step * (1 + 0.5 * z * step);
}

/* The bound of normal_quantile.h. Its worst case, found among all 2^31 words, is 0x40002841. */
static void quantile_is_within_its_bound(void **state)
{
    (void)state;
    const double bound = 8.1e-7;
    uint32_t *words = malloc((1 << 16) * sizeof *words);
    size_t edges = edge_words(words);
    double worst = 0;
    for (size_t i = 0; i < edges; i++)
        worst = fmax(worst, fabs(quantile_error(words[i] & 0x7fffffffu)));
    for (uint32_t tail = 0; tail < 1 << 16; tail++)
        worst = fmax(worst, fabs(quantile_error(tail)));
    for (uint32_t i = 0; i < 1 << 18; i++)
        worst = fmax(worst, fabs(quantile_error(i * 8191u & 0x7fffffffu)));
    free(words);
    assert_true(worst <= bound);
    assert_true(worst >= 0.8 * bound);
    assert_true(fabs(quantile_error(0x40002841u)) > 8.0e-7);
}

static void sign_bit_mirrors(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1 << 16; i++) {
        uint32_t tail = i * 32749u & 0x7fffffffu;
        assert_true(normal_quantile(tail) > 0);
        assert_true(normal_quantile(tail | 0x80000000u) == -normal_quantile(tail));
    }
    assert_true(normal_quantile(0) == 0x1.95a118p+2f); /* 6.34, the largest */
}

enum { SAMPLE = 1 << 19 };

static float *normal_sample(struct random_stream stream)
{
    uint32_t *words = malloc(SAMPLE * sizeof *words);
    float *values = malloc(SAMPLE * sizeof *values);
    random_words(words, stream, 0, SAMPLE);
    random_normal(values, words, SAMPLE, 0, 1);
    free(words);
    return values;
}

/* The means of z, z^2, z^3, z^4, each within 5 of its standard deviations. */
static void normal_moments(void **state)
{
    (void)state;
    static const struct {
        double expected, variance;
    } moments[4] = {{0, 1}, {1, 2}, {0, 15}, {3, 96}};
    float *values = normal_sample(stream_any);
    double sums[4] = {0};
    for (int i = 0; i < SAMPLE; i++) {
        double power = 1;
        for (int k = 0; k < 4; k++)
            sums[k] += power *= (double)values[i];
    }
    free(values);
    for (int k = 0; k < 4; k++)
        assert_true(fabs(sums[k] / SAMPLE - moments[k].expected) < 5 * sqrt(moments[k].variance / SAMPLE));
}

static void normal_tails_are_as_heavy_as_they_should_be(void **state)
{
    (void)state;
    float *values = normal_sample(stream_any);
    for (double sigma = 1; sigma <= 4; sigma += 0.5) {
        int above = 0, below = 0;
        for (int i = 0; i < SAMPLE; i++) {
            above += (double)values[i] > sigma;
            below += (double)values[i] < -sigma;
        }
        double expected = SAMPLE * 0.5 * erfc(sigma * M_SQRT1_2);
        assert_true(fabs(above - expected) < 5 * sqrt(expected));
        assert_true(fabs(below - expected) < 5 * sqrt(expected));
    }
    free(values);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: sqrt(n) D exceeds 1.95 in one sample of a thousand. The seed is fixed, so it stays below. */
static void normal_distribution_function(void **state)
{
    (void)state;
    enum { COUNT = 1 << 16 };
    float *values = normal_sample(stream_any);
    qsort(values, COUNT, sizeof *values, ascending);
    double largest = 0;
    for (int i = 0; i < COUNT; i++) {
        double f = 0.5 * erfc(-(double)values[i] * M_SQRT1_2);
        largest = fmax(largest, fmax(f - (double)i / COUNT, (double)(i + 1) / COUNT - f));
    }
    free(values);
    assert_true(largest * sqrt(COUNT) < 1.95);
}

/* Neighbours within a stream, streams of a seed, and seeds one bit apart: correlation within 5 / sqrt(n). */
static void streams_seeds_and_neighbours_are_independent(void **state)
{
    (void)state;
    static const struct {
        struct random_stream other;
        int lag;
    } rows[] = {
        {{0x0123456789abcdefu, 2}, 1}, {{0x0123456789abcdefu, 2}, 2},  {{0x0123456789abcdefu, 2}, 4},
        {{0x0123456789abcdefu, 1}, 0}, {{0x0123456789abcdefu, 3}, 0},  {{0x0123456789abcdeeu, 2}, 0},
        {{0x8123456789abcdefu, 2}, 0}, {{0x0123456789abcdeeu, 1}, -4},
    };
    float *one = normal_sample(stream_any);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        float *other = normal_sample(rows[r].other);
        double sum = 0;
        for (int i = 4; i < SAMPLE - 4; i++)
            sum += (double)one[i] * (double)other[i + rows[r].lag];
        assert_true(fabs(sum / SAMPLE) < 5 / sqrt(SAMPLE));
        free(other);
    }
    free(one);
}

static void uniform_stays_in_its_interval(void **state)
{
    (void)state;
    static const struct {
        float low, high;
    } rows[] = {{-1, 1},
                {0, 1},
                {1, 0x1.000002p0f},
                {1, 0x1.000006p0f},
                {-3, -3},
                {0, 0},
                {-FLT_MAX, FLT_MAX},
                {0, 0x1p-149f},
                {0x1.234566p3f, 0x1.23456ap3f}};
    enum { COUNT = 1 << 12 };
    static uint32_t words[COUNT];
    static float values[COUNT];
    random_words(words, stream_any, 0, COUNT);
    words[0] = 0;
    words[1] = 0xffffffffu;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        float low = rows[r].low, high = rows[r].high;
        random_uniform(values, words, COUNT, low, high);
        assert_true(values[0] == low);
        for (int i = 0; i < COUNT; i++)
            assert_true(values[i] >= low && (low < high ? values[i] < high : values[i] == low));
    }
}

static void uniform_fills_its_interval_evenly(void **state)
{
    (void)state;
    enum { COUNT = 1 << 18, CELLS = 64 };
    uint32_t *words = malloc(COUNT * sizeof *words);
    float *values = malloc(COUNT * sizeof *values);
    random_words(words, stream_any, 0, COUNT);
    random_uniform(values, words, COUNT, -1, 1);
    int cells[CELLS] = {0};
    for (int i = 0; i < COUNT; i++)
        cells[(int)((values[i] + 1) * (CELLS / 2))]++;
    double chi_square = 0, expected = (double)COUNT / CELLS;
    for (int i = 0; i < CELLS; i++)
        chi_square += (cells[i] - expected) * (cells[i] - expected) / expected;
    free(values);
    free(words);
    /* 63 degrees of freedom: mean 63, standard deviation 11.2. */
    assert_true(chi_square > 63 - 4 * 11.2 && chi_square < 63 + 5 * 11.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_words_are_the_known_answer),
        cmocka_unit_test(words_are_those_of_random123),
        cmocka_unit_test(bulk_is_the_scalar_definition),
        cmocka_unit_test(quantile_is_within_its_bound),
        cmocka_unit_test(sign_bit_mirrors),
        cmocka_unit_test(normal_moments),
        cmocka_unit_test(normal_tails_are_as_heavy_as_they_should_be),
        cmocka_unit_test(normal_distribution_function),
        cmocka_unit_test(streams_seeds_and_neighbours_are_independent),
        cmocka_unit_test(uniform_stays_in_its_interval),
        cmocka_unit_test(uniform_fills_its_interval_evenly),
    };
    int failed = cmocka_run_group_tests_name("random_stream", tests, NULL, NULL);
    return failed > 255 ? 255 : failed;
}
