/*
 * How far rounding alone can take the results of a trial: the error bounds of out and of lse (error_bound.h).
 */
#ifndef HARNESS_JUDGE_ORACLE_TRIAL_BOUND_H
#define HARNESS_JUDGE_ORACLE_TRIAL_BOUND_H

#include "harness/judge/oracle/oracle_report.h"
#include "harness/judge/oracle/trial.h"
#include "reference/truth.h"

/* Of a trial's problem as loaded; its value and lse. */
struct trial_truth {
    struct truth truth;
    bool owned;
    int threads;
    struct progress *progress;
};

/* The truth of the trial's problem: the inquiry's, if the trial's is the whole problem and there is one, else computed.
 */
enum error_kind trial_truth_init(struct trial_truth *truth, struct trial *trial, const struct oracle_inquiry *inquiry,
                                 struct error *error);
void trial_truth_clear(struct trial_truth *truth);

/*
 * bounds = those of out and lse for a run of subject whose query stands `shift` keys earlier than the original's.
 * Reloads the trial. Infinite where nothing is promised.
 */
enum error_kind trial_bound(struct trial_values *bounds, struct trial *trial, const struct trial_truth *truth,
                            const struct subject *subject, int shift, struct error *error);

/*
 * The value that v is constant at: the largest number of its dtype below 2. Of the numbers that round to 16 bits, those
 * just below a power of 2 have the smallest relative ulp, so a factor that should have cancelled shows soonest.
 */
float trial_constant(const struct trial *trial);

/* The exact out where v is that constant, and its bound; no lse. Reloads the trial, then makes its v constant. */
enum error_kind trial_constant_bound(struct trial_values *exact, struct trial_values *bound, struct trial *trial,
                                     const struct trial_truth *truth, const struct subject *subject,
                                     struct error *error);

#endif
