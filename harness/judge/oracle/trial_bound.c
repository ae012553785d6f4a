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

/* The error bounds of the trial as it stands, of out and of lse unless that is NULL, were `supposed` its truth. */
static enum error_kind bounds_of(double *out_bound, double *lse_bound, const struct trial *trial,
                                 const struct trial_truth *supposed, const struct subject *subject, struct error *error)
{
    struct rounding_model model = subject->ops->rounding(subject, &trial->problem);
    return error_bounds(out_bound, lse_bound, &model, &trial->problem, &supposed->truth, supposed->threads,
                        supposed->progress, error);
}

/* Adds to bounds what they are too small by for a result that is `own` and not near the truth: in the rows where it is
 * elsewhere out takes the larger of both bounds, and lse what each rounding of another lse has more. */
static enum error_kind widen_to_own(struct trial_values *bounds, const struct trial *trial,
                                    const struct trial_truth *supposed, const struct trial_own *own,
                                    const struct subject *subject, struct error *error)
{
    size_t rows = (size_t)problem_rows(&trial->problem), dim = (size_t)trial->problem.head_dim, elements = rows * dim;
    const struct rounding_model model = subject->ops->rounding(subject, &trial->problem);
    const double lse_terms = model.logarithm + model.lse_sum + model.lse_base;
    struct trial_truth at_own = *supposed;
    double *value = malloc(2 * elements * sizeof *value), *bound = value + elements;
    if (!value)
        return error_memory(error, "a bound", (double)(2 * elements * sizeof *value));
    for (size_t i = 0; i < elements; i++) {
        double out = own->values->out[i];
        value[i] = own->elsewhere[i / dim] && isfinite(out) ? out : supposed->truth.value[i];
    }
    at_own.truth.value = value;
    enum error_kind kind = bounds_of(bound, NULL, trial, &at_own, subject, error);
    for (size_t i = 0; i < elements && !kind; i++)
        bounds->out[i] = fmax(bounds->out[i], bound[i]);
    for (size_t r = 0; r < rows && !kind; r++) {
        double away = fabs(own->values->lse[r] - own->truth->lse[r]);
        if (own->elsewhere[r] && isfinite(away))
            bounds->lse[r] += away * lse_terms;
    }
    free(value);
    return kind;
}

enum error_kind trial_bound_at(struct trial_values *bounds, const struct trial_values *exact,
                               const struct problem *problem, const struct subject *subject, int threads,
                               struct error *error)
{
    const struct rounding_model model = subject->ops->rounding(subject, problem);
    const struct truth truth = {
        .num_rows = problem_rows(problem),
        .head_dim = problem->head_dim,
        .value = exact->out,
        .tail = exact->out, /* not read, and nor are the next */
        .radius = exact->out,
        .magnitude = exact->out,
        .lse = exact->lse,
        .lse_tail = exact->lse,
        .lse_radius = exact->lse,
    };
    return error_bounds(bounds->out, bounds->lse, &model, problem, &truth, threads, NULL, error);
}

enum error_kind trial_bound(struct trial_values *bounds, struct trial *trial, const struct trial_truth *truth,
                            const struct trial_own *own, const struct subject *subject, int shift, struct error *error)
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
    if (!kind && own)
        kind = widen_to_own(bounds, trial, &shifted, own, subject, error);
    trial_reload(trial);
    free(lse);
    return kind;
}

enum error_kind trial_own_init(struct trial_own *own, const struct trial *trial, const struct trial_values *values,
                               const struct trial_values *bounds, const struct trial_truth *truth, bool without_lse,
                               struct error *error)
{
    size_t rows = (size_t)problem_rows(&trial->problem), dim = (size_t)trial->problem.head_dim;
    *own = (struct trial_own){.values = values, .truth = &truth->truth, .elsewhere = calloc(rows, sizeof(bool))};
    if (!own->elsewhere)
        return error_memory(error, "the rows of a trial", (double)rows);
    for (size_t r = 0; r < rows; r++) {
        bool near = without_lse ||
                    fabs(values->lse[r] - truth->truth.lse[r]) <= bounds->lse[r] + truth->truth.lse_radius[r] ||
                    values->lse[r] == truth->truth.lse[r];
        for (size_t i = r * dim; i < (r + 1) * dim && near; i++)
            near = fabs(values->out[i] - truth->truth.value[i]) <= bounds->out[i] + truth->truth.radius[i];
        own->elsewhere[r] = !near;
        own->any |= !near;
    }
    return ERROR_NONE;
}

void trial_own_clear(struct trial_own *own)
{
    free(own->elsewhere);
    *own = (struct trial_own){.values = NULL};
}

enum error_kind trial_constant_bound(struct trial_values *exact, struct trial_values *bound, struct trial *trial,
                                     const struct trial_truth *truth, const struct trial_own *own,
                                     const struct subject *subject, struct error *error)
{
    size_t dim = (size_t)trial->problem.head_dim;
    double value = (double)trial_constant(trial) * problem_value_scale(&trial->problem);
    struct trial_truth constant = *truth;
    for (size_t i = 0; i < (size_t)problem_elements(&trial->problem); i++) {
        const double lse = truth->truth.lse[i / dim];
        const float *sinks = trial->problem.sink_logits;
        const double sink = sinks ? exp((double)sinks[i / dim % (size_t)trial->problem.num_heads] - lse) : 0;
        exact->out[i] = lse == -INFINITY ? 0 : value * (1 - sink);
    }
    constant.truth.value = exact->out;
    trial_reload(trial);
    trial_make_constant(trial);
    enum error_kind kind = bounds_of(bound->out, NULL, trial, &constant, subject, error);
    const struct rounding_model model = subject->ops->rounding(subject, &trial->problem);
    double any_weights = error_bound_of_constant(&model, &trial->problem, (double)trial_constant(trial));
    for (size_t i = 0; i < (size_t)problem_elements(&trial->problem) && !kind; i++)
        if (own && own->elsewhere[i / dim])
            bound->out[i] = fmax(bound->out[i], any_weights);
    return kind;
}
