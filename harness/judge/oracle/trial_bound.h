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
 * What a subject gave for a trial as loaded, and where that is. Its bounds are those around the truth: in a row that is
 * farther from the truth than they say, the subject has computed something else, be it right or wrong, and what
 * rounding can do there comes from its own numbers too.
 */
struct trial_own {
    const struct trial_values *values;
    const struct truth *truth; /* of the trial as loaded */
    bool *elsewhere;           /* [R] out or lse is not within the bounds around the truth */
    bool any;                  /* of the rows is elsewhere */
};

/* From the bounds around the truth; values and truth stay the caller's. without_lse: lse says nothing. */
enum error_kind trial_own_init(struct trial_own *own, const struct trial *trial, const struct trial_values *values,
                               const struct trial_values *bounds, const struct trial_truth *truth, bool without_lse,
                               struct error *error);
void trial_own_clear(struct trial_own *own);

/*
 * bounds = those of out and lse for a run of subject whose query stands `shift` keys earlier than the original's; own:
 * what it gave for the original, or NULL for bounds around the truth alone. Reloads the trial. Infinite where nothing
 * is promised.
 */
enum error_kind trial_bound(struct trial_values *bounds, struct trial *trial, const struct trial_truth *truth,
                            const struct trial_own *own, const struct subject *subject, int shift, struct error *error);

/* The bounds of a problem whose truth is `exact`, under the contract of the inputs. */
enum error_kind trial_bound_at(struct trial_values *bounds, const struct trial_values *exact,
                               const struct problem *problem, const struct subject *subject, int threads,
                               struct error *error);

/* The exact out where v is that constant, of which a learned sink has its share, and its bound; no lse. own: as in
 * trial_bound; where it is elsewhere, nothing is known of the weights. Reloads the trial, then makes its v constant. */
enum error_kind trial_constant_bound(struct trial_values *exact, struct trial_values *bound, struct trial *trial,
                                     const struct trial_truth *truth, const struct trial_own *own,
                                     const struct subject *subject, struct error *error);

#endif
