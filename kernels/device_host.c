/* The host device: kernels on the SIMT executor, on the caller's memory. */
#include "kernels/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/fiber.h"
#include "kernels/simt.h"

#define HOST_FUNCTION(name) [FUNCTION_##name] = host_##name,
static simt_kernel *const host_functions[FUNCTION_COUNT] = {KERNEL_FUNCTIONS(HOST_FUNCTION)};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum error_kind host_open(void **state, char *name, const struct device_options *options, struct error *error)
{
    snprintf(name, DEVICE_NAME_SIZE, "host (%d thread%s, fibers by %s)", options->threads,
             options->threads == 1 ? "" : "s", fiber_switch_name);
    return simt_executor_new((struct simt_executor **)state, options->threads, SIMT_FORWARD, sizeof(float), error);
}

static void host_close(void *state)
{
    simt_executor_free(state);
}

static enum error_kind host_run(void *state, struct launch_plan *plan, const struct problem *problem,
                                struct output *output, double *seconds, struct error *error)
{
    size_t floats = plan_workspace_reals(plan);
    float *workspace = malloc(floats ? floats * sizeof *workspace : 1);
    if (!workspace)
        return error_memory(error, "a kernel's workspace", (double)floats * sizeof *workspace);

    struct attention_args *args = &plan->args;
    args->q = problem->q;
    args->k = plan->cache.k;
    args->v = plan->cache.v;
    args->page_table = plan->cache.page_table;
    args->slopes = plan->slopes ? plan->slopes : problem->slopes;
    args->visible = problem->visible;
    args->out = output->out;
    args->lse = output->lse;
    plan_place_workspace(plan, workspace, sizeof *workspace);

    enum error_kind kind = ERROR_NONE;
    double start = now_s();
    for (int i = 0; i < plan->num_launches && !kind; i++) {
        const struct launch *launch = &plan->launches[i];
        struct simt_grid grid = {launch->blocks_x, launch->blocks_y, launch->threads};
        kind = simt_launch(state, kernel_function_names[launch->function], host_functions[launch->function], args,
                           &grid, error);
    }
    *seconds = now_s() - start;
    free(workspace);
    return kind;
}

const struct device_ops device_host_ops = {host_open, host_run, host_close};
