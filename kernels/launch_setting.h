/*
 * How a launch is made where nothing promises how: what a kernel's result must not depend on.
 */
#ifndef KERNELS_LAUNCH_SETTING_H
#define KERNELS_LAUNCH_SETTING_H

#include <stdbool.h>

/* What an address that a kernel is handed is aligned to: its widest copies have 16 bytes. */
enum { BUFFER_ALIGNMENT = 16 };

/* What a launch finds in its workspace. */
enum workspace_setting {
    WORKSPACE_OWN,  /* anything; under an audit, NaN */
    WORKSPACE_KEEP, /* under an audit: NaN, and the device keeps what the launch leaves there */
    WORKSPACE_KEPT  /* under an audit: what the last launch left there that kept it, with other problems, and NaN behind
                     */
};

/* How q, k, v and out lie in memory, bits of it; none: packed, aligned to BUFFER_ALIGNMENT at least. */
enum tensor_layout_bit {
    LAYOUT_ROWS_APART = 1 << 0,  /* elements that are nobody's lie before the tensor and between its rows */
    LAYOUT_HEADS_FIRST = 1 << 1, /* a head's queries or keys lie side by side */
    LAYOUT_UNALIGNED = 1 << 2,   /* the tensor, and rows that lie apart, begin at addresses of elements alone */
    LAYOUT_PLACED = 1 << 3,      /* packed, at an odd multiple of BUFFER_ALIGNMENT; beside none of the others */
    LAYOUT_NUMBERS = 1 << 4      /* as without it; but as in any layout what is beside them, lse, masks, slopes, sinks
                                  * and tables, begins at the second of its numbers from such an address on */
};

/* Zeroed: as launches are made. */
struct launch_setting {
    bool backward;  /* threads, warps and blocks take their turns from the last to the first, where they take turns */
    bool misplaced; /* under an audit: buffers begin at addresses that are aligned to no more than BUFFER_ALIGNMENT */
    bool nan_zones; /* under an audit: the guard zones of tensors hold NaN */
    bool far_rows;  /* k and v lie so far into their buffers that 32 bits hold no element's index, and 16 no
                     * page's number; among their pages are others' (kv_cache.h) */
    bool far_heads; /* the same of KV heads, whose keys lie side by side */
    bool near;      /* of a subject that is given those: that offsets in as much address space do fit 32 bits */
    bool shared_pages; /* sequences that are given the same k and v have the first half of their whole pages in common
                        */
    unsigned layout;   /* bits of enum tensor_layout_bit */
    enum workspace_setting workspace;
};

#endif
