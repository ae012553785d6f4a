/* The kernel dialect (simt.h) on a GPU: what CUDA C does not have already. */
#ifndef KERNELS_SIMT_CUDA_H
#define KERNELS_SIMT_CUDA_H

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

#define SIMT_KERNEL(name, type, args) extern "C" __global__ void cuda_##name(const __grid_constant__ type args)
#define SIMT_FUNCTION static __device__ __forceinline__
#define SIMT_UNROLL _Pragma("unroll")

SIMT_FUNCTION float float_max(float a, float b)
{
    return fmaxf(a, b);
}

SIMT_FUNCTION uint32_t float_bits(float x)
{
    return __float_as_uint(x);
}

SIMT_FUNCTION float float_from_bits(uint32_t bits)
{
    return __uint_as_float(bits);
}

SIMT_FUNCTION float warp_max(float x)
{
    SIMT_UNROLL
    for (int offset = WARP_SIZE / 2; offset > 0; offset /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, offset));
    return x;
}

SIMT_FUNCTION float warp_sum(float x, int first_offset)
{
    SIMT_UNROLL
    for (int offset = WARP_SIZE / 2; offset >= first_offset; offset /= 2)
        x = __fadd_rn(x, __shfl_xor_sync(0xffffffffu, x, offset));
    return x;
}

SIMT_FUNCTION float warp_reduce_scatter(float *x, int group)
{
    int lane = (int)threadIdx.x % WARP_SIZE;
    SIMT_UNROLL
    for (int offset = group / 2; offset > 0; offset /= 2) {
        bool upper = lane & offset;
        SIMT_UNROLL
        for (int i = 0; i < offset; i++) {
            float send = upper ? x[i] : x[i + offset];
            float keep = upper ? x[i + offset] : x[i];
            x[i] = __fadd_rn(keep, __shfl_xor_sync(0xffffffffu, send, offset));
        }
    }
    return x[0];
}

SIMT_FUNCTION void warp_all_gather(float x, int group, float *all)
{
    SIMT_UNROLL
    for (int i = 0; i < group; i++)
        all[i] = __shfl_sync(0xffffffffu, x, i, group);
}

#endif
