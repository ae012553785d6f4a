/* The kernel dialect (simt.h) on a GPU: what CUDA C does not have already. */
#ifndef KERNELS_SIMT_CUDA_H
#define KERNELS_SIMT_CUDA_H

#include "kernels/real.h"

#define SIMT_KERNEL(name, type, args) extern "C" __global__ void cuda_##name(const __grid_constant__ type args)

SIMT_FUNCTION real warp_max(real x)
{
    SIMT_UNROLL
    for (int offset = WARP_SIZE / 2; offset > 0; offset /= 2)
        x = real_max(x, __shfl_xor_sync(0xffffffffu, x, offset));
    return x;
}

SIMT_FUNCTION real warp_sum_in(enum stage stage, real x, int first_offset)
{
    SIMT_UNROLL
    for (int offset = WARP_SIZE / 2; offset >= first_offset; offset /= 2)
        x = add_in(stage, x, __shfl_xor_sync(0xffffffffu, x, offset));
    return x;
}

SIMT_FUNCTION real warp_reduce_scatter_in(enum stage stage, real *x, int group)
{
    int lane = (int)threadIdx.x % WARP_SIZE;
    SIMT_UNROLL
    for (int offset = group / 2; offset > 0; offset /= 2) {
        bool upper = lane & offset;
        SIMT_UNROLL
        for (int i = 0; i < offset; i++) {
            real send = upper ? x[i] : x[i + offset];
            real keep = upper ? x[i + offset] : x[i];
            x[i] = add_in(stage, keep, __shfl_xor_sync(0xffffffffu, send, offset));
        }
    }
    return x[0];
}

SIMT_FUNCTION void warp_all_gather(real x, int group, real *all)
{
    SIMT_UNROLL
    for (int i = 0; i < group; i++)
        all[i] = __shfl_sync(0xffffffffu, x, i, group);
}

#endif
