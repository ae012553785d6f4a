#include "harness/judge/oracle/trial_bound.h"

#include <math.h>
#include <stdlib.h>

enum error_kind trial_truth_init(struct trial_truth *truth, struct trial *trial, const struct oracle_inquiry *inquiry,
                                 struct error *error)
{
    *truth = (struct trial_truth){.threads = inquiry->threads, .progress = inquiry->progress};
    if (inquiry->truth && trial->whole) {
        truth->truth = *inquiry->truth;
        return ERROR_NONE;
    }
    struct truth_options options = {
        .precision = TRUTH_DEFAULT_PRECISION, .threads = inquiry->threads, .progress = inquiry->progress};
    enum error_kind kind = truth_init(&truth->truth, &trial->problem, error);
    if (kind)
        return kind;
    truth->owned = true;
    trial_reload(trial);
    return truth_certified(&truth->truth, &trial->problem, &options, error);
}

void trial_truth_clear(struct trial_truth *truth)
{
    if (truth->owned)
        truth_clear(&truth->truth);
    *truth = (struct trial_truth){.owned = false};
}

float trial_constant(const struct trial *trial)
{
    return (float)(2 - dtype_ulp(problem_kv_dtype(&trial->problem), 1));
}

/* The error bounds of the trial as it stands, of out and of lse unless that is NULL, were `supposed` its truth. */
static enum error_kind bounds_of(double *out_bound, double *lse_bound, const struct trial *trial,
                                 const struct trial_truth *supposed, const struct subject *subject, struct error *error)
{
    struct rounding_model model = subject->ops->rounding(subject, &trial->problem);
    return error_bounds(out_bound, lse_bound, &model, &trial->problem, &supposed->truth, supposed->threads,
                        supposed->progress, error);
}

enum error_kind trial_bound(struct trial_values *bounds, struct trial *trial, const struct trial_truth *truth,
                            const struct subject *subject, int shift, struct error *error)
{
    size_t rows = (size_t)problem_rows(&trial->problem);
    struct trial_truth shifted = *truth;
    double *lse = malloc(rows * sizeof *lse);
    if (!lse)
        return error_memory(error, "a bound", (double)(rows * sizeof *lse));
    trial_reload(trial);
    trial->problem.q_position -= shift;
    for (size_t r = 0; r < rows; r++)
        lse[r] = truth->truth.lse[r] + problem_row_slope(&trial->problem, (int)r) * shift;
    shifted.truth.lse = lse;
    enum error_kind kind = bounds_of(bounds->out, bounds->lse, trial, &shifted, subject, error);
    trial_reload(trial);
    free(lse);
    return kind;
}

static void make_constant(struct trial *trial)
{
    const struct problem *problem = &trial->problem;
    size_t count = (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    trial_fill(trial, TRIAL_V, 0, count, trial_constant(trial));
}

enum error_kind trial_constant_bound(struct trial_values *exact, struct trial_values *bound, struct trial *trial,
                                     const struct trial_truth *truth, const struct subject *subject,
                                     struct error *error)
{
    size_t dim = (size_t)trial->problem.head_dim;
    double value = (double)trial_constant(trial) * problem_value_scale(&trial->problem);
    struct trial_truth constant = *truth;
    for (size_t i = 0; i < (size_t)problem_elements(&trial->problem); i++)
        exact->out[i] = truth->truth.lse[i / dim] == -INFINITY ? 0 : value;
    constant.truth.value = exact->out;
    trial_reload(trial);
    make_constant(trial);
    return bounds_of(bound->out, NULL, trial, &constant, subject, error);
}
