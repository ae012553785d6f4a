#include "harness/judge/trial_bound.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/rounding.h"

#define UNIT 0x1p-24
#define LSE_ROUNDINGS 16

enum error_kind trial_truth_init(struct trial_truth *truth, struct trial *trial, const struct truth *whole, int threads,
                                 struct progress *progress, struct error *error)
{
    *truth = (struct trial_truth){.owned = false};
    if (whole && trial->whole) {
        truth->truth = *whole;
        return ERROR_NONE;
    }
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = threads, .progress = progress};
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

static void make_constant(struct trial *trial)
{
    const struct problem *problem = &trial->problem;
    size_t count = (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    trial_fill(trial, TRIAL_V, 0, count, trial_constant(trial));
}

/* bound = the error bound of out, were value[H, D] and lse[H] the truth. */
static enum error_kind bound_with(double *bound, const struct trial *trial, const struct trial_truth *truth,
                                  double *value, double *lse, const struct trial_kernel *kernel,
                                  const struct kernel_options *options, struct error *error)
{
    struct truth supposed = truth->truth;
    struct rounding_model model = kernel_rounding(kernel->kernel, options, kernel->recipe, &trial->problem);
    supposed.value = value;
    supposed.lse = lse;
    return error_bound(bound, &model, &trial->problem, &supposed, kernel->threads, kernel->progress, error);
}

/* From the bound of a row of v = 1 whose truth is 0. */
static double lse_bound(const double *row, const struct problem *problem, int head, double lse, bool absolute_bias)
{
    double sum = 0, slope = fabs((double)problem->slopes[head]);
    for (int d = 0; d < problem->head_dim; d++)
        sum = fmax(sum, row[d]);
    if (lse == -INFINITY)
        return 0;
    if (!isfinite(lse) || !(sum < 0.5))
        return INFINITY;
    double size = 1 + fabs(lse) + log((double)problem->seq_len);
    if (absolute_bias)
        size += slope * fabs((double)problem->q_position);
    return sum / (1 - sum) + LSE_ROUNDINGS * UNIT * size;
}

enum error_kind trial_bound(struct trial_values *bounds, struct trial *trial, const struct trial_truth *truth,
                            const struct trial_kernel *kernel, const struct kernel_options *options, int shift,
                            struct error *error)
{
    size_t elements = (size_t)problem_elements(&trial->problem), heads = (size_t)trial->problem.num_heads;
    double *zeros = calloc(2 * elements + heads, sizeof *zeros);
    if (!zeros)
        return error_memory(error, "a bound", (double)((2 * elements + heads) * sizeof *zeros));
    double *row_sums = zeros + elements, *lse = row_sums + elements;
    trial_reload(trial);
    trial->problem.q_position -= shift;
    for (size_t h = 0; h < heads; h++)
        lse[h] = truth->truth.lse[h] + (double)trial->problem.slopes[h] * shift;
    enum error_kind kind = bound_with(bounds->out, trial, truth, truth->truth.value, lse, kernel, options, error);
    if (!kind) {
        make_constant(trial);
        kind = bound_with(row_sums, trial, truth, zeros, lse, kernel, options, error);
    }
    double unit = (double)trial_constant(trial) * problem_value_scale(&trial->problem);
    for (size_t i = 0; i < elements; i++)
        row_sums[i] /= unit;
    for (int h = 0; h < trial->problem.num_heads && !kind; h++)
        bounds->lse[h] = lse_bound(row_sums + (size_t)h * (size_t)trial->problem.head_dim, &trial->problem, h, lse[h],
                                   kernel->recipe->bias == BIAS_ABSOLUTE);
    trial_reload(trial);
    free(zeros);
    return kind;
}

enum error_kind trial_constant_bound(double *exact, double *bound, struct trial *trial, const struct trial_truth *truth,
                                     const struct trial_kernel *kernel, const struct kernel_options *options,
                                     struct error *error)
{
    size_t dim = (size_t)trial->problem.head_dim;
    double value = (double)trial_constant(trial) * problem_value_scale(&trial->problem);
    for (size_t i = 0; i < (size_t)problem_elements(&trial->problem); i++)
        exact[i] = truth->truth.lse[i / dim] == -INFINITY ? 0 : value;
    trial_reload(trial);
    make_constant(trial);
    return bound_with(bound, trial, truth, exact, truth->truth.lse, kernel, options, error);
}
