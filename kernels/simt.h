/*
 * The dialect that kernels are written in: CUDA C in the C subset, compiled by nvcc for the GPU and by gcc or clang
 * for the host device.
 *
 * Available in kernels: threadIdx.x, blockIdx.x, .y and .z, blockDim.x, __shared__, __device__, __syncthreads(), the
 * arithmetic of real.h, and the warp primitives below. Blocks are one-dimensional and a multiple of 32 threads. Every
 * lane of a warp calls a warp primitive from the same place, every thread of a block the same __syncthreads(); the host
 * device reports a violation with both places. Sums are taken in one fixed order, so the bits are the same on every
 * device.
 *
 *   SIMT_KERNEL(name, type, args) { ... }  a kernel that is launched with one argument, a struct
 *   warp_max(x)                            largest x of the warp
 *   warp_sum_in(stage, x, first_offset)    sum over lanes that differ in the bits first_offset, 2 first_offset, .. 16
 *                                          of their index: butterfly, highest bit first; 1 sums the whole warp
 *   warp_reduce_scatter_in(stage, x, group)
 *                                          x[group]: lane r of each group of lanes gets the group's sum of x[r];
 *                                          pairs are added at distance group/2 first, then group/4, ... x is destroyed
 *   warp_all_gather(x, group, all)         all[r] = x of lane r of the caller's group
 *
 * group is 8, 16 or 32 and, like stage, a constant after inlining.
 */
#ifndef KERNELS_SIMT_H
#define KERNELS_SIMT_H

enum { WARP_SIZE = 32, MAX_BLOCK_THREADS = 256 };

#ifdef __CUDACC__
#include "kernels/simt_cuda.h"
#else
#include "kernels/simt_host.h"
#endif

#endif
