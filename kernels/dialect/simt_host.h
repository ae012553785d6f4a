/*
 * The kernel dialect (simt.h) on the host: a SIMT executor that runs each thread of a block on a fiber, in lock step.
 *
 * The lanes of a warp run one after the other, each up to its next warp primitive or barrier; the last to arrive
 * combines what the others left, and the round starts again. Warps take turns at barriers only. A warp whose lanes
 * arrive at different places, and a block whose warps do, is the error that a GPU leaves undefined.
 */
#ifndef KERNELS_DIALECT_SIMT_HOST_H
#define KERNELS_DIALECT_SIMT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/dialect/fused_sum.h"
#include "kernels/dialect/real.h"
#include "kernels/geometry.h"
#include "reference/error.h"

/* A place in a kernel where threads wait for each other. */
struct simt_site {
    const char *primitive;
    const char *file;
    int line;
    enum stage stage; /* of the additions that it makes */
};

struct simt_index {
    unsigned x, y, z;
};

/* The part of a running block that kernels reach; one a CPU thread. */
struct simt_block {
    struct simt_index block_idx, block_dim;
    int thread; /* index of the running fiber */
    /* What the lanes of a warp hand over: real [copy][lane][value]. Two copies, since a lane may be one primitive
     * ahead; of no more than one warp, since warps take turns at barriers only. */
    void *exchange;
    unsigned copy; /* which one the next primitive uses */
};

extern _Thread_local struct simt_block *simt_block;

/* values: real [lane][value]. */
typedef void simt_combine(void *values, int group, enum stage stage);

/* Waits for the other lanes of the warp; the last one calls combine on what they left in the exchange. */
void simt_warp_arrive(const struct simt_site *site, simt_combine *combine, void *values, int group);

/* Waits for the other threads of the block. */
void simt_block_arrive(const struct simt_site *site);

/* Whether the calling thread is in a kernel. For signal handlers too, which there have a stack of their own
 * (SA_ONSTACK): no lock is held, and no memory being allocated. */
bool simt_runs_here(void);

typedef void simt_kernel(const void *arguments);

struct simt_grid {
    unsigned blocks_x, blocks_y, blocks_z;
    unsigned threads; /* a block; a multiple of WARP_SIZE, at most MAX_BLOCK_THREADS */
};

enum simt_order {
    SIMT_FORWARD,
    SIMT_BACKWARD /* lanes, warps and blocks run in descending order. Of two threads that race each runs first in one of
                   * the orders, so that other bits than forward mean a race in the kernel */
};

struct simt_executor; /* fiber stacks of a number of CPU threads */

/* For kernels whose `real` has real_bytes: sizeof(float), or sizeof(struct replayed) for a replay. */
enum error_kind simt_executor_new(struct simt_executor **executor, int threads, enum simt_order order,
                                  size_t real_bytes, struct error *error);
void simt_executor_free(struct simt_executor *executor);

/* The order of the launches to come. */
void simt_executor_set_order(struct simt_executor *executor, enum simt_order order);

/* CPU threads. */
unsigned simt_executor_threads(const struct simt_executor *executor);

/* Of the stack that each thread of a block has. */
size_t simt_stack_bytes(const struct simt_executor *executor);

/* Runs a kernel over a grid. ERROR_SYSTEM with both places if threads diverge, with the thread if its stack overflows.
 */
enum error_kind simt_launch(struct simt_executor *executor, const char *name, simt_kernel *kernel,
                            const void *arguments, const struct simt_grid *grid, struct error *error);

/* ---- the dialect ---- */

#ifdef SIMT_REPLAY
#define SIMT_ENTRY(name) replay_##name
#else
#define SIMT_ENTRY(name) host_##name
#endif

#define SIMT_KERNEL(name, type, args)                   \
    static void name(const type args);                  \
    static void SIMT_ENTRY(name)(const void *arguments) \
    {                                                   \
        name(*(const type *)arguments);                 \
    }                                                   \
    static void name(const type args)

#define __shared__ static _Thread_local
#define threadIdx ((struct simt_index){(unsigned)simt_block->thread, 0, 0})
#define blockIdx (simt_block->block_idx)
#define blockDim (simt_block->block_dim)

#define SIMT_SITE(primitive, stage)                                                  \
    __extension__({                                                                  \
        static const struct simt_site site = {primitive, __FILE__, __LINE__, stage}; \
        &site;                                                                       \
    })

#define __syncthreads() simt_block_arrive(SIMT_SITE("__syncthreads", STAGE_NONE))
#define warp_max(x) simt_warp_max(SIMT_SITE("warp_max", STAGE_NONE), x, 1)
#define warp_max_from(x, first_offset) simt_warp_max(SIMT_SITE("warp_max_from", STAGE_NONE), x, first_offset)
#define warp_sum_in(stage, x, first_offset) simt_warp_sum(SIMT_SITE("warp_sum_in", stage), x, first_offset)
#define warp_sums_in(stage, x, first_offset) simt_warp_sums(SIMT_SITE("warp_sums_in", stage), x, first_offset)
#define warp_scatter_end_in(stage, scatter, group) \
    simt_warp_scatter(SIMT_SITE("warp_scatter_end_in", stage), scatter, group)
#define warp_gather_begin(gather, x, group) \
    simt_warp_gather(SIMT_SITE("warp_gather_begin", STAGE_NONE), gather, x, group)
#define warp_transpose(pair) simt_warp_transpose(SIMT_SITE("warp_transpose", STAGE_NONE), pair)
#define warp_mma_in(stage, tensor_core, dtype, a, b, d) \
    simt_warp_mma(SIMT_SITE("warp_mma_in", stage), tensor_core, dtype, a, b, d)

/* ---- combining what the lanes of a warp left: lanes[r][t] is lane r's value t ---- */

static inline void simt_combine_none(void *values, int group, enum stage stage)
{
    (void)values, (void)group, (void)stage;
}

/* Of lanes that differ in first_offset and what is above it, the first has the largest. */
static inline void simt_combine_max(void *values, int first_offset, enum stage stage)
{
    real *x = values;
    (void)stage;
    for (int offset = WARP_SIZE / 2; offset >= first_offset; offset /= 2)
        for (int i = 0; i < offset; i++)
            x[i] = real_max(x[i], x[i + offset]);
}

static inline void simt_combine_sum(void *values, int first_offset, enum stage stage)
{
    real *x = values;
    for (int offset = WARP_SIZE / 2; offset >= first_offset; offset /= 2)
        for (int i = 0; i < WARP_SIZE; i++)
            if (!(i & offset))
                x[i] = x[i + offset] = add_in(stage, x[i], x[i + offset]);
}

static inline void simt_combine_sums(void *values, int first_offset, enum stage stage)
{
    real(*lanes)[WARP_SIZE] = values;
    for (int offset = WARP_SIZE / 2; offset >= first_offset; offset /= 2)
        for (int r = 0; r < WARP_SIZE; r++)
            for (int t = 0; t < LANE_DIMS && !(r & offset); t++)
                lanes[r][t] = lanes[r + offset][t] = add_in(stage, lanes[r][t], lanes[r + offset][t]);
}

/* Pairs at distance group/2 first; row 0 of each group ends with the sums. */
static inline void simt_combine_scatter(void *values, int group, enum stage stage)
{
    real(*lanes)[WARP_SIZE] = values;
    for (int first = 0; first < WARP_SIZE; first += group)
        for (int offset = group / 2; offset > 0; offset /= 2)
            for (int r = first; r < first + offset; r++)
                for (int t = 0; t < group; t++)
                    lanes[r][t] = add_in(stage, lanes[r][t], lanes[r + offset][t]);
}

/* ---- warp primitives ---- */

/* The copy of the exchange that the warp's next primitive uses. */
SIMT_FUNCTION real (*simt_exchange(void))[WARP_SIZE]
{
    real(*copies)[WARP_SIZE][WARP_SIZE] = simt_block->exchange;
    return copies[simt_block->copy];
}

SIMT_FUNCTION int simt_lane(void)
{
    return (int)((unsigned)simt_block->thread % WARP_SIZE);
}

SIMT_FUNCTION real simt_warp_max(const struct simt_site *site, real x, int first_offset)
{
    int lane = simt_lane();
    real(*lanes)[WARP_SIZE] = simt_exchange();
    lanes[0][lane] = x;
    simt_warp_arrive(site, simt_combine_max, lanes, first_offset);
    return lanes[0][lane % first_offset];
}

SIMT_FUNCTION real simt_warp_sum(const struct simt_site *site, real x, int first_offset)
{
    int lane = simt_lane();
    real(*lanes)[WARP_SIZE] = simt_exchange();
    lanes[0][lane] = x;
    simt_warp_arrive(site, simt_combine_sum, lanes, first_offset);
    return lanes[0][lane];
}

SIMT_FUNCTION void simt_warp_sums(const struct simt_site *site, real *x, int first_offset)
{
    int lane = simt_lane();
    real(*lanes)[WARP_SIZE] = simt_exchange();
    memcpy(lanes[lane], x, LANE_DIMS * sizeof x[0]);
    simt_warp_arrive(site, simt_combine_sums, lanes, first_offset);
    memcpy(x, lanes[lane], LANE_DIMS * sizeof x[0]);
}

/* Lanes wait once, when all numbers are there; partners are added as they are on a GPU. */
struct warp_scatter {
    real x[WARP_SIZE]; /* [group] */
};

SIMT_FUNCTION int warp_scatter_index(int n, int group)
{
    (void)group;
    return n;
}

SIMT_FUNCTION void warp_scatter_add_in(enum stage stage, struct warp_scatter *scatter, int n, int group, real x)
{
    (void)stage, (void)group;
    scatter->x[n] = x;
}

SIMT_FUNCTION real simt_warp_scatter(const struct simt_site *site, const struct warp_scatter *scatter, int group)
{
    int lane = simt_lane();
    real(*lanes)[WARP_SIZE] = simt_exchange();
    memcpy(lanes[lane], scatter->x, (size_t)group * sizeof scatter->x[0]);
    simt_warp_arrive(site, simt_combine_scatter, lanes, group);
    return lanes[lane / group * group][lane % group];
}

struct warp_gather {
    real all[WARP_SIZE]; /* [group] */
};

SIMT_FUNCTION void simt_warp_gather(const struct simt_site *site, struct warp_gather *gather, real x, int group)
{
    int lane = simt_lane();
    real(*lanes)[WARP_SIZE] = simt_exchange();
    lanes[0][lane] = x;
    simt_warp_arrive(site, simt_combine_none, lanes, group);
    memcpy(gather->all, lanes[0] + lane / group * group, (size_t)group * sizeof x);
}

SIMT_FUNCTION real warp_gather_at(const struct warp_gather *gather, int lane, int group)
{
    (void)group;
    return gather->all[lane];
}

/* What a block has written is seen by one that arrives later, on whatever CPU thread it runs. */
SIMT_FUNCTION bool last_of_blocks(uint32_t *arrivals, uint32_t blocks)
{
    __shared__ bool last;
    __syncthreads();
    if (threadIdx.x == 0) {
        last = __atomic_fetch_add(arrivals, 1, __ATOMIC_ACQ_REL) == blocks - 1;
        if (last)
            __atomic_store_n(arrivals, 0, __ATOMIC_RELAXED);
    }
    __syncthreads();
    return last;
}

SIMT_FUNCTION void load_shared_4(const real *from, real *to)
{
    memcpy(to, from, 4 * sizeof *to);
}

/* ---- matrices ---- */

#ifndef SIMT_REPLAY
typedef uint16_t simt_element;
#else
typedef real simt_element; /* what f16 or bf16 holds but for the errors beside it */
#endif

typedef struct {
    simt_element low, high;
} element_pair;

SIMT_FUNCTION simt_element element_of(enum dtype dtype, real x)
{
#ifndef SIMT_REPLAY
    uint16_t element;
    dtype_narrow(dtype, &element, 0, 1, &x);
    return element;
#else
    (void)dtype;
    return x;
#endif
}

SIMT_FUNCTION element_pair pair_of(enum dtype dtype, real low, real high)
{
    return (element_pair){element_of(dtype, low), element_of(dtype, high)};
}

SIMT_FUNCTION element_pair pair_of_word(enum dtype dtype, uint32_t word)
{
    const uint16_t elements[2] = {(uint16_t)word, (uint16_t)(word >> 16)};
#ifndef SIMT_REPLAY
    (void)dtype;
    return (element_pair){elements[0], elements[1]};
#else
    float widened[2];
    dtype_widen(dtype, elements, 0, 2, widened);
    return (element_pair){real_of(widened[0]), real_of(widened[1])};
#endif
}

/* Pairs of lanes lie side by side: the matrix, row by row. */
static inline void simt_combine_transpose(void *values, int rows, enum stage stage)
{
    simt_element *matrix = values;
    (void)stage;
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < row; column++) {
            simt_element above = matrix[column * rows + row];
            matrix[column * rows + row] = matrix[row * rows + column];
            matrix[row * rows + column] = above;
        }
}

SIMT_FUNCTION element_pair simt_warp_transpose(const struct simt_site *site, element_pair pair)
{
    enum { ROWS = 8 };
    real(*lanes)[WARP_SIZE] = simt_exchange();
    char *own = (char *)lanes + (size_t)simt_lane() * sizeof pair;
    memcpy(own, &pair, sizeof pair);
    simt_warp_arrive(site, simt_combine_transpose, lanes, ROWS);
    memcpy(&pair, own, sizeof pair);
    return pair;
}

/* What a lane leaves for warp_mma_in, in its row of the exchange. */
struct simt_fragments {
    uint32_t a[4];
    element_pair b[2];
    real d[4];
};

_Static_assert(sizeof(struct simt_fragments) <= sizeof(real[WARP_SIZE]), "a lane's fragments fit its row");

#ifndef SIMT_REPLAY
#define SIMT_COMBINE_MMA simt_combine_mma
#else
#define SIMT_COMBINE_MMA replay_combine_mma
#endif

/* Not here, since it is long: simt_mma.c, and simt_mma_replay.c. */
void SIMT_COMBINE_MMA(void *values, int tensor_core_and_dtype, enum stage stage);

SIMT_FUNCTION void simt_warp_mma(const struct simt_site *site, enum tensor_core tensor_core, enum dtype dtype,
                                 const uint32_t *a, const element_pair *b, real *d)
{
    int lane = simt_lane();
    real(*lanes)[WARP_SIZE] = simt_exchange();
    struct simt_fragments own;
    memcpy(own.a, a, sizeof own.a);
    memcpy(own.b, b, sizeof own.b);
    memcpy(own.d, d, sizeof own.d);
    memcpy(lanes[lane], &own, sizeof own);
    simt_warp_arrive(site, SIMT_COMBINE_MMA, lanes, (int)tensor_core * DTYPE_COUNT + (int)dtype);
    memcpy(d, (char *)lanes[lane] + offsetof(struct simt_fragments, d), sizeof own.d);
}

#endif
