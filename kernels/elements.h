/* Elements of tensors: a lane's part of a row, widened to what kernels compute with, and results narrowed again. */
#ifndef KERNELS_ELEMENTS_H
#define KERNELS_ELEMENTS_H

#include "kernels/arithmetic.h"

enum { LANE_DIMS = 8 }; /* elements of a row that a lane holds */

/*
 * e5m2 is the upper byte of f16. e4m3 in f16's places is 2^-8 of the value, subnormals included; its one NaN is all
 * ones (OCP 8-bit floating point specification, 2023).
 */
#ifdef __CUDACC__
SIMT_FUNCTION float widen_fp8(enum dtype dtype, uint32_t byte)
{
    if (dtype == DTYPE_E5M2)
        return __half2float(__ushort_as_half((unsigned short)(byte << 8)));
    float eighth = __half2float(__ushort_as_half((unsigned short)((byte & 0x80u) << 8 | (byte & 0x7fu) << 7)));
    return (byte & 0x7fu) == 0x7fu ? float_from_bits(0x7fffffffu) : __fmul_rn(0x1p8f, eighth);
}
#endif

/* destination[0..7] = elements first..first+7 of a tensor, widened; first is a multiple of 8. 16-byte loads, 8 of fp8.
 */
#ifdef __CUDACC__
SIMT_FUNCTION void widen_lane(enum dtype dtype, const void *tensor, size_t first, float *destination)
{
    if (dtype == DTYPE_F32) {
        const float4 *source = (const float4 *)((const float *)tensor + first);
        float4 low = __ldg(source), high = __ldg(source + 1);
        destination[0] = low.x, destination[1] = low.y, destination[2] = low.z, destination[3] = low.w;
        destination[4] = high.x, destination[5] = high.y, destination[6] = high.z, destination[7] = high.w;
    } else if (dtype == DTYPE_E4M3 || dtype == DTYPE_E5M2) {
        uint2 packed = __ldg((const uint2 *)((const uint8_t *)tensor + first));
        SIMT_UNROLL
        for (int i = 0; i < 4; i++) {
            destination[i] = widen_fp8(dtype, packed.x >> 8 * i & 0xffu);
            destination[4 + i] = widen_fp8(dtype, packed.y >> 8 * i & 0xffu);
        }
    } else {
        uint4 packed = __ldg((const uint4 *)((const uint16_t *)tensor + first));
        uint32_t words[4] = {packed.x, packed.y, packed.z, packed.w};
        SIMT_UNROLL
        for (int i = 0; i < 4; i++) {
            if (dtype == DTYPE_BF16) {
                destination[2 * i] = __uint_as_float(words[i] << 16);
                destination[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
            } else {
                destination[2 * i] = __half2float(__ushort_as_half((unsigned short)(words[i] & 0xffffu)));
                destination[2 * i + 1] = __half2float(__ushort_as_half((unsigned short)(words[i] >> 16)));
            }
        }
    }
}

SIMT_FUNCTION void store_element(enum dtype dtype, void *tensor, size_t index, float value)
{
    if (dtype == DTYPE_F32)
        ((float *)tensor)[index] = value;
    else if (dtype == DTYPE_BF16)
        ((uint16_t *)tensor)[index] = __bfloat16_as_ushort(__float2bfloat16_rn(value));
    else
        ((uint16_t *)tensor)[index] = __half_as_ushort(__float2half_rn(value));
}
#else
#ifdef __F16C__
#include <immintrin.h>
#endif
SIMT_FUNCTION void widen_lane(enum dtype dtype, const void *tensor, size_t first, float *destination)
{
#ifdef __F16C__
    if (dtype == DTYPE_F16) {
        const __m128i *source = (const __m128i *)((const uint16_t *)tensor + first);
        _mm256_storeu_ps(destination, _mm256_cvtph_ps(_mm_loadu_si128(source)));
        return;
    }
#endif
    if (dtype == DTYPE_F32) {
        memcpy(destination, (const float *)tensor + first, LANE_DIMS * sizeof *destination);
    } else if (dtype == DTYPE_BF16) {
        const uint16_t *source = (const uint16_t *)tensor + first;
        for (int i = 0; i < LANE_DIMS; i++)
            destination[i] = float_from_bits((uint32_t)source[i] << 16);
    } else {
        dtype_widen(dtype, tensor, first, LANE_DIMS, destination);
    }
}

SIMT_FUNCTION void store_element(enum dtype dtype, void *tensor, size_t index, float value)
{
    dtype_narrow(dtype, tensor, index, 1, &value);
}
#endif

/* The same for reals; a replay's tensor out holds reals. */
#ifndef SIMT_REPLAY
SIMT_FUNCTION void load_lane(enum dtype dtype, const void *tensor, size_t first, real *destination)
{
    widen_lane(dtype, tensor, first, destination);
}

SIMT_FUNCTION void store_in(enum stage stage, enum dtype dtype, void *tensor, size_t index, real value)
{
    (void)stage;
    store_element(dtype, tensor, index, value);
}
#else
SIMT_FUNCTION void load_lane(enum dtype dtype, const void *tensor, size_t first, real *destination)
{
    float lane[LANE_DIMS];
    widen_lane(dtype, tensor, first, lane);
    for (int i = 0; i < LANE_DIMS; i++)
        destination[i] = real_of(lane[i]);
}

SIMT_FUNCTION void store_in(enum stage stage, enum dtype dtype, void *tensor, size_t index, real value)
{
    float rounded = dtype_round(dtype, value.computed);
    ((real *)tensor)[index] = replay_rounding(value, stage, rounded, (double)value.computed);
}
#endif

#endif
