/*
 * The element types of q, k, v and out, and their exact conversion to and from f32.
 *
 * Elements are held in memory as a GPU holds them: f16 and bf16 as 16-bit words, f32 as float, fp8 as bytes (OCP 8-bit
 * floating point specification, 2023: e4m3 has no infinity and one NaN; e4m3fnuz, of AMD's CDNA 3, has half of e4m3's
 * value for the same bits, and neither -0 nor infinity: 0x80 is NaN; Noune et al., 8-bit Numerical Formats for Deep
 * Neural Networks, 2022). Widening to f32 is exact. Narrowing rounds to nearest even, overflows to infinity (e4m3 and
 * e4m3fnuz: NaN), keeps NaN a NaN; the same bits on every machine.
 */
#ifndef REFERENCE_DTYPE_H
#define REFERENCE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_F32,
    DTYPE_COUNT,              /* those before it are of any tensor */
    DTYPE_E4M3 = DTYPE_COUNT, /* fp8, of k and v alone (problem_kv_dtype) */
    DTYPE_E5M2,
    DTYPE_E4M3FNUZ,
    DTYPE_COUNT_WITH_FP8
};

struct dtype_info {
    const char *name;     /* as in case files and records */
    size_t size_bytes;    /* of one element */
    int significand_bits; /* with the implicit one: 11, 8, 24, 4, 3, 4 */
    int min_exponent;     /* of the smallest normal number, 2^min_exponent: -14, -126, -126, -6, -14, -7 */
    double max;           /* largest finite value */
    const char *numpy;    /* the NumPy type an array of it is dumped as: "<f2", "<u2" (bf16, raw), "<f4", "|u1" */
};

extern const struct dtype_info dtypes[DTYPE_COUNT_WITH_FP8];

/* The byte that fills memory with NaN of the dtype. */
static inline int dtype_nan_byte(enum dtype dtype)
{
    return dtype == DTYPE_E4M3FNUZ ? 0x80 : 0xff;
}

/* destination[i] = element first + i of the array at elements, for i < count. Exact. */
void dtype_widen(enum dtype dtype, const void *elements, size_t first, size_t count, float *destination);

/* Element first + i of the array at elements = source[i] rounded to nearest even, for i < count. */
void dtype_narrow(enum dtype dtype, void *elements, size_t first, size_t count, const float *source);

/* value rounded to the dtype (to nearest even) and widened again. */
float dtype_round(enum dtype dtype, float value);

/* Distance between neighbours of the dtype at |value|, the smallest subnormal's size near 0; value finite. The
 * binade above the largest finite value keeps that value's ulp. */
double dtype_ulp(enum dtype dtype, double value);

/* The least magnitude that rounds to infinity, half an ulp above the largest finite value: of f16, bf16 and f32. */
double dtype_overflow(enum dtype dtype);

#endif
