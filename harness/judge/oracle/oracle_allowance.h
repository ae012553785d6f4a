/*
 * How far the results of two runs may be apart.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_ALLOWANCE_H
#define HARNESS_JUDGE_ORACLE_ORACLE_ALLOWANCE_H

#include "harness/judge/oracle/oracle_work.h"

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

#endif
