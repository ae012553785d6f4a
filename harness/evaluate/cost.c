#include "harness/evaluate/cost.h"

#include <math.h>

/*
 * Seconds on two cores (x86-64-v3), host device, fitted to the records of
 */
static const struct step_cost {
    double fixed_s, unit_s;
} step_costs[STEP_COUNT] = {
    [STEP_INPUTS] = {1e-4, 0.8e-9}, [STEP_KERNEL] = {1e-4, 1.0e-9},  [STEP_TRUTH] = {2e-4, 0.1e-9},
    [STEP_JUDGE] = {2e-4, 1e-7},    [STEP_REFERENCE] = {1e-3, 1e-9}, [STEP_ORACLES] = {5e-3, 1e-9},
};

static const double kernel_factors[KERNEL_COUNT] = {1, 1, 1};

struct work_units work_units(const struct point *point, const struct point *before)
{
    const struct problem_spec *spec = &point->problem;
    const struct problem shape = problem_spec_shape(spec);
    const double rows = (double)problem_rows(&shape), keys = (double)spec->seq_len, dim = spec->head_dim;
    bool shares = before && problem_spec_equal(&before->problem, spec);
    unsigned fresh = point->baselines & ~(shares ? before->baselines : 0);
    struct work_units work = {{0}};
    if (!shares)
        work.units[STEP_INPUTS] = problem_spec_query_elements(spec) + 2 * problem_spec_key_elements(spec);
    work.units[STEP_KERNEL] = rows * keys * dim;
    if (!shares)
        work.units[STEP_TRUTH] = rows * keys * dim;
    work.units[STEP_JUDGE] = rows * dim;
    work.units[STEP_REFERENCE] = __builtin_popcount(fresh) * rows * keys * dim;
    if (point->oracles)
        work.units[STEP_ORACLES] = __builtin_popcount(point->oracles) * fmin(rows * keys * dim, 1e6);
    return work;
}

static double step_seconds(const struct work_units *work, enum step step, enum kernel kernel)
{
    const struct step_cost *cost = &step_costs[step];
    double factor = step == STEP_KERNEL || step == STEP_ORACLES ? kernel_factors[kernel] : 1;
    return work->units[step] > 0 ? factor * (cost->fixed_s + cost->unit_s * work->units[step]) : 0;
}

double work_seconds(const struct work_units *work, enum kernel kernel)
{
    double sum_s = 0;
    for (int step = 0; step < STEP_COUNT; step++)
        sum_s += step_seconds(work, (enum step)step, kernel);
    return sum_s;
}

static enum cost_part cost_part(const struct work_units *work, enum step step)
{
    const struct step_cost *cost = &step_costs[step];
    return cost->unit_s * work->units[step] > cost->fixed_s ? COST_UNITS : COST_FIXED;
}

void cost_expect(struct cost_estimate *estimate, const struct work_units *work, enum kernel kernel, double times)
{
    for (int step = 0; step < STEP_COUNT; step++)
        estimate->expected_s[step][cost_part(work, (enum step)step)] +=
            times * step_seconds(work, (enum step)step, kernel);
}

void cost_learn(struct cost_estimate *estimate, const struct work_units *work, enum kernel kernel,
                const struct seconds *seconds)
{
    const double measured_s[STEP_COUNT] = {
        [STEP_INPUTS] = seconds->inputs, [STEP_KERNEL] = seconds->kernel,       [STEP_TRUTH] = seconds->truth,
        [STEP_JUDGE] = seconds->judge,   [STEP_REFERENCE] = seconds->reference, [STEP_ORACLES] = seconds->oracles,
    };
    cost_expect(estimate, work, kernel, 1);
    for (int step = 0; step < STEP_COUNT; step++)
        if (work->units[step] > 0)
            estimate->measured_s[step][cost_part(work, (enum step)step)] += measured_s[step];
}

double cost_predict(const struct cost_estimate *seen, const struct cost_estimate *left)
{
    const double *expected_s = seen->expected_s[0], *measured_s = seen->measured_s[0], *left_s = left->expected_s[0];
    double all_expected_s = 0, all_measured_s = 0, sum_s = 0;
    enum { NUM_PARTS = STEP_COUNT * COST_PART_COUNT };
    for (int i = 0; i < NUM_PARTS; i++) {
        all_expected_s += expected_s[i];
        all_measured_s += measured_s[i];
    }
    double overall = all_expected_s > 0 ? all_measured_s / all_expected_s : 1;
    for (int i = 0; i < NUM_PARTS; i++)
        sum_s += left_s[i] * (expected_s[i] > 0 ? measured_s[i] / expected_s[i] : overall);
    return sum_s > 0 ? sum_s : 0; /* what is left has been subtracted from */
}
