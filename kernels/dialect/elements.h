/* Elements of tensors: a lane's part of a row, widened to what kernels compute with, and results narrowed again. */
#ifndef KERNELS_DIALECT_ELEMENTS_H
#define KERNELS_DIALECT_ELEMENTS_H

#include "kernels/dialect/arithmetic.h"

/*
 * A lane's elements of a row before they are widened: on a GPU as they are in memory, so that a batch of rows can be
 * under way while none is used yet; on the host merely where they are.
 */
#ifdef __CUDACC__
struct fetched_lane {
    uint4 low, high; /* high of f32 alone, x and y of low of fp8 */
};

enum { ROWS_FETCHED = 8 }; /* rows that a lane fetches before it uses the first of them */

/*
 * e5m2 is the upper byte of f16. e4m3 in f16's places is 2^-8 of the value, subnormals included; its one NaN is all
 * ones (OCP 8-bit floating point specification, 2023). Every fp8 number is an f16 number, and from sm_89 on there is an
 * instruction for it, but for e4m3fnuz: in f16's places 2^-7 of the value, and NaN is 0x80.
 */
SIMT_FUNCTION float2 widen_fp8_pair(enum dtype dtype, uint32_t pair)
{
    if (dtype == DTYPE_E4M3FNUZ) {
        float numbers[2];
        for (int i = 0; i < 2; i++) {
            uint32_t byte = pair >> 8 * i & 0xffu, half = (byte & 0x80u) << 8 | (byte & 0x7fu) << 7;
            numbers[i] = byte == 0x80u ? float_from_bits(0x7fffffffu)
                                       : __fmul_rn(0x1p7f, __half2float(__ushort_as_half((unsigned short)half)));
        }
        return make_float2(numbers[0], numbers[1]);
    }
#if __CUDA_ARCH__ >= 890
    __half2_raw halves =
        __nv_cvt_fp8x2_to_halfraw2((__nv_fp8x2_storage_t)pair, dtype == DTYPE_E5M2 ? __NV_E5M2 : __NV_E4M3);
    return __half22float2(__half2(halves));
#else
    float values[2];
    for (int i = 0; i < 2; i++) {
        uint32_t byte = pair >> 8 * i & 0xffu;
        uint32_t half = dtype == DTYPE_E5M2 ? byte << 8 : (byte & 0x80u) << 8 | (byte & 0x7fu) << 7;
        values[i] = __half2float(__ushort_as_half((unsigned short)half));
        if (dtype == DTYPE_E4M3)
            values[i] = (byte & 0x7fu) == 0x7fu ? float_from_bits(0x7fffffffu) : __fmul_rn(0x1p8f, values[i]);
    }
    return make_float2(values[0], values[1]);
#endif
}

/* Elements first..first+7 of a tensor if they are present, else zeros; first is a multiple of 8. 16-byte loads, 8 of
 * fp8. */
SIMT_FUNCTION struct fetched_lane fetch_lane(enum dtype dtype, const void *tensor, size_t first, bool present)
{
    struct fetched_lane row = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    if (!present)
        return row;
    if (dtype == DTYPE_F32) {
        row.low = __ldg((const uint4 *)((const float *)tensor + first));
        row.high = __ldg((const uint4 *)((const float *)tensor + first) + 1);
    } else if (dtype >= DTYPE_E4M3) {
        uint2 bytes = __ldg((const uint2 *)((const uint8_t *)tensor + first));
        row.low.x = bytes.x;
        row.low.y = bytes.y;
    } else {
        row.low = __ldg((const uint4 *)((const uint16_t *)tensor + first));
    }
    return row;
}

/* destination[0..7]: what was fetched, widened. */
SIMT_FUNCTION void widen_floats(enum dtype dtype, const struct fetched_lane *row, float *destination)
{
    uint32_t words[8] = {row->low.x,  row->low.y,  row->low.z,  row->low.w,
                         row->high.x, row->high.y, row->high.z, row->high.w};
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i += 2) {
        float2 pair;
        if (dtype == DTYPE_F32)
            pair = make_float2(__uint_as_float(words[i]), __uint_as_float(words[i + 1]));
        else if (dtype == DTYPE_BF16)
            pair = make_float2(__uint_as_float(words[i / 2] << 16), __uint_as_float(words[i / 2] & 0xffff0000u));
        else if (dtype == DTYPE_F16)
            pair = make_float2(__half2float(__ushort_as_half((unsigned short)(words[i / 2] & 0xffffu))),
                               __half2float(__ushort_as_half((unsigned short)(words[i / 2] >> 16))));
        else
            pair = widen_fp8_pair(dtype, words[i / 4] >> 8 * (i % 4) & 0xffffu);
        destination[i] = pair.x;
        destination[i + 1] = pair.y;
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
#ifdef __AVX__
#include <immintrin.h>
#endif
struct fetched_lane {
    const void *elements;
};

enum { ROWS_FETCHED = 1 };

SIMT_FUNCTION struct fetched_lane fetch_lane(enum dtype dtype, const void *tensor, size_t first, bool present)
{
    size_t element_bytes = dtype == DTYPE_F32 ? 4 : dtype >= DTYPE_E4M3 ? 1 : 2;
    return (struct fetched_lane){present ? (const char *)tensor + first * element_bytes : NULL};
}

/* The row that lies so many elements behind another. */
SIMT_FUNCTION struct fetched_lane row_behind(enum dtype dtype, const struct fetched_lane *row, size_t elements)
{
    return fetch_lane(dtype, row->elements, elements, true);
}

/* These functions are inlined: that they would return their vectors in another way without AVX is nobody's concern. */
#pragma GCC diagnostic ignored "-Wpsabi"

typedef float lane_vector __attribute__((vector_size(LANE_DIMS * sizeof(float))));

/* What was fetched, widened, as one vector of the machine's: what is put together from parts waits for them. */
SIMT_FUNCTION lane_vector widened_lane(enum dtype dtype, const struct fetched_lane *row)
{
#ifdef __F16C__
    if (dtype == DTYPE_F16)
        return (lane_vector)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)row->elements));
#endif
#ifdef __AVX__
    if (dtype == DTYPE_F32)
        return (lane_vector)_mm256_loadu_ps((const float *)row->elements);
#endif
    float elements[LANE_DIMS];
    lane_vector vector;
    if (dtype == DTYPE_BF16) {
        const uint16_t *source = (const uint16_t *)row->elements;
        for (int i = 0; i < LANE_DIMS; i++)
            elements[i] = float_from_bits((uint32_t)source[i] << 16);
    } else {
        dtype_widen(dtype, row->elements, 0, LANE_DIMS, elements);
    }
    memcpy(&vector, elements, sizeof vector);
    return vector;
}

SIMT_FUNCTION void widen_floats(enum dtype dtype, const struct fetched_lane *row, float *destination)
{
    lane_vector vector = widened_lane(dtype, row);
    memcpy(destination, &vector, sizeof vector);
}

SIMT_FUNCTION void store_element(enum dtype dtype, void *tensor, size_t index, float value)
{
    dtype_narrow(dtype, tensor, index, 1, &value);
}
#endif

/* The same for reals; a replay's tensor out holds reals. */
#ifndef SIMT_REPLAY
SIMT_FUNCTION void widen_lane(enum dtype dtype, const struct fetched_lane *row, real *destination)
{
    widen_floats(dtype, row, destination);
}

SIMT_FUNCTION void store_in(enum stage stage, enum dtype dtype, void *tensor, size_t index, real value)
{
    (void)stage;
    store_element(dtype, tensor, index, value);
}
#else
SIMT_FUNCTION void widen_lane(enum dtype dtype, const struct fetched_lane *row, real *destination)
{
    float lane[LANE_DIMS];
    widen_floats(dtype, row, lane);
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
