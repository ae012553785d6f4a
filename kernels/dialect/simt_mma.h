/* Where a lane's fragments of an m16n8k16 product stand in its matrices: the table of simt.h. */
#ifndef KERNELS_DIALECT_SIMT_MMA_H
#define KERNELS_DIALECT_SIMT_MMA_H

#include "kernels/dialect/simt_host.h"

/* Of B, and of rows of A and D the first of a lane's two. */
static inline int mma_column(int lane)
{
    return lane / 4;
}

/* The first product of a word of b; of a with i / 2 in the place of i. */
static inline int mma_product(int lane, int i)
{
    return lane % 4 * 2 + i * 8;
}

static inline int mma_sum_row(int lane, int i)
{
    return lane / 4 + i / 2 * 8;
}

static inline int mma_sum_column(int lane, int i)
{
    return lane % 4 * 2 + i % 2;
}

/* Register i of a holds rows lane / 4 + i % 2 * 8, two products side by side. */
static inline void mma_rows_of_lane(int lane, const uint32_t *words, uint16_t (*a)[MMA_PRODUCTS])
{
    for (int i = 0; i < 4; i++) {
        uint16_t *pair = &a[lane / 4 + i % 2 * 8][mma_product(lane, i / 2)];
        pair[0] = (uint16_t)words[i];
        pair[1] = (uint16_t)(words[i] >> 16);
    }
}

#endif
