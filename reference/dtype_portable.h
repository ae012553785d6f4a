/*
 * f16, bf16 and fp8 conversions of one element in plain C: of f16 the same bits as the F16C instructions on every
 * finite value, infinity and NaN. dtype.c uses them where there are no instructions, and for the ends of arrays.
 *
 * A NaN keeps its sign and the leading bits of its payload and becomes quiet, as IEEE 754 says of conversions; those of
 * fp8 have no payload, and that of e4m3fnuz no sign. What overflows is infinite in e5m2 and NaN in the others.
 * Free of branches, so that a loop over them is vectorised. Assumes the default rounding mode and gradual underflow.
 */
#ifndef REFERENCE_DTYPE_PORTABLE_H
#define REFERENCE_DTYPE_PORTABLE_H

#include <stdbool.h>

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

enum fp8_format { FP8_E4M3, FP8_E5M2, FP8_E4M3FNUZ };

/* e5m2 is the upper byte of f16. e4m3 in f16's places is 2^-8 of the value, subnormals included, e4m3fnuz 2^-7. */
static inline float fp8_widen_portable(enum fp8_format format, uint8_t byte)
{
    const bool wide = format == FP8_E5M2, fnuz = format == FP8_E4M3FNUZ;
    uint32_t magnitude = byte & 0x7fu, sign = byte & 0x80u;
    float value = f16_widen_portable((uint16_t)(sign << 8 | magnitude << (wide ? 8 : 7))) * (wide   ? 1
                                                                                             : fnuz ? 0x1p7f
                                                                                                    : 0x1p8f);
    bool nan = fnuz ? byte == 0x80 : !wide && magnitude == 0x7f;
    return nan ? float_from_bits(0x7fc00000u | (fnuz ? 0 : sign << 24)) : value;
}

static inline uint8_t fp8_narrow_portable(enum fp8_format format, float value)
{
    const bool wide = format == FP8_E5M2, fnuz = format == FP8_E4M3FNUZ;
    /* Bits of f32's significand; the exponent of the smallest normal number, 2^-14, 2^-7 or 2^-6; the last byte that
     * rounding comes to: of e5m2 infinity, of e4m3 NaN. */
    const uint32_t dropped = wide ? 21 : 20, lowest = (wide ? 113u : fnuz ? 120u : 121u) << 23;
    const uint32_t last = wide ? 0x7c : 0x7f;
    uint32_t bits = float_to_bits(value), magnitude = bits & 0x7fffffffu, sign = bits >> 24 & 0x80u;
    /* As in f16: the sum with a power of two whose ulp is the subnormals' spacing, and rebiased by binades. */
    uint32_t power = lowest + (dropped << 23);
    uint32_t subnormal = float_to_bits(float_from_bits(magnitude) + float_from_bits(power)) - power;
    uint32_t normal =
        (magnitude - lowest + (1u << 23) + (1u << (dropped - 1)) - 1 + (magnitude >> dropped & 1)) >> dropped;
    uint32_t narrow = magnitude < lowest ? subnormal : normal;
    bool over = narrow > last; /* or NaN */
    uint32_t special = fnuz ? 0 : wide && magnitude <= 0x7f800000u ? 0x7c : 0x7f;
    narrow = over ? special : narrow;
    sign = !fnuz ? sign : over ? 0x80 : narrow == 0 ? 0 : sign; /* which has no -0 */
    return (uint8_t)(sign | narrow);
}

#endif
