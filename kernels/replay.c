#include "kernels/replay.h"

#include <stdlib.h>

#include "kernels/launch.h"
#include "kernels/simt.h"

#define REPLAY_FUNCTION(name) [FUNCTION_##name] = replay_##name,
static simt_kernel *const replay_functions[FUNCTION_COUNT] = {KERNEL_FUNCTIONS(REPLAY_FUNCTION)};

enum error_kind replay_run(struct replay *replay, enum kernel kernel, const struct kernel_options *options,
                           const struct recipe *recipe, const struct problem *problem, int threads, struct error *error)
{
    struct launch_plan plan;
    struct simt_executor *executor = NULL;
    struct replayed *partials = NULL;
    size_t elements = (size_t)problem_elements(problem);
    *replay = (struct replay){NULL, NULL};
    enum error_kind kind = plan_launches(&plan, kernel, options, recipe, problem, error);
    if (kind)
        return kind;
    *replay = (struct replay){calloc(elements, sizeof(struct replayed)),
                              calloc((size_t)problem->num_heads, sizeof(struct replayed))};
    partials = malloc((plan.num_partials * (size_t)(problem->head_dim + 2) + 1) * sizeof *partials);
    if (!replay->out || !replay->lse || !partials) {
        kind = error_memory(error, "a replay",
                            replay_bytes(kernel, options, problem->seq_len, problem->num_heads, problem->head_dim));
        goto out;
    }
    if ((kind = simt_executor_new(&executor, threads, SIMT_FORWARD, sizeof(struct replayed), error)))
        goto out;

    struct attention_args *args = &plan.args;
    args->q = problem->q;
    args->k = problem->k;
    args->v = problem->v;
    args->slopes = problem->slopes;
    args->visible = problem->visible;
    args->out = replay->out;
    args->lse = replay->lse;
    args->partial_max = partials;
    args->partial_sum = partials + plan.num_partials;
    args->partial_out = partials + 2 * plan.num_partials;
    for (int i = 0; i < plan.num_launches && !kind; i++) {
        const struct launch *launch = &plan.launches[i];
        struct simt_grid grid = {launch->blocks_x, launch->blocks_y, launch->threads};
        kind = simt_launch(executor, kernel_function_names[launch->function], replay_functions[launch->function], args,
                           &grid, error);
    }
out:
    simt_executor_free(executor);
    free(partials);
    if (kind)
        replay_clear(replay);
    return kind;
}

void replay_clear(struct replay *replay)
{
    free(replay->out);
    free(replay->lse);
    *replay = (struct replay){NULL, NULL};
}

double replay_bytes(enum kernel kernel, const struct kernel_options *options, int64_t seq_len, int num_heads,
                    int head_dim)
{
    double reals = kernel_workspace_bytes(kernel, options, seq_len, num_heads, head_dim) / sizeof(float) +
                   (double)num_heads * (head_dim + 1);
    return reals * sizeof(struct replayed);
}
