/*
 * How far rounding alone can take the results of a trial: the error bound of out, and one of lse.
 *
 * A relative error delta of a row's sum of weights is an error log(1 + delta) of its lse. By error_bound.md the sum's
 * is at most L = sum_j p_j (eta_j + beta_j), and error_bound gives at least L for an output whose v is 1 throughout and
 * whose truth is 0: there |v - o| = 1, so what is left of (2) is sum_j p_j (eta_j + alpha_j), and a weighted sum takes
 * no fewer additions than a sum of weights. What forms the lse from maximum and sum, a handful of roundings of the
 * numbers on the way, comes on top: LSE_ROUNDINGS units of 1 + |lse| + log N, and of slope |P| where the bias is
 * absolute.
 */
#ifndef HARNESS_JUDGE_TRIAL_BOUND_H
#define HARNESS_JUDGE_TRIAL_BOUND_H

#include "harness/judge/trial.h"
#include "reference/truth.h"

/* Of a trial's problem as loaded; its value and lse. */
struct trial_truth {
    struct truth truth;
    bool owned;
};

/* The truth of the trial's problem: whole, if the trial's is the whole problem and there is one, else computed. */
enum error_kind trial_truth_init(struct trial_truth *truth, struct trial *trial, const struct truth *whole, int threads,
                                 struct progress *progress, struct error *error);
void trial_truth_clear(struct trial_truth *truth);

/* A kernel as error bounds know it. */
struct trial_kernel {
    enum kernel kernel;
    const struct recipe *recipe;
    int threads;
    struct progress *progress;
};

/*
 * bounds = those of out and lse for a run with options whose query stands `shift` keys earlier than the original's.
 * Reloads the trial. Infinite where nothing is promised.
 */
enum error_kind trial_bound(struct trial_values *bounds, struct trial *trial, const struct trial_truth *truth,
                            const struct trial_kernel *kernel, const struct kernel_options *options, int shift,
                            struct error *error);

/*
 * The value that v is constant at: the largest number of its dtype below 2. Of the numbers that round to 16 bits, those
 * just below a power of 2 have the smallest relative ulp, so a factor that should have cancelled shows soonest.
 */
float trial_constant(const struct trial *trial);

/* The exact output where v is that constant, and the bound of out. Reloads the trial, then makes its v constant. */
enum error_kind trial_constant_bound(double *exact, double *bound, struct trial *trial, const struct trial_truth *truth,
                                     const struct trial_kernel *kernel, const struct kernel_options *options,
                                     struct error *error);

#endif
