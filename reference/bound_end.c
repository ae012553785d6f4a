#include "reference/bound_end.h"

#include <math.h>

/* From here on a number is rounded to infinity. */
static double largest_rounded(enum dtype dtype)
{
    return dtypes[dtype].max + 0.5 * dtype_ulp(dtype, dtypes[dtype].max);
}

double bound_of_output(const struct rounding_model *model, const struct problem *problem, double magnitude,
                       double error)
{
    error += (magnitude + error) * model->division;
    if (!isfinite(magnitude) || overflows(magnitude + error, largest_rounded(problem->dtype)))
        return INFINITY;
    /* (5); f32's rounding was counted, but for a subnormal product with v_scale */
    error += 0.5 * (dtype_ulp(DTYPE_F32, 0) +
                    (problem->dtype == DTYPE_F32 ? 0 : dtype_ulp(problem->dtype, magnitude + error)));
    return error * (1 + 0x1p-30);
}

double bound_of_lse(const struct rounding_model *model, const struct logit_terms *terms, double lse, double max,
                    double from_sum)
{
    double log_sum = lse - max;
    log_sum = fmax(log_sum, fabs(log_sum - model->max_offset)) + from_sum;
    double error =
        from_sum + (log_sum + 0.5) * model->logarithm + (fabs(lse) + from_sum) * (model->lse_sum + model->lse_base);
    double shift = model->absolute_bias ? fabs(terms->slope) * fabs((double)terms->problem->q_position) : 0;
    if (model->absolute_bias)
        error += logit_shift_error(model, terms) + (fabs(max) + from_sum) * model->lse_sum;
    /* A maximum that slope P is taken off, that, and lse itself, in base 2 if need be. */
    if (overflows((fabs(lse) + fabs(max) + shift + error) * M_LOG2E, dtypes[DTYPE_F32].max))
        return INFINITY;
    return error * (1 + 0x1p-30);
}
