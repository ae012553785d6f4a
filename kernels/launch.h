/*
 * What a device does to run a kernel on a problem: the functions to launch, in order, and their argument.
 */
#ifndef KERNELS_LAUNCH_H
#define KERNELS_LAUNCH_H

#include "kernels/attention_args.h"
#include "kernels/kernel_names.h"
#include "kernels/kv_cache.h"

struct launch {
    enum kernel_function function;
    unsigned blocks_x, blocks_y, threads;
};

struct launch_plan {
    struct attention_args args; /* shapes and numbers; the device fills in the pointers */
    struct launch launches[2];
    int num_launches;
    struct kv_cache cache;
    float *slopes;       /* [H] of a kernel that has its own; NULL: the problem's */
    size_t num_partials; /* H * num_chunks: reals in partial_max and partial_sum, 1 / D of those in partial_out */
    size_t num_logits;   /* H * N reals, or 0 */
};

extern const char *const kernel_function_names[FUNCTION_COUNT];

/* plan is overwritten; plan_clear frees what is its own, whatever the result. */
enum error_kind plan_launches(struct launch_plan *plan, enum kernel kernel, const struct kernel_options *options,
                              const struct recipe *recipe, const struct problem *problem, struct error *error);
void plan_clear(struct launch_plan *plan);

/* Reals that the launches work in: partial results, then logits. */
size_t plan_workspace_reals(const struct launch_plan *plan);

/* Points args at the workspace, of reals of real_bytes. */
void plan_place_workspace(struct launch_plan *plan, void *workspace, size_t real_bytes);

#endif
