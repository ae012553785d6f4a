#include "harness/judge/criterion.h"

#include <math.h>

const char *const judge_mode_names[JUDGE_MODE_COUNT] = {
    [JUDGE_BOTH] = "both",
    [JUDGE_TOLERANCE] = "tolerance",
    [JUDGE_BUDGET] = "budget",
};

const char *const decision_statuses[DECISION_COUNT] = {
    [DECISION_PASS] = "pass",
    [DECISION_FAIL] = "fail",
    [DECISION_UNDECIDED] = "error",
    [DECISION_UNBOUNDED] = "error",
};

void tolerance_derive(struct tolerance *tolerance, enum dtype dtype)
{
    static const double defaults[DTYPE_COUNT] = {[DTYPE_F16] = 1e-3, [DTYPE_BF16] = 1e-2, [DTYPE_F32] = 1e-5};
    double *parts[] = {&tolerance->atol, &tolerance->rtol, &tolerance->lse};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (*parts[i] < 0)
            *parts[i] = defaults[dtype];
}

bool criterion_out_off(const struct metrics *metrics)
{
    return metrics->mismatched > 0;
}

bool criterion_lse_off(const struct metrics *metrics)
{
    return metrics->lse_off > 0;
}

/* A share is NaN where nothing has a bound, and then not above anything. */
bool criterion_out_beyond(const struct criterion *criterion, const struct metrics *metrics)
{
    return metrics->budget_used > criterion->budget;
}

bool criterion_lse_beyond(const struct criterion *criterion, const struct metrics *metrics)
{
    return metrics->lse_budget_used > criterion->budget;
}

enum decision criterion_decide(const struct criterion *criterion, const struct metrics *metrics)
{
    bool by_tolerance = criterion->mode != JUDGE_BUDGET, by_bound = criterion->mode != JUDGE_TOLERANCE;
    /* The radius is part of a share, so what is beyond the bound is so whatever a tolerance leaves open, and whatever
     * other elements are that have no bound. */
    if (by_bound && (criterion_out_beyond(criterion, metrics) || criterion_lse_beyond(criterion, metrics)))
        return DECISION_FAIL;
    if (!by_tolerance && (metrics->unbounded + metrics->lse_unbounded > 0 || isnan(metrics->budget_used) ||
                          (isnan(metrics->lse_budget_used) && !metrics->lse_unknown)))
        return DECISION_UNBOUNDED;
    if (by_tolerance && metrics->undecided > 0 && metrics->surely_off == 0)
        return DECISION_UNDECIDED;
    return by_tolerance && (criterion_out_off(metrics) || criterion_lse_off(metrics)) ? DECISION_FAIL : DECISION_PASS;
}
