#include "harness/judge/cause/nearest_values.h"

#include <math.h>

/* v_j - truth of a key, less its share along a vector of length 1 where there is one. */
struct nearest_value {
    int64_t key;   /* -1: none */
    double factor; /* of that, in e */
    double along;  /* share of v_j - truth along the vector */
    double length; /* of what is left of v_j - truth */
    double left;   /* |e|^2 less both shares */
};

static double error_at(const struct suspect *suspect, int d)
{
    return suspect->out[d] - suspect->truth[d];
}

/* Of the value that was read last. */
static double direction_at(const struct suspect *suspect, int d)
{
    return problem_value_scale(suspect->problem) * (double)suspect->row[d] - suspect->truth[d];
}

static double error_along(const struct suspect *suspect, const double *unit)
{
    double along = 0;
    for (int d = 0; d < suspect->problem->head_dim && unit; d++)
        along += error_at(suspect, d) * unit[d];
    return along;
}

static double error_squares(const struct suspect *suspect)
{
    double squares = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++)
        squares += error_at(suspect, d) * error_at(suspect, d);
    return squares;
}

/* The visible key whose value, beside `unit` [D], leaves least of e; unit NULL: alone. */
static struct nearest_value find(struct suspect *suspect, const double *unit)
{
    const int dims = suspect->problem->head_dim;
    const double squares = error_squares(suspect), e_unit = error_along(suspect, unit);
    struct nearest_value nearest = {.key = -1, .left = INFINITY};
    for (int64_t j = 0; j < suspect->problem->seq_len; j++) {
        double e_along = 0, along = 0, length = 0;
        if (!suspect_visible(suspect, j))
            continue;
        suspect_read_value(suspect, j, dims);
        for (int d = 0; d < dims; d++) {
            double direction = direction_at(suspect, d);
            e_along += error_at(suspect, d) * direction;
            along += unit ? unit[d] * direction : 0;
            length += direction * direction;
        }
        double rest = length - along * along, e_rest = e_along - e_unit * along;
        if (!(rest > 0x1p-20 * length)) /* it is along unit itself */
            continue;
        double left = squares - e_unit * e_unit - e_rest * e_rest / rest;
        if (left < nearest.left)
            nearest = (struct nearest_value){j, e_rest / rest, along, sqrt(rest), left};
    }
    return nearest;
}

double nearest_values_left_by_one(struct suspect *suspect)
{
    return sqrt(fmax(0, find(suspect, NULL).left) / suspect->problem->head_dim);
}

static double weight_of(const struct suspect *suspect, int64_t key)
{
    return exp(suspect_logit(suspect, key) - suspect->max) / suspect->sum;
}

/* What roundings leave along all other values, squared, were they of the size that the two factors have: of weights by
 * factor / weight. */
static bool is_beyond_roundings(const struct suspect *suspect, double roundings, double spread, double left)
{
    double noise = suspect->noise * suspect->noise * suspect->problem->head_dim;
    return roundings * spread > 16 * fmax(left, noise);
}

/* w_j^2 |v_j - truth|^2 */
static double spread_of_key(struct suspect *suspect, int64_t key)
{
    double length = 0;
    suspect_read_value(suspect, key, suspect->problem->head_dim);
    for (int d = 0; d < suspect->problem->head_dim; d++)
        length += direction_at(suspect, d) * direction_at(suspect, d);
    return weight_of(suspect, key) * weight_of(suspect, key) * length;
}

/* The sum of that over the visible keys but two. */
static double spread_of_others(struct suspect *suspect, int64_t one, int64_t other)
{
    double spread = 0;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        if (suspect_visible(suspect, j) && j != one && j != other)
            spread += spread_of_key(suspect, j);
    return spread;
}

double nearest_values_spread(struct suspect *suspect, bool by_size)
{
    double spread = 0;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++) {
        if (!suspect_visible(suspect, j))
            continue;
        double size = by_size ? fabs(suspect_product(suspect, j)) + fabs(suspect_bias(suspect, j)) : 1;
        spread += size * size * spread_of_key(suspect, j);
    }
    return sqrt(spread / suspect->problem->head_dim);
}

bool nearest_values_are_two(struct suspect *suspect)
{
    const int dims = suspect->problem->head_dim;
    double *unit = suspect->predicted;
    const struct nearest_value first = find(suspect, NULL);
    if (first.key < 0)
        return false;
    suspect_read_value(suspect, first.key, dims);
    for (int d = 0; d < dims; d++)
        unit[d] = direction_at(suspect, d) / first.length;
    const struct nearest_value second = find(suspect, unit);
    if (second.key < 0 || second.left > error_squares(suspect) / 16)
        return false;
    double first_factor = (error_along(suspect, unit) - second.factor * second.along) / first.length;
    double of_first = weight_of(suspect, first.key), of_second = weight_of(suspect, second.key);
    double rounding =
        (first_factor * first_factor + second.factor * second.factor) / (of_first * of_first + of_second * of_second);
    return is_beyond_roundings(suspect, rounding, spread_of_others(suspect, first.key, second.key), second.left);
}

bool nearest_values_are_one_and_truth(struct suspect *suspect)
{
    const int dims = suspect->problem->head_dim;
    double *unit = suspect->predicted, length = 0;
    for (int d = 0; d < dims; d++)
        length += suspect->truth[d] * suspect->truth[d];
    for (int d = 0; d < dims && length > 0; d++)
        unit[d] = suspect->truth[d] / sqrt(length);
    const struct nearest_value one = find(suspect, length > 0 ? unit : NULL);
    if (one.key < 0 || one.left > error_squares(suspect) / 16)
        return false;
    double rounding = one.factor / weight_of(suspect, one.key);
    return is_beyond_roundings(suspect, rounding * rounding, spread_of_others(suspect, one.key, one.key), one.left);
}
