/* Which forms of a kernel (forms.h) serve a batch, and how many blocks their launches have. */
#ifndef KERNELS_DEVICE_LAUNCH_CHOICE_H
#define KERNELS_DEVICE_LAUNCH_CHOICE_H

#include "kernels/device/plan.h"

/*
 * Sets the launches of a plan that has its sequences and args. ERROR_USAGE for more blocks than a grid takes.
 */
enum error_kind choose_launches(struct launch_plan *plan, const struct batch *batch, const struct plan_options *options,
                                struct error *error);

/* The name of what a launch calls, as in "split_kv_f16_16_x4". */
const char *launch_name(const struct launch *launch);

#endif
