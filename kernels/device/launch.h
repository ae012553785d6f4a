/* Planning the launches of a kernel on a batch (plan.h). */
#ifndef KERNELS_DEVICE_LAUNCH_H
#define KERNELS_DEVICE_LAUNCH_H

#include "kernels/device/plan.h"

/*
 * Plans the launches of a batch. plan is overwritten; plan_clear frees what is its own, whatever the result. The
 * batch's tensors outlive the plan. ERROR_USAGE for shapes that the kernel does not take.
 */
enum error_kind plan_launches(struct launch_plan *plan, const struct batch *batch, const struct plan_options *options,
                              struct error *error);
void plan_clear(struct launch_plan *plan);

#endif
