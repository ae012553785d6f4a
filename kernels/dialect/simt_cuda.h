/* The kernel dialect (simt.h) on a GPU: what CUDA C does not have already. */
#ifndef KERNELS_DIALECT_SIMT_CUDA_H
#define KERNELS_DIALECT_SIMT_CUDA_H

#include "kernels/dialect/fused_sum.h"
#include "kernels/dialect/real.h"
#include "kernels/geometry.h"

#define SIMT_ENTRY(name) cuda_##name

/* Two blocks a multiprocessor: 128 registers a thread. */
#define SIMT_KERNEL(name, type, args)                                  \
    extern "C" __global__ void __launch_bounds__(MAX_BLOCK_THREADS, 2) \
        SIMT_ENTRY(name)(const __grid_constant__ type args)

SIMT_FUNCTION real warp_max_from(real x, int first_offset)
{
    SIMT_UNROLL
    for (int offset = WARP_SIZE / 2; offset >= first_offset; offset /= 2)
        x = real_max(x, __shfl_xor_sync(0xffffffffu, x, offset));
    return x;
}

SIMT_FUNCTION real warp_max(real x)
{
    return warp_max_from(x, 1);
}

SIMT_FUNCTION real warp_sum_in(enum stage stage, real x, int first_offset)
{
    SIMT_UNROLL
    for (int offset = WARP_SIZE / 2; offset >= first_offset; offset /= 2)
        x = add_in(stage, x, __shfl_xor_sync(0xffffffffu, x, offset));
    return x;
}

SIMT_FUNCTION void warp_sums_in(enum stage stage, real *x, int first_offset)
{
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        x[i] = warp_sum_in(stage, x[i], first_offset);
}

/*
 * A binary counter of partial sums: level i holds one of 2^i numbers that waits for its partner. Numbers come in the
 * order of reversed bits, so that partners follow each other and no more than log2(group) sums wait at any time.
 */
struct warp_scatter {
    real levels[6];
};

SIMT_FUNCTION int warp_scatter_index(int n, int group)
{
    int index = 0;
    SIMT_UNROLL
    for (int bit = 1; bit < group; bit *= 2)
        index = index * 2 + (n / bit & 1);
    return index;
}

/* Of two numbers for lanes `offset` apart a lane keeps that for its own half and gives the other away. */
SIMT_FUNCTION real warp_exchange_in(enum stage stage, real low, real high, int offset)
{
    bool upper = threadIdx.x & (unsigned)offset;
    real send = upper ? low : high, keep = upper ? high : low;
    return add_in(stage, keep, __shfl_xor_sync(0xffffffffu, send, offset));
}

SIMT_FUNCTION void warp_scatter_add_in(enum stage stage, struct warp_scatter *scatter, int n, int group, real x)
{
    int level = 0;
    SIMT_UNROLL
    for (int bit = 1; bit < group; bit *= 2)
        if ((n & (2 * bit - 1)) == 2 * bit - 1) { /* both halves of a pair are here */
            x = warp_exchange_in(stage, scatter->levels[level], x, group / 2 / bit);
            level++;
        }
    scatter->levels[level] = x;
}

SIMT_FUNCTION real warp_scatter_end_in(enum stage stage, const struct warp_scatter *scatter, int group)
{
    (void)stage;
    return scatter->levels[group == 8 ? 3 : group == 16 ? 4 : 5];
}

/* As in NVIDIA's sample threadFenceReduction: the fences keep what a block has written before its arrival, and what the
 * last one reads behind it. */
SIMT_FUNCTION bool last_of_blocks(uint32_t *arrivals, uint32_t blocks)
{
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(arrivals, 1u) == blocks - 1;
        if (last)
            *arrivals = 0;
    }
    __syncthreads();
    __threadfence();
    return last;
}

struct warp_gather {
    real x;
};

SIMT_FUNCTION void warp_gather_begin(struct warp_gather *gather, real x, int group)
{
    (void)group;
    gather->x = x;
}

SIMT_FUNCTION real warp_gather_at(const struct warp_gather *gather, int lane, int group)
{
    return __shfl_sync(0xffffffffu, gather->x, lane, group);
}

SIMT_FUNCTION void load_shared_4(const float *from, float *to)
{
    uint32_t address = (uint32_t)__cvta_generic_to_shared(from);
    asm volatile("ld.volatile.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
                 : "=f"(to[0]), "=f"(to[1]), "=f"(to[2]), "=f"(to[3])
                 : "r"(address));
}

#define SIMT_MMA(type)                                                                                              \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." type "." type ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, " \
                 "{%8, %9}, {%0, %1, %2, %3};"                                                                      \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                   \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))

typedef uint32_t element_pair;

SIMT_FUNCTION element_pair pair_of(enum dtype dtype, real low, real high)
{
    if (dtype == DTYPE_F16)
        return __half_as_ushort(__float2half_rn(low)) | (uint32_t)__half_as_ushort(__float2half_rn(high)) << 16;
    return __float_as_uint(low) >> 16 | (__float_as_uint(high) & 0xffff0000u);
}

SIMT_FUNCTION element_pair pair_of_word(enum dtype dtype, uint32_t word)
{
    (void)dtype;
    return word;
}

SIMT_FUNCTION element_pair warp_transpose(element_pair pair)
{
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %0;" : "+r"(pair));
    return pair;
}

SIMT_FUNCTION void warp_mma_in(enum stage stage, enum tensor_core tensor_core, enum dtype dtype, const uint32_t *a,
                               const element_pair *b, real *d)
{
    (void)stage, (void)tensor_core; /* the GPU's own */
    if (dtype == DTYPE_F16)
        SIMT_MMA("f16");
    else
        SIMT_MMA("bf16");
}

#endif
