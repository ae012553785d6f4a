#include "reference/dtype.h"

#include <math.h>
#include <string.h>

#ifdef __F16C__
#include <immintrin.h>
#endif

#include "reference/dtype_portable.h"

const struct dtype_info dtypes[DTYPE_COUNT_WITH_FP8] = {
    [DTYPE_F16] = {"f16", 2, 11, -14, 0x1.ffcp15, "<f2"},
    [DTYPE_BF16] = {"bf16", 2, 8, -126, 0x1.fep127, "<u2"},
    [DTYPE_F32] = {"f32", 4, 24, -126, 0x1.fffffep127, "<f4"},
    [DTYPE_E4M3] = {"e4m3", 1, 4, -6, 0x1.cp8, "|u1"},
    [DTYPE_E5M2] = {"e5m2", 1, 3, -14, 0x1.cp15, "|u1"},
    [DTYPE_E4M3FNUZ] = {"e4m3fnuz", 1, 4, -7, 0x1.ep7, "|u1"},
};

static void widen_f16(const uint16_t *restrict source, size_t count, float *restrict destination)
{
    size_t i = 0; /* elements done eight at a time */
#ifdef __F16C__
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(destination + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(source + i))));
#endif
#pragma omp simd
    for (size_t j = i; j < count; j++)
        destination[j] = f16_widen_portable(source[j]);
}

static void narrow_f16(uint16_t *restrict destination, size_t count, const float *restrict source)
{
    size_t i = 0; /* elements done eight at a time */
#ifdef __F16C__
    for (; i + 8 <= count; i += 8)
        _mm_storeu_si128((__m128i *)(destination + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(source + i), _MM_FROUND_TO_NEAREST_INT));
#endif
#pragma omp simd
    for (size_t j = i; j < count; j++)
        destination[j] = f16_narrow_portable(source[j]);
}

static void widen_bf16(const uint16_t *restrict source, size_t count, float *restrict destination)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        destination[i] = bf16_widen_portable(source[i]);
}

static void narrow_bf16(uint16_t *restrict destination, size_t count, const float *restrict source)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        destination[i] = bf16_narrow_portable(source[i]);
}

/* format is a constant where these are called, so that each loop is of one format. */
__attribute__((always_inline)) static inline void widen_fp8(enum fp8_format format, const uint8_t *restrict source,
                                                            size_t count, float *restrict destination)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        destination[i] = fp8_widen_portable(format, source[i]);
}

__attribute__((always_inline)) static inline void narrow_fp8(enum fp8_format format, uint8_t *restrict destination,
                                                             size_t count, const float *restrict source)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        destination[i] = fp8_narrow_portable(format, source[i]);
}

void dtype_widen(enum dtype dtype, const void *elements, size_t first, size_t count, float *destination)
{
    switch (dtype) {
    case DTYPE_F16:
        widen_f16((const uint16_t *)elements + first, count, destination);
        break;
    case DTYPE_BF16:
        widen_bf16((const uint16_t *)elements + first, count, destination);
        break;
    case DTYPE_E4M3:
        widen_fp8(FP8_E4M3, (const uint8_t *)elements + first, count, destination);
        break;
    case DTYPE_E5M2:
        widen_fp8(FP8_E5M2, (const uint8_t *)elements + first, count, destination);
        break;
    case DTYPE_E4M3FNUZ:
        widen_fp8(FP8_E4M3FNUZ, (const uint8_t *)elements + first, count, destination);
        break;
    default:
        memcpy(destination, (const float *)elements + first, count * sizeof *destination);
    }
}

void dtype_narrow(enum dtype dtype, void *elements, size_t first, size_t count, const float *source)
{
    switch (dtype) {
    case DTYPE_F16:
        narrow_f16((uint16_t *)elements + first, count, source);
        break;
    case DTYPE_BF16:
        narrow_bf16((uint16_t *)elements + first, count, source);
        break;
    case DTYPE_E4M3:
        narrow_fp8(FP8_E4M3, (uint8_t *)elements + first, count, source);
        break;
    case DTYPE_E5M2:
        narrow_fp8(FP8_E5M2, (uint8_t *)elements + first, count, source);
        break;
    case DTYPE_E4M3FNUZ:
        narrow_fp8(FP8_E4M3FNUZ, (uint8_t *)elements + first, count, source);
        break;
    default:
        memcpy((float *)elements + first, source, count * sizeof *source);
    }
}

static float fp8_round(enum fp8_format format, float value)
{
    return fp8_widen_portable(format, fp8_narrow_portable(format, value));
}

float dtype_round(enum dtype dtype, float value)
{
    switch (dtype) {
    case DTYPE_F16:
        return f16_widen_portable(f16_narrow_portable(value));
    case DTYPE_BF16:
        return bf16_widen_portable(bf16_narrow_portable(value));
    case DTYPE_E4M3:
        return fp8_round(FP8_E4M3, value);
    case DTYPE_E5M2:
        return fp8_round(FP8_E5M2, value);
    case DTYPE_E4M3FNUZ:
        return fp8_round(FP8_E4M3FNUZ, value);
    default:
        return value;
    }
}

double dtype_ulp(enum dtype dtype, double value)
{
    const struct dtype_info *info = &dtypes[dtype];
    int exponent = info->min_exponent;
    if (value != 0) {
        int own = ilogb(value), largest = ilogb(info->max);
        exponent = own < exponent ? exponent : own > largest ? largest : own;
    }
    return ldexp(1, exponent - (info->significand_bits - 1));
}

double dtype_overflow(enum dtype dtype)
{
    double max = dtypes[dtype].max;
    return max + dtype_ulp(dtype, max) / 2;
}
