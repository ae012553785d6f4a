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
 *   warp_max_from(x, first_offset)         the same over lanes as warp_sum_in() takes them
 *   warp_sum_in(stage, x, first_offset)    sum over lanes that differ in the bits first_offset, 2 first_offset, .. 16
 *                                          of their index: butterfly, highest bit first; 1 sums the whole warp
 *   warp_sums_in(stage, x, first_offset)   the same of each of x[LANE_DIMS], which the sums take the place of
 *
 *   struct warp_scatter s                  a reduce-scatter: every lane has a number for each lane of its group, and
 *   warp_scatter_index(n, group)           lane r is to get the group's sum of those for r. They are handed over one by
 *   warp_scatter_add_in(stage, &s, n, group, x)
 *                                          one, n = 0 .. group - 1, that for lane warp_scatter_index(n, group) as the
 *   warp_scatter_end_in(stage, &s, group)  n-th, and the last call has the sum. Pairs of lanes are added at distance
 *                                          group/2 first, then group/4, ...
 *   struct warp_gather g                   an all-gather: after begin,
 *   warp_gather_begin(&g, x, group)        warp_gather_at(&g, r, group) is x of lane r of the caller's group
 *   last_of_blocks(&arrivals, n)           whether a block is the last of n to call it, the same for all its threads,
 *                                          each of which calls it; that one then sees all that the others have written
 *                                          before they did. arrivals is 0 before the first and after the last
 *   load_shared_4(from, to)                to[4] = from[4], aligned to 16 bytes in shared memory; never kept from an
 *                                          earlier call, so that it takes no registers in between
 *   element_pair pair_of(dtype, x, y)      two numbers that f16 or bf16 holds, as fragments have them
 *   element_pair pair_of_word(dtype, w)    the same of two elements in memory
 *   warp_transpose(pair)                   of 8 x 8 such elements, of which a lane has row g, columns 2t and 2t + 1,
 *                                          those at rows 2t and 2t + 1 of column g (g, t: see below): movmatrix
 *   warp_mma_in(stage, tensor_core, dtype, a, b, d)
 *                                          D += A B on the tensor cores, A of 16 x 16 and B of 16 x 8 elements of f16
 *                                          or bf16, D of 16 x 8 numbers: mma.sync m16n8k16, each element of D a
 *                                          fused_sum
 *
 * group is 8, 16 or 32 and, like stage, dtype, n and r, a constant after inlining and unrolling.
 *
 * Of A, B and D a lane holds fragments (PTX ISA, "Matrix Fragments for mma.m16n8k16"). With g = lane / 4 and t = lane %
 * 4, two elements to a word of a and b, the first in the low half:
 *
 *   uint32_t a[4]      A[g][2t, 2t+1]  A[g+8][2t, 2t+1]  A[g][2t+8, 2t+9]  A[g+8][2t+8, 2t+9]
 *   element_pair b[2]  B[2t, 2t+1][g]  B[2t+8, 2t+9][g]
 *   real d[4]          D[g][2t]  D[g][2t+1]  D[g+8][2t]  D[g+8][2t+1]
 *
 * tensor_core says whose sums the host device makes; a GPU makes its own. In a replay (real.h) A is without error, as
 * elements in memory are.
 */
#ifndef KERNELS_DIALECT_SIMT_H
#define KERNELS_DIALECT_SIMT_H

#ifdef __CUDACC__
#include "kernels/dialect/simt_cuda.h"
#else
#include "kernels/dialect/simt_host.h"
#endif

#endif
