/*
 * The kernel dialect (simt.h) on the host: a SIMT executor that runs each thread of a block on a fiber, in lock step.
 *
 * The lanes of a warp run one after the other, each up to its next warp primitive or barrier; the last to arrive
 * combines what the others left, and the round starts again. Warps take turns at barriers only. A warp whose lanes
 * arrive at different places, and a block whose warps do, is the error that a GPU leaves undefined.
 */
#ifndef KERNELS_SIMT_HOST_H
#define KERNELS_SIMT_HOST_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "reference/error.h"

/* A place in a kernel where threads wait for each other. */
struct simt_site {
    const char *primitive;
    const char *file;
    int line;
};

struct simt_index {
    unsigned x, y, z;
};

/* The part of a running block that kernels reach; one a CPU thread. */
struct simt_block {
    struct simt_index block_idx, block_dim;
    int thread; /* index of the running fiber */
    /* What lanes hand over: [parity][warp][lane][value]. Two copies, since a lane may be one primitive ahead. */
    float (*exchange)[MAX_BLOCK_THREADS][WARP_SIZE];
    unsigned *parity; /* [thread]: which copy its next primitive uses */
};

extern _Thread_local struct simt_block *simt_block;

typedef void simt_combine(float (*lanes)[WARP_SIZE], int group);

/* Waits for the other lanes of the warp; the last one calls combine on the warp's part of the exchange. */
void simt_warp_arrive(const struct simt_site *site, simt_combine *combine, float (*lanes)[WARP_SIZE], int group);

/* Waits for the other threads of the block. */
void simt_block_arrive(const struct simt_site *site);

simt_combine simt_combine_none, simt_combine_max, simt_combine_sum, simt_combine_scatter;

typedef void simt_kernel(const void *arguments);

struct simt_grid {
    unsigned blocks_x, blocks_y;
    unsigned threads; /* a block; a multiple of WARP_SIZE, at most MAX_BLOCK_THREADS */
};

enum simt_order {
    SIMT_FORWARD,
    SIMT_BACKWARD /* lanes and warps run in descending order: other bits than forward mean a race in the kernel */
};

struct simt_executor; /* fiber stacks of a number of CPU threads */

enum error_kind simt_executor_new(struct simt_executor **executor, int threads, enum simt_order order,
                                  struct error *error);
void simt_executor_free(struct simt_executor *executor);

/* Runs a kernel over a grid. ERROR_SYSTEM with both places if threads diverge. */
enum error_kind simt_launch(struct simt_executor *executor, const char *name, simt_kernel *kernel,
                            const void *arguments, const struct simt_grid *grid, struct error *error);

/* ---- the dialect ---- */

#define SIMT_KERNEL(name, type, args)       \
    static void name(const type args);      \
    void host_##name(const void *arguments) \
    {                                       \
        name(*(const type *)arguments);     \
    }                                       \
    static void name(const type args)
#define SIMT_FUNCTION static inline __attribute__((always_inline))
#define SIMT_UNROLL

#define __shared__ static _Thread_local
#define threadIdx ((struct simt_index){(unsigned)simt_block->thread, 0, 0})
#define blockIdx (simt_block->block_idx)
#define blockDim (simt_block->block_dim)

#define SIMT_SITE(primitive)                                                  \
    __extension__({                                                           \
        static const struct simt_site site = {primitive, __FILE__, __LINE__}; \
        &site;                                                                \
    })

#define __syncthreads() simt_block_arrive(SIMT_SITE("__syncthreads"))
#define warp_max(x) simt_warp_max(SIMT_SITE("warp_max"), x)
#define warp_sum(x, first_offset) simt_warp_sum(SIMT_SITE("warp_sum"), x, first_offset)
#define warp_reduce_scatter(x, group) simt_warp_reduce_scatter(SIMT_SITE("warp_reduce_scatter"), x, group)
#define warp_all_gather(x, group, all) simt_warp_all_gather(SIMT_SITE("warp_all_gather"), x, group, all)

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

SIMT_FUNCTION uint32_t float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

SIMT_FUNCTION float float_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The warp's rows of the copy of the exchange that this thread's next primitive uses. */
SIMT_FUNCTION float (*simt_exchange(int thread))[WARP_SIZE]
{
    unsigned parity = simt_block->parity[thread]++ & 1;
    return simt_block->exchange[parity] + thread / WARP_SIZE * WARP_SIZE;
}

SIMT_FUNCTION float simt_warp_max(const struct simt_site *site, float x)
{
    int thread = simt_block->thread;
    float(*lanes)[WARP_SIZE] = simt_exchange(thread);
    lanes[0][thread % WARP_SIZE] = x;
    simt_warp_arrive(site, simt_combine_max, lanes, 0);
    return lanes[0][0];
}

SIMT_FUNCTION float simt_warp_sum(const struct simt_site *site, float x, int first_offset)
{
    int thread = simt_block->thread;
    float(*lanes)[WARP_SIZE] = simt_exchange(thread);
    lanes[0][thread % WARP_SIZE] = x;
    simt_warp_arrive(site, simt_combine_sum, lanes, first_offset);
    return lanes[0][thread % WARP_SIZE];
}

SIMT_FUNCTION float simt_warp_reduce_scatter(const struct simt_site *site, float *x, int group)
{
    int thread = simt_block->thread, lane = thread % WARP_SIZE;
    float(*lanes)[WARP_SIZE] = simt_exchange(thread);
    memcpy(lanes[lane], x, (size_t)group * sizeof *x);
    simt_warp_arrive(site, simt_combine_scatter, lanes, group);
    return lanes[lane / group * group][lane % group];
}

SIMT_FUNCTION void simt_warp_all_gather(const struct simt_site *site, float x, int group, float *all)
{
    int thread = simt_block->thread, lane = thread % WARP_SIZE;
    float(*lanes)[WARP_SIZE] = simt_exchange(thread);
    lanes[0][lane] = x;
    simt_warp_arrive(site, simt_combine_none, lanes, group);
    memcpy(all, lanes[0] + lane / group * group, (size_t)group * sizeof *all);
}

#endif
