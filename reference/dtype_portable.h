/*
 * f16 and bf16 conversions of one element in plain C: the same bits as the F16C instructions on every finite value,
 * infinity and NaN. dtype.c uses them where the instructions are missing and for the ends of arrays.
 *
 * A NaN keeps its sign and the leading bits of its payload and becomes quiet, as IEEE 754 says of conversions.
 * Free of branches, so that a loop over them is vectorised. Assumes the default rounding mode and gradual underflow.
 */
#ifndef REFERENCE_DTYPE_PORTABLE_H
#define REFERENCE_DTYPE_PORTABLE_H

#include "reference/float_bits.h"

static inline float f16_widen_portable(uint16_t half)
{
    uint32_t magnitude = half & 0x7fffu, sign = (uint32_t)(half & 0x8000u) << 16;
    /* Exponent and significand in their f32 places are 2^-112 times the value, subnormals included. */
    uint32_t finite = float_to_bits(float_from_bits(magnitude << 13) * 0x1p112f);
    uint32_t special = 0x7f800000u | (magnitude > 0x7c00u ? 0x00400000u : 0) | magnitude << 13;
    return float_from_bits(sign | (magnitude >= 0x7c00u ? special : finite));
}

static inline uint16_t f16_narrow_portable(float value)
{
    uint32_t bits = float_to_bits(value), magnitude = bits & 0x7fffffffu;
    /* Below 2^-14: the sum with 1/2 has an ulp of 2^-24, the f16 subnormals' spacing, and is rounded to even. */
    uint32_t subnormal = float_to_bits(float_from_bits(magnitude) + 0x1p-1f) - 0x3f000000u;
    /* Rebias by 112 binades and round: half an ulp less one, plus the last bit kept. 65520 and more carry into
     * infinity. */
    uint32_t normal = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1)) >> 13;
    uint32_t special = magnitude > 0x7f800000u ? 0x7e00u | (magnitude >> 13 & 0x3ffu) : 0x7c00u;
    uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
    half = magnitude >= 0x47800000u ? special : half;
    return (uint16_t)(half | (bits >> 16 & 0x8000u));
}

static inline float bf16_widen_portable(uint16_t brain)
{
    return float_from_bits((uint32_t)brain << 16);
}

static inline uint16_t bf16_narrow_portable(float value)
{
    uint32_t bits = float_to_bits(value);
    uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1);
    uint32_t quiet = bits | 0x00400000u;
    return (uint16_t)(((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded) >> 16);
}

#endif
