#include "harness/subject/given_output.h"

#include <string.h>

static enum error_kind run(const struct subject *subject, const struct sequences *sequences, struct memory_audit *audit,
                           double *seconds, struct error *error)
{
    const struct given_output *given = (const struct given_output *)(const void *)subject;
    const struct problem *problem = sequences->problems;
    const struct output *output = sequences->outputs;
    size_t row_bytes = (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
    enum error_kind kind = ERROR_NONE;
    (void)audit;
    *seconds = 0;
    for (int row = 0; row < problem_rows(problem) && !kind; row++) {
        int query = row / problem->num_heads, head = problem_whole_head(problem, row % problem->num_heads);
        kind = tensor_view_copy((char *)output->out + (size_t)row * row_bytes, problem->dtype, &given->out, query, head,
                                problem->head_dim, error);
        if (given->lse && output->lse)
            output->lse[row] = given->lse[query * problem_whole_heads(problem) + head];
    }
    return kind;
}

static double no_bytes(const struct subject *subject, const struct problem *shape)
{
    (void)subject, (void)shape;
    return 0;
}

static const struct subject_ops given_ops = {.run = run, .workspace_bytes = no_bytes};

struct given_output given_output(const struct tensor_view *out, const float *lse)
{
    return (struct given_output){.subject = {.ops = &given_ops}, .out = *out, .lse = lse};
}
