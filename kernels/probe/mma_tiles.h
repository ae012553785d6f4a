/*
 * A kernel that takes sums (mma_sums.h) through the warp's m16n8k16 product, 8 independent ones a warp, so that in 16
 * tiles each of a tile's 128 places has its turn: sum j of tile t stands in column j and row (2 j + t) % 16. The rows
 * without a sum are 0. dump_mma.cu runs it on a GPU, test_warp_mma.c on the host.
 */
#ifndef KERNELS_PROBE_MMA_TILES_H
#define KERNELS_PROBE_MMA_TILES_H

#include "kernels/dialect/simt.h"
#include "kernels/probe/mma_sums.h"

enum { TILE_SUMS = 8 };

struct mma_tiles_args {
    const struct mma_sum *sums; /* [tiles * TILE_SUMS] */
    uint32_t *results;          /* [tiles * TILE_SUMS]: bits of f32 */
    unsigned tiles;
    enum dtype dtype;
    enum tensor_core tensor_core; /* of the host's model */
};

SIMT_FUNCTION uint32_t mma_tile_pair(const uint16_t *elements, int k)
{
    return elements[k] | (uint32_t)elements[k + 1] << 16;
}

/* The tile's sum of a row, or -1. */
SIMT_FUNCTION int mma_tile_sum(unsigned tile, int row)
{
    unsigned twice = ((unsigned)row - tile) % 16;
    return twice % 2 ? -1 : (int)(twice / 2);
}

SIMT_KERNEL(mma_tiles, struct mma_tiles_args, args)
{
    unsigned tile = (blockIdx.x * blockDim.x + threadIdx.x) / WARP_SIZE;
    if (tile >= args.tiles)
        return;
    int lane = (int)threadIdx.x % WARP_SIZE, group = lane / 4, pair = lane % 4 * 2;
    const struct mma_sum *sums = args.sums + (size_t)tile * TILE_SUMS;
    uint32_t a[4];
    element_pair b[2];
    float d[4];
    for (int i = 0; i < 4; i++) {
        int sum = mma_tile_sum(tile, group + i % 2 * 8);
        a[i] = sum < 0 ? 0 : mma_tile_pair(sums[sum].a, pair + i / 2 * 8);
    }
    for (int i = 0; i < 2; i++)
        b[i] = pair_of_word(args.dtype, mma_tile_pair(sums[group].b, pair + i * 8));
    for (int i = 0; i < 4; i++)
        d[i] = mma_tile_sum(tile, group + i / 2 * 8) == pair + i % 2 ? sums[pair + i % 2].c : 0.0f;
    if (args.dtype == DTYPE_F16)
        warp_mma_in(STAGE_DOT, args.tensor_core, DTYPE_F16, a, b, d);
    else
        warp_mma_in(STAGE_DOT, args.tensor_core, DTYPE_BF16, a, b, d);
    for (int i = 0; i < 4; i++)
        if (mma_tile_sum(tile, group + i / 2 * 8) == pair + i % 2)
            args.results[(size_t)tile * TILE_SUMS + (size_t)(pair + i % 2)] = float_to_bits(d[i]);
}

#endif
