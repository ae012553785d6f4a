/*
 * A logit of a problem from its parts, soft cap included, in double: off by a few units of the last place of what
 * enters it and of the cap. For bounds and predictions; the truth has its own.
 */
#ifndef REFERENCE_SOFT_CAP_H
#define REFERENCE_SOFT_CAP_H

#include <math.h>

#include "reference/problem.h"

static inline double soft_capped(const struct problem *problem, double logit)
{
    double cap = (double)problem->soft_cap_value;
    return cap * tanh(logit / cap);
}

/* product: scale * k_scale * q.k */
static inline double problem_logit(const struct problem *problem, double product, double bias)
{
    switch (problem->soft_cap) {
    case SOFT_CAP_BEFORE_BIAS:
        return soft_capped(problem, product) + bias;
    case SOFT_CAP_AFTER_BIAS:
        return soft_capped(problem, product + bias);
    default:
        return product + bias;
    }
}

/* The most that |products| up to reach come to, before the bias; of problems whose bias is not capped. */
static inline double problem_reach(const struct problem *problem, double reach)
{
    return problem->soft_cap == SOFT_CAP_BEFORE_BIAS ? fmin(reach, (double)problem->soft_cap_value) : reach;
}

#endif
