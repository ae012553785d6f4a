/*
 * Rows on their way to a lane: copies that are begun well before their rows are used. A lane copies its own elements
 * into slots of its own and reads them back itself, so lanes do not wait for each other. Copies are begun in stages of
 * RING_ROWS rows; stages are waited for, used and left behind in the order in which they were begun.
 *
 *     row_ring_begin(&ring)
 *     row_ring_fetch(&ring, dtype, tensor, first, i)  begins the copy of row i of the next stage
 *     row_ring_commit(&ring)                          the next stage is complete; it may be empty
 *     row_ring_wait(&ring, ahead)                     waits for the oldest stage; `ahead`, a constant, are younger
 *     row_ring_row(&ring, i)                          row i of the oldest stage
 *     row_ring_leave(&ring)                           makes room: the oldest stage is used no more
 *
 * No more than RING_STAGES stages are in the ring. On a GPU these are asynchronous copies to shared memory (cp.async,
 * PTX ISA; sm_80), and RING_BYTES of it are the launch's dynamic shared memory. On the host a row that has not been
 * waited for reads as NaN.
 */
#ifndef KERNELS_ATTENTION_ROW_RING_H
#define KERNELS_ATTENTION_ROW_RING_H

#include "kernels/dialect/rows_together.h"

/* A lane's rows under way: 16 to 20, of two blocks of 256 threads on a multiprocessor 128 to 160 KB. */
enum {
    RING_ROWS = 4,
    RING_STAGES = 6,
    RING_SLOT_BYTES = 16,
    RING_BYTES = RING_STAGES * RING_ROWS * RING_SLOT_BYTES * MAX_BLOCK_THREADS
};

#ifdef __CUDACC__

extern __shared__ uint4 row_ring_memory[]; /* [stage][row][thread] */

struct row_ring {
    int next, oldest; /* stages */
};

SIMT_FUNCTION void row_ring_begin(struct row_ring *ring)
{
    ring->next = ring->oldest = 0;
}

SIMT_FUNCTION void row_ring_fetch(struct row_ring *ring, enum dtype dtype, const void *tensor, size_t first, int i)
{
    uint4 *slot = row_ring_memory + (ring->next * RING_ROWS + i) * MAX_BLOCK_THREADS + threadIdx.x;
    uint32_t to = (uint32_t)__cvta_generic_to_shared(slot);
    if (dtype >= DTYPE_E4M3) {
        const void *from = (const uint8_t *)tensor + first;
        asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(to), "l"(from) : "memory");
    } else {
        const void *from = (const uint16_t *)tensor + first;
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
    }
}

SIMT_FUNCTION int row_ring_after(int stage)
{
    return stage + 1 == RING_STAGES ? 0 : stage + 1;
}

SIMT_FUNCTION void row_ring_commit(struct row_ring *ring)
{
    asm volatile("cp.async.commit_group;" ::: "memory");
    ring->next = row_ring_after(ring->next);
}

/* The instruction takes a literal; waiting for more stages than asked is right, too. */
SIMT_FUNCTION void row_ring_wait(struct row_ring *ring, int ahead)
{
    (void)ring;
    switch (ahead) {
    case 5:
        asm volatile("cp.async.wait_group 5;" ::: "memory");
        break;
    case 4:
        asm volatile("cp.async.wait_group 4;" ::: "memory");
        break;
    default:
        asm volatile("cp.async.wait_group 0;" ::: "memory");
    }
}

SIMT_FUNCTION struct fetched_lane row_ring_row(const struct row_ring *ring, int i)
{
    struct fetched_lane row = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    row.low = row_ring_memory[(ring->oldest * RING_ROWS + i) * MAX_BLOCK_THREADS + threadIdx.x];
    return row;
}

SIMT_FUNCTION void row_ring_leave(struct row_ring *ring)
{
    ring->oldest = row_ring_after(ring->oldest);
}

#else

struct row_ring {
    struct fetched_lane rows[RING_STAGES][RING_ROWS];
    bool arrived[RING_STAGES];
    int next, oldest, committed; /* stages, counted from the first; committed are complete */
};

SIMT_FUNCTION void row_ring_begin(struct row_ring *ring)
{
    memset(ring, 0, sizeof *ring);
}

SIMT_FUNCTION void row_ring_fetch(struct row_ring *ring, enum dtype dtype, const void *tensor, size_t first, int i)
{
    ring->rows[ring->next % RING_STAGES][i] = fetch_lane(dtype, tensor, first, true);
    ring->arrived[ring->next % RING_STAGES] = false;
}

SIMT_FUNCTION void row_ring_commit(struct row_ring *ring)
{
    ring->arrived[ring->next % RING_STAGES] = false;
    ring->committed = ++ring->next;
}

/* All but the `ahead` youngest stages have arrived. */
SIMT_FUNCTION void row_ring_wait(struct row_ring *ring, int ahead)
{
    for (int stage = ring->oldest; stage < ring->committed - ahead; stage++)
        ring->arrived[stage % RING_STAGES] = true;
}

SIMT_FUNCTION struct fetched_lane row_ring_row(const struct row_ring *ring, int i)
{
    static const uint32_t nothing[LANE_DIMS] = {0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu,
                                                0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu};
    int stage = ring->oldest % RING_STAGES;
    return ring->arrived[stage] ? ring->rows[stage][i] : (struct fetched_lane){nothing};
}

#ifdef SIMT_ROWS_TOGETHER
_Static_assert((int)RING_ROWS == (int)ROWS_TOGETHER, "a stage is turned as a whole");

/* The rows of the oldest stage, turned. */
SIMT_FUNCTION struct lane_columns row_ring_columns(const struct row_ring *ring, enum dtype dtype)
{
    struct fetched_lane rows[RING_ROWS];
    for (int i = 0; i < RING_ROWS; i++)
        rows[i] = row_ring_row(ring, i);
    return lane_columns(dtype, rows);
}
#endif

SIMT_FUNCTION void row_ring_leave(struct row_ring *ring)
{
    ring->oldest++;
}

#endif

#endif
