/*
 * Packing: several sequences have their queries, outputs and masks in one buffer each, one sequence after the other.
 */
#ifndef KERNELS_DEVICE_PACK_H
#define KERNELS_DEVICE_PACK_H

#include "kernels/device/plan.h"

/* Copies the batch's q, out, lse and visible into memory of the plan's and makes its buffers point there. ERROR_SYSTEM
 * if memory is short. */
enum error_kind plan_pack(struct launch_plan *plan, const struct batch *batch, struct error *error);

/* Hands what is in the destinations of a packed plan to the batch's outputs; nothing where the plan is not packed. */
void plan_unpack(const struct launch_plan *plan, const struct batch *batch);

#endif
