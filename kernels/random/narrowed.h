/*
 * An f32 number as the bits of an element, on any device: dtype_narrow (reference/dtype.h) of numbers within the
 * dtype's range, which is all that inputs have. One rule for all dtypes, with the places of their fields.
 */
#ifndef KERNELS_RANDOM_NARROWED_H
#define KERNELS_RANDOM_NARROWED_H

#include "kernels/dialect/intrinsics.h"
#include "reference/dtype.h"

/* The fields of a dtype, as in dtypes of reference/dtype.c, which a GPU cannot read. */
SIMT_FUNCTION int narrowed_significand_bits(enum dtype dtype)
{
    return dtype == DTYPE_F16 ? 11 : dtype == DTYPE_BF16 ? 8 : dtype == DTYPE_F32 ? 24 : dtype == DTYPE_E5M2 ? 3 : 4;
}

SIMT_FUNCTION int narrowed_min_exponent(enum dtype dtype)
{
    return dtype == DTYPE_F16 || dtype == DTYPE_E5M2   ? -14
           : dtype == DTYPE_BF16 || dtype == DTYPE_F32 ? -126
           : dtype == DTYPE_E4M3                       ? -6
                                                       : -7;
}

SIMT_FUNCTION int narrowed_bytes(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? 4 : dtype < DTYPE_E4M3 ? 2 : 1;
}

/*
 * value rounded to nearest even, |value| at most the dtype's largest finite value. A subnormal's sum with the power of
 * two whose ulp is the subnormals' spacing is rounded there, and its low bits are the result; of other numbers the
 * exponent is rebiased, and half an ulp less one and the last bit kept are added before the rest is dropped: carries
 * fit.
 */
SIMT_FUNCTION uint32_t narrowed(enum dtype dtype, float value)
{
    uint32_t bits = float_to_bits(value), magnitude = bits & 0x7fffffffu;
    if (dtype == DTYPE_F32)
        return bits;
    int significand_bits = narrowed_significand_bits(dtype), min_exponent = narrowed_min_exponent(dtype);
    uint32_t dropped = (uint32_t)(24 - significand_bits);
    uint32_t power = (uint32_t)(min_exponent - significand_bits + 24 + 127) << 23;
    uint32_t subnormal = float_to_bits(__fadd_rn(float_from_bits(magnitude), float_from_bits(power))) - power;
    uint32_t normal = magnitude - ((uint32_t)(min_exponent + 126) << 23);
    normal = (normal + (1u << (dropped - 1)) - 1 + (magnitude >> dropped & 1)) >> dropped;
    uint32_t narrow = magnitude < (uint32_t)(min_exponent + 127) << 23 ? subnormal : normal;
    uint32_t sign = bits >> 31 << (8 * narrowed_bytes(dtype) - 1);
    return dtype == DTYPE_E4M3FNUZ && narrow == 0 ? 0 : sign | narrow; /* which has no -0 */
}

#endif
