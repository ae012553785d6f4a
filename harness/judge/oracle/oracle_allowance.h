/*
 * How far results of the oracles' runs may be from what is expected. work->allowed is what rounding may do to them.
 * work->tolerated is what the tolerance takes: four of them, of which one is what a result is judged by, and as much as
 * the base run is off. It decides where rounding may do anything, and of a subject of whose operations nothing is known
 * it decides wherever logits are no larger than in the base run, as the bound of all roundings that there are is loose.
 * It is infinite where there is no tolerance, or the base run is no number.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_ALLOWANCE_H
#define HARNESS_JUDGE_ORACLE_ORACLE_ALLOWANCE_H

#include "harness/judge/oracle/oracle_work.h"

/* ---- results that are compared with the base run's --------------------------------------------------------------- */

/* work->allowed = the base run's bounds plus those of a run of subject with a query `shift` keys earlier. */
enum error_kind oracle_allow_both_bounds(struct oracle_work *work, const struct subject *subject, int shift,
                                         struct error *error);

/* The base run and a repeated one; *allowed = NULL, bit for bit, for a kernel whose runs can be compared so, otherwise
 * twice the base run's bounds, and no NaN or Inf where the base run has a number, however large they are. */
enum error_kind oracle_allow_no_difference(struct oracle_work *work, const struct trial_values **allowed,
                                           struct error *error);

/* The same of runs in which all of v is trial_constant(): work->bound. Overwrites work->expected, and makes the trial's
 * v constant. */
enum error_kind oracle_allow_no_difference_of_constant(struct oracle_work *work, const struct trial_values **allowed,
                                                       struct error *error);

/* ---- results that are known, work->expected ---------------------------------------------------------------------- */

/* The base run, the truth, and what that says of the subject: work->usual. Reloads the trial. */
enum error_kind oracle_need_usual(struct oracle_work *work, struct error *error);

/* work->tolerated of a problem's out, whose v comes to `reach`, and of no lse. An infinite reach: anything. */
void oracle_tolerate_known(struct oracle_work *work, const struct problem *problem, double reach);

/* The same where all of v is trial_constant(), which all weights of a row may be off by in common. */
void oracle_tolerate_constant(struct oracle_work *work);

/* Of an lse that is known. */
double oracle_tolerated_lse(const struct oracle_work *work, double expected);

#endif
