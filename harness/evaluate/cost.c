#include "harness/evaluate/cost.h"

#include <math.h>

#include "kernels/descriptor.h"

/*
 * Seconds on two cores with AVX2, host device, fitted to the records of
 *     alibicheck sweep --seq-len 16..64Ki:x4 --kernel all --num-heads 2,32 --head-dim 64,256 --dtype f16,f32
 * with nothing else to do. scripts/check-time-left shows what they are worth.
 */
static const struct step_cost {
    double fixed_s, unit_s;
} step_costs[STEP_COUNT] = {
    [STEP_INPUTS] = {4e-5, 1.5e-9},    /* an element of q, k, v */
    [STEP_KERNEL] = {2e-4, 1.9e-9},    /* a product of q.k */
    [STEP_TRUTH] = {1.3e-4, 1.1e-9},   /* the same of the keys that carry weight */
    [STEP_JUDGE] = {1.5e-4, 1.2e-9},   /* the same */
    [STEP_REFERENCE] = {1e-3, 1.0e-9}, /* a product of q.k */
    [STEP_ORACLES] = {1.5e-3, 8e-8},   /* the same of the part that they look at, with all oracles */
};

/* The certified truth and the bound look at the keys near the query, whose weights are not negligible, and only pass
 * over the rest; MPFR looks at all of them, slowly. The oracles look at a part of bounded size. */
#define WINDOW_KEYS 16384.0
#define PASSING_OVER 0.05
#define MPFR_FACTOR 80.0
#define ORACLE_PRODUCTS 1e6

/* Keys of the point's launch. */
static double launch_keys(const struct point *point)
{
    double keys = 0;
    for (int i = 0; i < point_num_sequences(point); i++) {
        struct point sequence;
        point_sequence(point, i, &sequence);
        keys += (double)sequence.problem.seq_len;
    }
    return keys;
}

static double truth_units(const struct point *point, double rows_dim)
{
    double keys = (double)point->problem.seq_len;
    bool by_mpfr = truth_method_under(point->truth_method, point->problem.truth_of) == TRUTH_PLAIN;
    return rows_dim * (by_mpfr ? MPFR_FACTOR * keys : fmin(keys, WINDOW_KEYS) + PASSING_OVER * keys);
}

struct work_units work_units(const struct point *point, const struct point *before)
{
    const struct problem_spec *spec = &point->problem;
    const struct problem shape = problem_spec_shape(spec);
    const double keys = (double)spec->seq_len, rows_dim = (double)problem_rows(&shape) * spec->head_dim;
    bool shares = before && problem_spec_equal(&before->problem, spec);
    unsigned fresh = point->baselines & ~(shares ? before->baselines : 0);
    struct work_units work = {{0}};
    if (!shares)
        work.units[STEP_INPUTS] = problem_spec_query_elements(spec) + 2 * problem_spec_key_elements(spec);
    work.units[STEP_KERNEL] = rows_dim * launch_keys(point);
    if (!shares)
        work.units[STEP_TRUTH] = truth_units(point, rows_dim);
    work.units[STEP_JUDGE] = rows_dim * fmin(keys, WINDOW_KEYS);
    work.units[STEP_REFERENCE] = __builtin_popcount(fresh) * rows_dim * keys;
    work.units[STEP_ORACLES] =
        __builtin_popcount(point->oracles) / (double)ORACLE_COUNT * fmin(rows_dim * keys, ORACLE_PRODUCTS);
    return work;
}

static double step_seconds(const struct work_units *work, enum step step, enum kernel kernel)
{
    const struct step_cost *cost = &step_costs[step];
    bool of_kernel = step == STEP_KERNEL || step == STEP_ORACLES;
    double factor = of_kernel && kernels[kernel]->host_time_ratio > 0 ? kernels[kernel]->host_time_ratio : 1;
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
