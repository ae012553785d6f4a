#include "harness/judge/oracle/oracle_allowance.h"

#include <float.h>
#include <math.h>

enum error_kind oracle_allow_both_bounds(struct oracle_work *work, const struct subject *subject, int shift,
                                         struct error *error)
{
    enum error_kind kind = oracle_need_base_bound(work, error);
    if (!kind)
        kind = trial_bound(&work->bound, &work->trial, &work->truth, oracle_own(work), subject, shift, error);
    for (size_t i = 0; i < oracle_values_count(work) && !kind; i++)
        work->allowed.out[i] = work->base_bound.out[i] + work->bound.out[i];
    return kind;
}

enum error_kind oracle_allow_no_difference(struct oracle_work *work, const struct trial_values **allowed,
                                           struct error *error)
{
    enum error_kind kind = oracle_need_repeat(work, error);
    *allowed = NULL;
    if (kind || (!work->undetermined && !work->inquiry->subject->may_differ))
        return kind;
    kind = oracle_need_base_bound(work, error);
    for (size_t i = 0; i < oracle_values_count(work) && !kind;
         i++) { /* no rounding makes NaN or Inf of a run's number */
        const double twice = 2 * work->base_bound.out[i];
        const double base = work->base.out[i];
        work->allowed.out[i] =
            isinf(twice) && isfinite(base) ? fmin(oracle_unbounded(work, (int64_t)i, base), DBL_MAX) : twice;
    }
    *allowed = &work->allowed;
    return kind;
}

enum error_kind oracle_allow_no_difference_of_constant(struct oracle_work *work, const struct trial_values **allowed,
                                                       struct error *error)
{
    enum error_kind kind = oracle_allow_no_difference(work, allowed, error);
    if (kind || !*allowed)
        return kind;
    kind = trial_constant_bound(&work->expected, &work->bound, &work->trial, &work->truth, oracle_own(work),
                                work->inquiry->subject, error);
    for (int64_t i = 0; i < problem_elements(&work->trial.problem) && !kind; i++)
        work->bound.out[i] *= 2;
    for (int row = 0; row < problem_rows(&work->trial.problem); row++)
        work->bound.lse[row] = (*allowed)->lse[row]; /* which no v moves */
    *allowed = &work->bound;
    return kind;
}
