/*
 * What is rounded once a row is summed up: sections "The end" and "lse" of error_bound.md.
 */
#ifndef REFERENCE_BOUND_END_H
#define REFERENCE_BOUND_END_H

#include "reference/logit_error.h"

/* The bound of an output of this magnitude from that of the quotient of its sums: division, v_scale, and rounding to
 * the output's dtype (5). Infinite where the output may overflow. */
double bound_of_output(const struct rounding_model *model, const struct problem *problem, double magnitude,
                       double error);

/* (7): the bound of an lse from that of the logarithm of its sum; max: the largest logit, the sink's included. */
double bound_of_lse(const struct rounding_model *model, const struct logit_terms *terms, double lse, double max,
                    double from_sum);

#endif
