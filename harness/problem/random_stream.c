#include "harness/problem/random_stream.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "kernels/random/variate.h"

#ifdef __AVX2__
static inline __m256i broadcast(uint32_t word)
{
    return _mm256_set1_epi64x(word);
}

/*
 * The words of four counters, in order. Each word stands in the low half of a 64-bit lane; the high halves hold
 * whatever the products left there, which vpmuludq ignores and the last step drops.
 */
static inline void four_counters(__m256i *words, struct random_stream stream, uint64_t counter)
{
    /* Lanes hold counters 0, 2, 1, 3, so that vpunpck, which works on halves, leaves them in order. */
    __m256i word0 = _mm256_add_epi64(_mm256_set1_epi64x((int64_t)counter), _mm256_setr_epi64x(0, 2, 1, 3));
    __m256i word1 = _mm256_srli_epi64(word0, 32), word2 = broadcast(stream.stream), word3 = _mm256_setzero_si256();
    uint32_t key0 = (uint32_t)stream.seed, key1 = (uint32_t)(stream.seed >> 32);
#pragma GCC unroll 16
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        __m256i product0 = _mm256_mul_epu32(word0, broadcast(PHILOX_MULTIPLIER_0));
        __m256i product1 = _mm256_mul_epu32(word2, broadcast(PHILOX_MULTIPLIER_1));
        word0 = _mm256_xor_si256(_mm256_srli_epi64(product1, 32), _mm256_xor_si256(word1, broadcast(key0)));
        word2 = _mm256_xor_si256(_mm256_srli_epi64(product0, 32), _mm256_xor_si256(word3, broadcast(key1)));
        word1 = product1;
        word3 = product0;
        key0 += PHILOX_WEYL_0;
        key1 += PHILOX_WEYL_1;
    }
    __m256i words01 = _mm256_blend_epi32(word0, _mm256_slli_epi64(word1, 32), 0xaa);
    __m256i words23 = _mm256_blend_epi32(word2, _mm256_slli_epi64(word3, 32), 0xaa);
    words[0] = _mm256_unpacklo_epi64(words01, words23);
    words[1] = _mm256_unpackhi_epi64(words01, words23);
}
#endif

void random_words(uint32_t *words, struct random_stream stream, uint64_t first, size_t count)
{
    uint64_t counter = first / 4;
    size_t i = 0;
    if (first % 4 != 0 && count > 0) {
        struct counter_words block = words_of_counter(stream, counter++);
        for (size_t word = first % 4; word < 4 && i < count; word++)
            words[i++] = block.words[word];
    }
#ifdef __AVX2__
    for (; i + 16 <= count; i += 16, counter += 4) {
        __m256i sixteen[2];
        four_counters(sixteen, stream, counter);
        _mm256_storeu_si256((__m256i *)(words + i), sixteen[0]);
        _mm256_storeu_si256((__m256i *)(words + i + 8), sixteen[1]);
    }
#endif
    for (; i + 4 <= count; i += 4, counter++) {
        struct counter_words block = words_of_counter(stream, counter);
        for (size_t word = 0; word < 4; word++)
            words[i + word] = block.words[word];
    }
    if (i < count) {
        struct counter_words block = words_of_counter(stream, counter);
        for (size_t word = 0; i < count; word++)
            words[i++] = block.words[word];
    }
}

#ifdef __AVX2__
/*
 * Eight words at once, for the eight binades next to the centre, whose coefficients are picked within registers.
 * vpermps looks at the low three bits of its index, so that the exponent serves as it is. One word in 256 lies farther
 * out and is done alone.
 */
enum { NEAR_BINADES = 8, NEAR_FIRST = NORMAL_BINADES - NEAR_BINADES, NEAR_LEAST_TAIL = 1 << (NEAR_FIRST - 1) };

static size_t normal_by_eights(float *values, const uint32_t *words, size_t count, float mean, float stddev)
{
    /* Binade e has the exponent field e + 126. */
    const __m256i rotation = _mm256_setr_epi32(2, 3, 4, 5, 6, 7, 0, 1);
    _Static_assert((NEAR_FIRST + 126 + 2) % 8 == 0, "entry 0 of the rotated rows is that of exponent field 0 mod 8");
    __m256 rows[NORMAL_DEGREE + 1];
    for (int k = 0; k <= NORMAL_DEGREE; k++)
        rows[k] = _mm256_permutevar8x32_ps(_mm256_loadu_ps(&normal_coefficients[k][NEAR_FIRST]), rotation);

    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256i word = _mm256_loadu_si256((const __m256i *)(words + i));
        __m256i tail = _mm256_and_si256(word, _mm256_set1_epi32(0x7fffffff));
        tail = _mm256_min_epi32(tail, _mm256_set1_epi32(NORMAL_LARGEST_TAIL));
        __m256 probability = _mm256_add_ps(_mm256_cvtepi32_ps(tail), _mm256_set1_ps(0.5f));
        __m256i bits = _mm256_castps_si256(probability);
        __m256i index = _mm256_srli_epi32(bits, 23);
        __m256i fraction =
            _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(0x007fffff)), _mm256_set1_epi32(0x3f800000));
        __m256 m = _mm256_sub_ps(_mm256_castsi256_ps(fraction), _mm256_set1_ps(1.5f));
        __m256 z = _mm256_permutevar8x32_ps(rows[NORMAL_DEGREE], index);
#pragma GCC unroll 16
        for (int k = NORMAL_DEGREE - 1; k >= 0; k--)
            z = _mm256_add_ps(_mm256_mul_ps(z, m), _mm256_permutevar8x32_ps(rows[k], index));
        __m256i sign = _mm256_and_si256(word, _mm256_set1_epi32((int32_t)0x80000000));
        z = _mm256_xor_ps(z, _mm256_castsi256_ps(sign));
        __m256 value = _mm256_add_ps(_mm256_set1_ps(mean), _mm256_mul_ps(_mm256_set1_ps(stddev), z));
        _mm256_storeu_ps(values + i, value);

        __m256i far = _mm256_cmpgt_epi32(_mm256_set1_epi32(NEAR_LEAST_TAIL), tail);
        int lanes = _mm256_movemask_ps(_mm256_castsi256_ps(far));
        for (; lanes != 0; lanes &= lanes - 1) {
            size_t lane = i + (size_t)__builtin_ctz((unsigned)lanes);
            values[lane] = variate_normal(normal_coefficients, words[lane], mean, stddev);
        }
    }
    return i;
}
#else
static size_t normal_by_eights(float *values, const uint32_t *words, size_t count, float mean, float stddev)
{
    (void)values, (void)words, (void)count, (void)mean, (void)stddev;
    return 0;
}
#endif

void random_normal(float *values, const uint32_t *words, size_t count, float mean, float stddev)
{
    size_t done = normal_by_eights(values, words, count, mean, stddev);
#pragma omp simd
    for (size_t i = done; i < count; i++)
        values[i] = variate_normal(normal_coefficients, words[i], mean, stddev);
}

void random_uniform(float *values, const uint32_t *words, size_t count, float low, float high)
{
    const float highest = variate_highest(low, high);
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        values[i] = variate_uniform(words[i], low, high, highest);
}
