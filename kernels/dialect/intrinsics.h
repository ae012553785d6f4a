/* Scalar operations on f32 that have one meaning on every device: CUDA's intrinsics under their own names. */
#ifndef KERNELS_DIALECT_INTRINSICS_H
#define KERNELS_DIALECT_INTRINSICS_H

#include <stdint.h>

#ifdef __CUDACC__

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#define SIMT_FUNCTION static __device__ __forceinline__
#define SIMT_BODY SIMT_FUNCTION
#define SIMT_ONE_BODY SIMT_FUNCTION
#define SIMT_NOINLINE static __device__ __noinline__
#define SIMT_CALLED SIMT_FUNCTION
#define SIMT_UNROLL _Pragma("unroll")
#define SIMT_NO_UNROLL _Pragma("unroll 1")

SIMT_FUNCTION float float_max(float a, float b)
{
    return fmaxf(a, b);
}

SIMT_FUNCTION uint32_t float_to_bits(float x)
{
    return __float_as_uint(x);
}

SIMT_FUNCTION float float_from_bits(uint32_t bits)
{
    return __uint_as_float(bits);
}

#else

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "reference/float_bits.h"

#define SIMT_FUNCTION static inline __attribute__((always_inline))
/* A kernel's body. Each of the kernel's variants has its own copy, with its dtype and group as constants; where
 * compiling them costs more than running one for all, they share it. */
#if defined SIMT_REPLAY || defined SIMT_SHARED_BODY
#define SIMT_BODY static __attribute__((noinline))
#else
#define SIMT_BODY SIMT_FUNCTION
#endif
/* A body that variants share on the host, where compiling one for each takes minutes: their constants are arguments. */
#define SIMT_ONE_BODY static __attribute__((noinline))
#define SIMT_NOINLINE static __attribute__((noinline))
/* A function that is a few instructions on a GPU and many here. */
#define SIMT_CALLED SIMT_NOINLINE
#define SIMT_UNROLL
#define SIMT_NO_UNROLL

SIMT_FUNCTION float __fmul_rn(float a, float b)
{
    return a * b;
}

SIMT_FUNCTION float __fadd_rn(float a, float b)
{
    return a + b;
}

SIMT_FUNCTION float __fsub_rn(float a, float b)
{
    return a - b;
}

SIMT_FUNCTION float __fdiv_rn(float a, float b)
{
    return a / b;
}

/* fmaxf without its call: the other operand where one is NaN. */
SIMT_FUNCTION float float_max(float a, float b)
{
    return b > a || a != a ? b : a;
}

#endif

#endif
