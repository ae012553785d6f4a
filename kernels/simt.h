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
 *
 *   struct warp_scatter s                  a reduce-scatter: every lane has a number for each lane of its group, and
 *   warp_scatter_index(n, group)           lane r is to get the group's sum of those for r. They are handed over one by
 *   warp_scatter_add_in(stage, &s, n, group, x)
 *                                          one, n = 0 .. group - 1, that for lane warp_scatter_index(n, group) as the
 *   warp_scatter_end_in(stage, &s, group)  n-th, and the last call has the sum. Pairs of lanes are added at distance
 *                                          group/2 first, then group/4, ...
 *   struct warp_gather g                   an all-gather: after begin,
 *   warp_gather_begin(&g, x, group)        warp_gather_at(&g, r, group) is x of lane r of the caller's group
 *   load_shared_4(from, to)                to[4] = from[4], aligned to 16 bytes in shared memory; never kept from an
 *                                          earlier call, so that it takes no registers in between
 *
 * group is 8, 16 or 32 and, like stage, n and r, a constant after inlining and unrolling.
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
