/*
 * A drawn problem with its truth, and what kernels of a class come to beside the class's bounds.
 */
#ifndef HARNESS_JUDGE_CLASS_TESTS_ORDER_TRIAL_H
#define HARNESS_JUDGE_CLASS_TESTS_ORDER_TRIAL_H

#include "harness/judge/class/class_find.h"
#include "harness/judge/class/tests/order_kernel.h"
#include "reference/error_bound.h"

struct order_trial {
    struct order_problem made;
    struct truth truth;
    struct output output;
    double *bound, *lse_bound;
};

/* Aborts where memory is short: a test has nothing else to say. */
static inline void order_trial_init(struct order_trial *trial, uint64_t seed, int64_t longest)
{
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct error error;
    *trial = (struct order_trial){0};
    order_problem_init(&trial->made, seed, longest);
    const struct problem *problem = &trial->made.problem;
    size_t rows = (size_t)problem_rows(problem), elements = (size_t)problem_elements(problem);
    trial->output.out = malloc(elements * dtypes[problem->dtype].size_bytes);
    trial->output.lse = malloc(rows * sizeof(float));
    trial->bound = malloc(elements * sizeof(double));
    trial->lse_bound = malloc(rows * sizeof(double));
    if (!trial->output.out || !trial->output.lse || !trial->bound || !trial->lse_bound ||
        truth_init(&trial->truth, problem, &error) || truth_certified(&trial->truth, problem, &options, &error))
        abort();
}

static inline void order_trial_clear(struct order_trial *trial)
{
    order_problem_clear(&trial->made);
    truth_clear(&trial->truth);
    free(trial->output.out);
    free(trial->output.lse);
    free(trial->bound);
    free(trial->lse_bound);
}

static inline void order_trial_run(struct order_trial *trial, const struct order_kernel *kernel)
{
    order_kernel_run(kernel, &trial->made.problem, trial->output.out, trial->output.lse, trial->truth.value);
}

/* Bounds of a class; chain: the longest one of additions, 0 any. */
static inline void order_trial_bound(struct order_trial *trial, class_set set, int64_t chain)
{
    struct rounding_model model = class_rounding_model(set, &trial->made.problem);
    struct error error;
    model.chain = chain;
    if (error_bounds(trial->bound, trial->lse_bound, &model, &trial->made.problem, &trial->truth, 1, NULL, &error))
        abort();
}

/* What an output uses of bounds. */
struct order_used {
    double out, lse;        /* the largest share of a finite bound; infinite of a number that is not finite */
    long elements, bounded; /* those with a finite bound */
};

static inline struct order_used order_trial_used(const struct order_trial *trial)
{
    const struct problem *problem = &trial->made.problem;
    struct order_used used = {.elements = (long)problem_elements(problem)};
    for (size_t i = 0; i < (size_t)used.elements; i++) {
        float out;
        dtype_widen(problem->dtype, trial->output.out, i, 1, &out);
        double err = fabs((double)out - trial->truth.value[i] - trial->truth.tail[i]);
        double bound = trial->bound[i] + trial->truth.radius[i];
        used.bounded += isfinite(bound);
        if (isfinite(bound) && err > 0)
            used.out = fmax(used.out, isfinite(err) ? err / bound : INFINITY);
    }
    for (size_t r = 0; r < (size_t)problem_rows(problem); r++) {
        double lse = (double)trial->output.lse[r], exact = trial->truth.lse[r];
        double err = lse == exact ? 0 : fabs(lse - exact), bound = trial->lse_bound[r] + trial->truth.lse_radius[r];
        if (isfinite(bound) && err > 0)
            used.lse = fmax(used.lse, isfinite(err) ? err / bound : INFINITY);
    }
    return used;
}

static inline struct class_report order_trial_classes(const struct order_trial *trial)
{
    const struct exhibit exhibit = {.problem = &trial->made.problem, .output = &trial->output, .truth = &trial->truth};
    struct class_report report;
    struct error error;
    if (class_find(&report, &exhibit, 1, NULL, &error))
        abort();
    return report;
}

#endif
