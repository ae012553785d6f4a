#include "harness/judge/cause/nearest_values.h"

#include <math.h>

#include "harness/judge/cause/choices.h"

/* Vectors of length 1 at right angles to each other. */
struct basis {
    int count;
    double unit[NEAREST_VALUES_MAX][PROBLEM_MAX_DIM];
};

/* v_j - truth of a key, less what is along a basis. */
struct nearest_value {
    int64_t key;   /* -1: none */
    double factor; /* of that, in e */
    double length; /* of it */
    double left;   /* |e|^2 less what is along both */
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

static double error_squares(const struct suspect *suspect)
{
    double squares = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++)
        squares += error_at(suspect, d) * error_at(suspect, d);
    return squares;
}

/* |vector|^2 less what is along a basis, into *vector too. */
static double take_off(double *vector, const struct basis *basis, int dims)
{
    double squares = 0;
    for (int i = 0; i < basis->count; i++) {
        double along = 0;
        for (int d = 0; d < dims; d++)
            along += vector[d] * basis->unit[i][d];
        for (int d = 0; d < dims; d++)
            vector[d] -= along * basis->unit[i][d];
    }
    for (int d = 0; d < dims; d++)
        squares += vector[d] * vector[d];
    return squares;
}

/* The visible key whose value, beside a basis, leaves least of e. */
static struct nearest_value find(struct suspect *suspect, const struct basis *basis)
{
    const int dims = suspect->problem->head_dim;
    double error[PROBLEM_MAX_DIM], value[PROBLEM_MAX_DIM];
    struct nearest_value nearest = {.key = -1, .left = INFINITY};
    for (int d = 0; d < dims; d++)
        error[d] = error_at(suspect, d);
    const double squares = take_off(error, basis, dims);
    for (int64_t j = 0; j < suspect->problem->seq_len; j++) {
        double length = 0, along = 0;
        if (!suspect_visible(suspect, j))
            continue;
        suspect_read_value(suspect, j, dims);
        for (int d = 0; d < dims; d++) {
            value[d] = direction_at(suspect, d);
            length += value[d] * value[d];
        }
        double rest = take_off(value, basis, dims);
        if (!(rest > 0x1p-20 * length)) /* it is along the basis itself */
            continue;
        for (int d = 0; d < dims; d++)
            along += error[d] * value[d];
        double left = squares - along * along / rest;
        if (left < nearest.left)
            nearest = (struct nearest_value){j, along / rest, sqrt(rest), left};
    }
    return nearest;
}

/* Takes numbers, or what of them is not along it, into a basis; not if that is nothing. */
static void extend(struct basis *basis, const double *numbers, int dims)
{
    double *unit = basis->unit[basis->count];
    for (int d = 0; d < dims; d++)
        unit[d] = numbers[d];
    double length = sqrt(take_off(unit, basis, dims));
    for (int d = 0; d < dims; d++)
        unit[d] /= length;
    basis->count += length > 0;
}

/* The direction of a key's value into a basis. */
static void extend_by_key(struct basis *basis, struct suspect *suspect, int64_t key)
{
    double value[PROBLEM_MAX_DIM];
    suspect_read_value(suspect, key, suspect->problem->head_dim);
    for (int d = 0; d < suspect->problem->head_dim; d++)
        value[d] = direction_at(suspect, d);
    extend(basis, value, suspect->problem->head_dim);
}

double nearest_values_left_by_one(struct suspect *suspect)
{
    const struct basis none = {.count = 0};
    return sqrt(fmax(0, find(suspect, &none).left) / suspect->problem->head_dim);
}

static double weight_of(const struct suspect *suspect, int64_t key)
{
    return exp(suspect_logit(suspect, key) - suspect->max) / suspect->sum;
}

/* Whether roundings of weights, each by a share whose square is given, would leave more than that of all other values.
 */
static bool is_beyond_roundings(const struct suspect *suspect, double roundings, double spread, double left)
{
    double noise = suspect->noise * suspect->noise * suspect->problem->head_dim;
    return roundings * spread > 16 * fmax(left, noise);
}

/* What roundings of a key's weight are in proportion to: the weight, or the terms of its logit as well. */
static double size_of(const struct suspect *suspect, int64_t key, bool by_size)
{
    return by_size ? fabs(suspect_product(suspect, key)) + fabs(suspect_bias(suspect, key)) : 1;
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

double nearest_values_spread(struct suspect *suspect, bool by_size)
{
    double spread = 0;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++) {
        if (!suspect_visible(suspect, j))
            continue;
        spread += pow(size_of(suspect, j, by_size), 2) * spread_of_key(suspect, j);
    }
    return sqrt(spread / suspect->problem->head_dim);
}

int64_t nearest_values_key_of(struct suspect *suspect, const double *numbers)
{
    const int dims = suspect->problem->head_dim;
    const double most = 4 * suspect->noise * suspect->noise * dims, scale = problem_value_scale(suspect->problem);
    for (int64_t j = 0; j < suspect->problem->seq_len; j++) {
        double along = 0, length = 0, left = 0;
        if (!suspect_visible(suspect, j))
            continue;
        suspect_read_value(suspect, j, dims);
        for (int d = 0; d < dims; d++) {
            along += scale * (double)suspect->row[d] * numbers[d];
            length += scale * (double)suspect->row[d] * scale * (double)suspect->row[d];
        }
        double share = suspect->sink > -INFINITY && length > 0 ? along / length : 1;
        for (int d = 0; d < dims && left <= most; d++) {
            double off = numbers[d] - share * scale * (double)suspect->row[d];
            left += off * off;
        }
        if (left <= most)
            return j;
    }
    return -1;
}

/* Whether so few of all visible keys would not leave as little of any error: in D directions, of which each key takes
 * one, an error is as near to those of one choice in (e / left)^(D - keys). */
static bool are_no_choice(const struct suspect *suspect, int keys, double squares, double left)
{
    enum { BITS_MIN = 10 };
    const double noise = suspect->noise * suspect->noise * suspect->problem->head_dim, count = (double)suspect->visible;
    const double tells = (suspect->problem->head_dim - keys) * log2(squares / fmax(left, noise)) / 2;
    return tells - bits_of_choice(count, keys) >= BITS_MIN;
}

/* Spreads of some keys and of all, squared: of roundings of weights, and of those by size. */
struct spreads {
    double keys[2], all[2];
};

/* Whether roundings of either kind, that make of some keys what these take of e, would leave far more of the others. */
static bool are_beyond_roundings(const struct suspect *suspect, const struct spreads *spreads, double squares,
                                 double left)
{
    bool beyond = true;
    for (int kind = 0; kind < 2; kind++) {
        double share = (squares - left) / spreads->keys[kind],
               others = fmax(0, spreads->all[kind] - spreads->keys[kind]);
        beyond &= is_beyond_roundings(suspect, share, others, left);
    }
    return beyond;
}

bool nearest_values_are_few(struct suspect *suspect)
{
    const int dims = suspect->problem->head_dim;
    const double squares = error_squares(suspect);
    struct spreads spreads = {.keys = {0, 0}};
    struct basis basis = {.count = 0};
    for (int kind = 0; kind < 2; kind++)
        spreads.all[kind] = dims * pow(nearest_values_spread(suspect, kind), 2);
    for (int keys = 1; keys <= NEAREST_VALUES_MAX; keys++) {
        const struct nearest_value next = find(suspect, &basis);
        if (next.key < 0)
            return false;
        for (int kind = 0; kind < 2; kind++)
            spreads.keys[kind] += pow(size_of(suspect, next.key, kind), 2) * spread_of_key(suspect, next.key);
        if (keys > 1 && next.left <= squares / 16 && are_beyond_roundings(suspect, &spreads, squares, next.left))
            return are_no_choice(suspect, keys, squares, next.left);
        if (keys < NEAREST_VALUES_MAX)
            extend_by_key(&basis, suspect, next.key);
    }
    return false;
}

bool nearest_values_are_one_and_truth(struct suspect *suspect)
{
    const int dims = suspect->problem->head_dim;
    struct basis basis = {.count = 0};
    extend(&basis, suspect->truth, dims);
    const struct nearest_value one = find(suspect, &basis);
    if (one.key < 0 || one.left > error_squares(suspect) / 16)
        return false;
    double rounding = one.factor / weight_of(suspect, one.key), spread = nearest_values_spread(suspect, false);
    double of_others = fmax(0, spread * spread * dims - spread_of_key(suspect, one.key));
    return is_beyond_roundings(suspect, rounding * rounding, of_others, one.left);
}
