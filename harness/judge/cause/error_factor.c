#include "harness/judge/cause/error_factor.h"

#include <math.h>

static double share_of(const struct suspect *suspect, int64_t key)
{
    return exp(suspect_logit(suspect, key) - suspect->max) / suspect->sum;
}

static double part_of(const struct suspect *suspect, int64_t key, enum factor_of of)
{
    return of == FACTOR_OF_PRODUCTS ? suspect_product(suspect, key) : suspect_bias(suspect, key);
}

/* Of the value that was read last. */
static double away_at(const struct suspect *suspect, int d)
{
    return problem_value_scale(suspect->problem) * (double)suspect->row[d] - suspect->truth[d];
}

/* g into suspect->predicted. Its length, squared. */
static double find_direction(struct suspect *suspect, enum factor_of of)
{
    const int dims = suspect->problem->head_dim;
    double squares = 0, *g = suspect->predicted;
    for (int d = 0; d < dims; d++)
        g[d] = 0;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++) {
        if (!suspect_visible(suspect, j))
            continue;
        const double moved = share_of(suspect, j) * part_of(suspect, j, of);
        suspect_read_value(suspect, j, dims);
        for (int d = 0; d < dims; d++)
            g[d] += moved * away_at(suspect, d);
    }
    for (int d = 0; d < dims; d++)
        squares += g[d] * g[d];
    return squares;
}

/* What roundings leave beside g for what they leave along it, squares of both: the less of those whose size is the
 * weight's, and the weight's times the size of its part of the logit. */
static double beside_and_along(struct suspect *suspect, enum factor_of of, double g_squares)
{
    const int dims = suspect->problem->head_dim;
    const double *g = suspect->predicted;
    double along[2] = {0, 0}, all[2] = {0, 0};
    for (int64_t j = 0; j < suspect->problem->seq_len; j++) {
        if (!suspect_visible(suspect, j))
            continue;
        double of_g = 0, length = 0;
        suspect_read_value(suspect, j, dims);
        for (int d = 0; d < dims; d++) {
            of_g += away_at(suspect, d) * g[d];
            length += away_at(suspect, d) * away_at(suspect, d);
        }
        for (int by_size = 0; by_size < 2; by_size++) {
            const double size = share_of(suspect, j) * (by_size ? part_of(suspect, j, of) : 1);
            along[by_size] += size * size * of_g * of_g / g_squares;
            all[by_size] += size * size * length;
        }
    }
    return fmin(all[0] / along[0], all[1] / along[1]) - 1;
}

double error_factor(struct suspect *suspect, enum factor_of of)
{
    const double g_squares = find_direction(suspect, of), *g = suspect->predicted;
    double squares = 0, of_g = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++) {
        const double err = suspect->out[d] - suspect->truth[d];
        squares += err * err;
        of_g += err * g[d];
    }
    if (!(g_squares > 0))
        return NAN;
    const double along = of_g * of_g / g_squares, beside = squares - along;
    const double noise = suspect->noise * suspect->noise * suspect->problem->head_dim;
    if (!(beside <= squares / 16) || !(along * beside_and_along(suspect, of, g_squares) > 16 * fmax(beside, noise)))
        return NAN;
    return 1 + of_g / g_squares;
}
