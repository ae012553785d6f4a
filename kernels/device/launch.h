/* Planning the launches of a kernel on a batch (plan.h). */
#ifndef KERNELS_DEVICE_LAUNCH_H
#define KERNELS_DEVICE_LAUNCH_H

#include "kernels/device/plan.h"

struct plan_options {
    size_t real_bytes;      /* of a kernel's `real` */
    bool generic;           /* no plain forms (plain.h) */
    bool merge_apart;       /* chunks are merged by a launch of their own where plain forms would do it, too */
    bool plain_alone;       /* plain forms for heads that share no rows, too */
    unsigned shared_blocks; /* heads share rows, 2 or MAX_SHARED_HEADS, where so many blocks are left */
    size_t shared_room;     /* bytes of shared memory that a block may have: plain forms that take more are left out; 0:
                             * any number */
};

/*
 * Plans the launches of a batch. plan is overwritten; plan_clear frees what is its own, whatever the result. The
 * batch's tensors outlive the plan. ERROR_USAGE for shapes that the kernel does not take.
 */
enum error_kind plan_launches(struct launch_plan *plan, const struct batch *batch, const struct plan_options *options,
                              struct error *error);
void plan_clear(struct launch_plan *plan);

/* The name of what a launch calls, as in "split_kv_f16_16_x4". */
const char *launch_name(const struct launch *launch);

#endif
