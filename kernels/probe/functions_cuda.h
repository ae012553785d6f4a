/* A GPU's special functions at many inputs (function_dump.h), as CUDA kernels: for .cu files. */
#ifndef KERNELS_PROBE_FUNCTIONS_CUDA_H
#define KERNELS_PROBE_FUNCTIONS_CUDA_H

#include "kernels/probe/function_dump.h"

__device__ static uint32_t function_computed(enum function function, uint32_t input)
{
    float x = __uint_as_float(input), y;
    switch (function) {
    case FUNCTION_EX2_APPROX:
        asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
        break;
    case FUNCTION_RCP_APPROX:
        asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
        break;
    case FUNCTION_LG2_APPROX:
        asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
        break;
    case FUNCTION_EXP2:
        y = exp2f(x);
        break;
    case FUNCTION_EXP:
        y = expf(x);
        break;
    default:
        y = __expf(x);
    }
    uint32_t bits = __float_as_uint(y);
    return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fffffffu : bits;
}

/* Results at first + i, or at sample_input(i). */
__global__ static void evaluate_function(enum section_kind kind, enum function function, uint32_t first, uint32_t count,
                                         uint32_t *results)
{
    for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        results[i] = function_computed(function, kind == SECTION_RUN ? first + i : sample_input(i));
}

/* A block of threads for each block of inputs, from first_block on; digests are 0 before. */
__global__ static void digest_function(enum function function, uint32_t first_block, unsigned long long *digests)
{
    unsigned long long sum = 0;
    for (uint32_t i = threadIdx.x; i < BLOCK_INPUTS; i += blockDim.x) {
        uint32_t input = (first_block + blockIdx.x) * BLOCK_INPUTS + i;
        sum += result_mix(input, function_computed(function, input));
    }
    atomicAdd(&digests[blockIdx.x], sum);
}

#endif
