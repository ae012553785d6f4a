/*
 * What a device does to run a kernel on a problem: the functions to launch, in order, and their argument.
 */
#ifndef KERNELS_LAUNCH_H
#define KERNELS_LAUNCH_H

#include "kernels/attention_args.h"
#include "kernels/kernel.h"
#include "kernels/kernel_names.h"

struct launch {
    enum kernel_function function;
    unsigned blocks_x, blocks_y, threads;
};

struct launch_plan {
    struct attention_args args; /* shapes and numbers; the device fills in the pointers */
    struct launch launches[2];
    int num_launches;
    size_t num_partials; /* H * num_chunks: floats in partial_max and partial_sum, 1 / D of those in partial_out */
};

extern const char *const kernel_function_names[FUNCTION_COUNT];

enum error_kind plan_launches(struct launch_plan *plan, enum kernel kernel, const struct kernel_options *options,
                              const struct recipe *recipe, const struct problem *problem, struct error *error);

#endif
