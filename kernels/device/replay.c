#include "kernels/device/replay.h"

#include <stdlib.h>

#include "kernels/device/launch.h"
#include "kernels/dialect/simt.h"
#include "reference/computing_environment.h"

#define REPLAY_KERNEL(enumerator, name) [KERNEL_##enumerator] = &replay_##name,
static const struct compiled_kernel *const replay_kernels[KERNEL_COUNT] = {KERNELS(REPLAY_KERNEL)};

/* Bytes of the workspace that a buffer takes: those without a source but the replay's own. */
static size_t workspace_part(const struct launch_plan *plan, enum buffer b)
{
    bool own = !plan->buffers[b].source && b != BUFFER_OUT && b != BUFFER_LSE;
    return own ? (plan->buffers[b].size_bytes + 63) / 64 * 64 : 0;
}

enum error_kind replay_run(struct replay *replay, enum kernel kernel, const struct kernel_options *options,
                           const struct recipe *recipe, const struct problem *problem, int threads, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct launch_plan plan;
    struct simt_executor *executor = NULL;
    char *workspace = NULL;
    size_t elements = (size_t)problem_elements(problem), workspace_bytes = 0, placed_bytes = 0;
    const struct output nowhere = {NULL, NULL};
    const struct batch batch = {kernel, options, recipe, problem, &nowhere, 1, false};
    *replay = (struct replay){NULL, NULL};
    const struct plan_options options_of_plan = {.real_bytes = sizeof(struct replayed), .generic = true};
    enum error_kind kind = plan_launches(&plan, &batch, &options_of_plan, error);
    if (kind)
        goto out;
    for (enum buffer b = 0; b < BUFFER_COUNT; b++)
        workspace_bytes += workspace_part(&plan, b);
    *replay = (struct replay){calloc(elements, sizeof(struct replayed)),
                              calloc((size_t)problem->num_heads, sizeof(struct replayed))};
    workspace = malloc(workspace_bytes + 1); /* single_pass has none */
    if (!replay->out || !replay->lse || !workspace) {
        kind = error_memory(error, "a replay",
                            replay_bytes(kernel, options, problem->seq_len, problem->num_heads, problem->head_dim));
        goto out;
    }
    if ((kind = simt_executor_new(&executor, threads, SIMT_FORWARD, sizeof(struct replayed), error)))
        goto out;

    for (enum buffer b = 0; b < BUFFER_COUNT; b++) {
        size_t part = workspace_part(&plan, b);
        plan_bind(&plan, b, part ? workspace + placed_bytes : (char *)(uintptr_t)plan.buffers[b].source);
        placed_bytes += part;
    }
    plan_bind(&plan, BUFFER_OUT, replay->out);
    plan_bind(&plan, BUFFER_LSE, replay->lse);
    for (int i = 0; i < plan.num_launches && !kind; i++) {
        const struct launch *launch = &plan.launches[i];
        const struct compiled_form *form = launch_form(replay_kernels, launch);
        struct simt_grid grid = {launch->blocks_x, launch->blocks_y, launch->blocks_z, launch->threads};
        kind = simt_launch(executor, form->name, (simt_kernel *)form->function, &plan.args, &grid, error);
    }
out:
    simt_executor_free(executor);
    free(workspace);
    plan_clear(&plan);
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
