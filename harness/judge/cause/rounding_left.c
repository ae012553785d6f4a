#include "harness/judge/cause/rounding_left.h"

#include <math.h>

/* u of f32. */
#define UNIT 0x1p-24

/* u of a dtype of 16 bits; 0 of f32. */
static double narrow_unit(const struct suspect *suspect)
{
    enum dtype dtype = suspect->problem->dtype;
    return dtype == DTYPE_F32 ? 0 : ldexp(1, -dtypes[dtype].significand_bits);
}

/* S without biases of an absolute form, and these. */
static double size_of_terms(const struct suspect *suspect, double lse)
{
    double of_lse = isfinite(lse) ? fabs(lse) : isfinite(suspect->truth_lse) ? fabs(suspect->truth_lse) : 0;
    return suspect->largest_product + fmax(of_lse, suspect->sentinel);
}

static double size_of_absolute(const struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    double position = fmax(fabs((double)problem->q_position), fabs((double)(problem->kv_offset + problem->seq_len)));
    return fabs(suspect->slope) * position;
}

double rounding_of_logits(const struct suspect *suspect, double lse)
{
    double size = size_of_terms(suspect, lse), of_f32 = UNIT * sqrt(suspect->problem->head_dim + 8);
    if (suspect->equal)
        return 0;
    return of_f32 * (size + size_of_absolute(suspect)) + 4 * narrow_unit(suspect) * size;
}

double rounding_share(const struct suspect *suspect, double lse)
{
    double of_weights = UNIT * (16 + sqrt((double)suspect->problem->seq_len)) + 4 * narrow_unit(suspect);
    return fmax(expm1(2 * rounding_of_logits(suspect, lse)) + of_weights, suspect->bound_share);
}

double rounding_left(const struct suspect *suspect, const double *predicted, double lse)
{
    int dims = suspect->problem->head_dim;
    double of_truth = 0, of_prediction = 0, stored = 0;
    for (int d = 0; d < dims; d++) {
        double ulp = dtype_ulp(suspect->problem->dtype, suspect->out[d]);
        of_truth += suspect->magnitude[d] * suspect->magnitude[d];
        of_prediction += predicted[d] * predicted[d];
        stored += ulp * ulp / 4;
    }
    return sqrt(fmax(of_truth, of_prediction) / dims) * rounding_share(suspect, lse) + sqrt(stored / dims);
}

double rounding_at_random(const struct suspect *suspect, double unit, double spread, double by_size)
{
    double squares = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++)
        squares += suspect->truth[d] * suspect->truth[d];
    return 2 * unit * (spread + by_size) + 4 * unit * sqrt(squares / suspect->problem->head_dim);
}
