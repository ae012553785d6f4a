/*
 * How kernels spread their work over threads, once for all that counts on it: their code, the launches that are planned
 * for it (launch.h) and the bound on its roundings (rounding.h).
 *
 * A block is BLOCK_WARPS warps. A warp takes a tile of keys at a time, one key a lane; a round is a tile of each of a
 * block's warps. A group of lanes shares a row of k or v, LANE_DIMS elements a lane.
 */
#ifndef KERNELS_GEOMETRY_H
#define KERNELS_GEOMETRY_H

enum {
    WARP_SIZE = 32,
    MAX_BLOCK_THREADS = 256, /* that the dialect takes (simt.h) */
    BLOCK_WARPS = 8,
    BLOCK_THREADS = BLOCK_WARPS * WARP_SIZE,
    ROUND_KEYS = BLOCK_WARPS * WARP_SIZE,
    LANE_DIMS = 8,
    MAX_HEAD_DIM = LANE_DIMS * WARP_SIZE,
    MAX_SHARED_HEADS = 4 /* query heads of a KV head that a warp works on at once */
};

/* The sizes of groups: 8, 16 and 32 lanes, so head dims up to 64, 128 and 256. */
enum { LANE_GROUPS = 3 };

static inline int group_lanes(int group)
{
    return 8 << group;
}

/* The smallest that holds a row of up to MAX_HEAD_DIM elements. */
static inline int group_of(int head_dim)
{
    int group = 0;
    while (group < LANE_GROUPS - 1 && group_lanes(group) * LANE_DIMS < head_dim)
        group++;
    return group;
}

#endif
