/*
 * An output that is a factor times the right one, or a constant more: the number that fits all rows best, in the fewest
 * digits that are as good. That it makes every row right is for others to see.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/judge/contract/contract_makers.h"

/* Over all elements whose exact result and output are numbers: x = the exact result, y = the output. */
struct moments {
    double count, xx, xy, rest; /* rest: sum of y - x */
};

static struct moments moments_of(const struct contract_trial *trial)
{
    const struct truth *truth = trial->stated->truth;
    size_t dim = (size_t)trial->problem.head_dim;
    struct moments moments = {.count = 0};
    for (size_t i = 0; i < (size_t)truth->num_rows * dim; i++) {
        float out;
        dtype_widen(trial->problem.dtype, trial->stated->output->out, i, 1, &out);
        double x = truth->value[i], y = (double)out;
        if (!isfinite(x) || !isfinite(y) || !isfinite(truth->lse[i / dim]))
            continue;
        moments.count++;
        moments.xx += x * x;
        moments.xy += x * y;
        moments.rest += y - x;
    }
    return moments;
}

/* The sum of squares of y - factor x - offset. */
static double squares_left(const struct contract_trial *trial, double factor, double offset)
{
    const struct truth *truth = trial->stated->truth;
    size_t dim = (size_t)trial->problem.head_dim;
    double squares = 0;
    for (size_t i = 0; i < (size_t)truth->num_rows * dim; i++) {
        float out;
        dtype_widen(trial->problem.dtype, trial->stated->output->out, i, 1, &out);
        double left = (double)out - factor * truth->value[i] - offset;
        squares += isfinite(left) && isfinite(truth->lse[i / dim]) ? left * left : 0;
    }
    return squares;
}

/* The fewest digits within so much of a number. */
static double rounded(double number, double within)
{
    for (int digits = 1; digits <= 9; digits++) {
        char text[32];
        snprintf(text, sizeof text, "%.*g", digits, number);
        double shorter = strtod(text, NULL);
        if (fabs(shorter - number) <= within)
            return shorter;
    }
    return number;
}

/* Four standard errors of a parameter, the square of one being squares / weight / count. */
static double open_by(double squares, double weight, double count)
{
    return 4 * sqrt(squares / (weight * count));
}

/* A row's elements are alike where there are few: then the number is that of a few, and not known. */
enum { ELEMENTS_MIN = 64 };

/* Whether a number is of more than rounding: it leaves a quarter of the errors at most, and a quarter of what it says
 * that the exact results have become: any output is as near to a factor of next to nothing as it is small. */
static bool explains(const struct contract_trial *trial, const struct moments *moments, double factor, double offset)
{
    const double left = squares_left(trial, factor, offset);
    return left <= squares_left(trial, 1, 0) / 16 && left <= factor * factor * moments->xx / 16;
}

/* Beyond these an output is judged by bounds that are too wide, or too narrow, for what it was before. */
static const double FACTOR_MIN = 1.0 / 16, FACTOR_MAX = 16;

bool contract_fit_output_factor(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)variant, (void)clue;
    struct moments moments = moments_of(trial);
    if (moments.count < ELEMENTS_MIN || !(moments.xx > 0))
        return false;
    double factor = moments.xy / moments.xx;
    factor = rounded(factor, open_by(squares_left(trial, factor, 0), moments.xx, moments.count));
    double power = log2(fabs(factor));
    if (power == rint(power) && factor > 0 && fabs(power) <= 2) /* contract_make_output_scale's */
        return false;
    if (!(fabs(factor) >= FACTOR_MIN && fabs(factor) <= FACTOR_MAX) || !explains(trial, &moments, factor, 0))
        return false;
    trial->factor = factor;
    return contract_say(trial, "v or the output multiplied by %.9g", factor);
}

bool contract_fit_output_offset(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)variant, (void)clue;
    struct moments moments = moments_of(trial);
    if (moments.count < ELEMENTS_MIN)
        return false;
    double offset = moments.rest / moments.count;
    offset = rounded(offset, open_by(squares_left(trial, 1, offset), moments.count, moments.count));
    if (offset == 0 || !isfinite(offset) || !explains(trial, &moments, 1, offset))
        return false;
    trial->offset = offset;
    return contract_say(trial, "%.9g added to every element of v or of the output", offset);
}
