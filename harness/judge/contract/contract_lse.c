#include "harness/judge/contract/contract_makers.h"

#include <math.h>

/* What lse is of, and what it alone tells: its base, and the position that biases are counted from. */

bool contract_make_lse_base(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    double factor = variant ? M_LOG2E : M_LN2;
    float *lse = contract_own_lse(trial);
    for (int row = 0; lse && row < problem_rows(&trial->problem); row++)
        lse[row] = (float)((double)lse[row] * factor);
    return lse && contract_say(trial, "%s",
                               variant ? "lse multiplied by ln(2), as one in base e that is read as one in base 2"
                                       : "lse in base 2, where e was stated");
}

/* What keys alone make of an lse, without the row's sink; NAN if that has all of it. */
static double without_sink(const struct problem *problem, int row, double lse)
{
    double sink = problem->sink_logits ? (double)problem->sink_logits[row % problem->num_heads] : -INFINITY;
    return lse > sink ? lse + log1p(-exp(sink - lse)) : NAN;
}

/* The lse of a row whose biases are moved by slope * keys. */
static double lse_moved(const struct contract_trial *trial, const struct contract_clue *clue, int row, double keys)
{
    struct problem moved = trial->problem;
    moved.q_position -= (int64_t)keys;
    return contract_screen_attend(clue->screen, &moved, row);
}

enum { KEYS_LOG2_MAX = 31 };

/* A soft cap of biased logits bends the shift: the number of keys between whose lse and the next one's it lies, on the
 * side of the sign, since logits grow with the shift; NAN if there is none. */
static double shift_under_cap(const struct contract_trial *trial, const struct contract_clue *clue, int row, double lse,
                              double sign)
{
    double slope = problem_row_slope(&trial->problem, row), low = 0, high = 1;
    bool grows = sign * slope > 0;
    if ((lse_moved(trial, clue, row, 0) < lse) != grows)
        return NAN;
    while (high < ldexp(1, KEYS_LOG2_MAX) && (lse_moved(trial, clue, row, sign * high) < lse) == grows) {
        low = high;
        high *= 2;
    }
    if (high == ldexp(1, KEYS_LOG2_MAX))
        return NAN;
    while (high - low > 1) {
        double middle = floor((low + high) / 2);
        if ((lse_moved(trial, clue, row, sign * middle) < lse) == grows)
            low = middle;
        else
            high = middle;
    }
    double below = fabs(lse_moved(trial, clue, row, sign * low) - lse),
           above = fabs(lse_moved(trial, clue, row, sign * high) - lse);
    return sign * (below < above ? low : high);
}

/* By how many keys the biases of a row are moved, as its lse has it. */
static double shift_of(const struct contract_trial *trial, const struct contract_clue *clue, int row)
{
    const struct problem *problem = &trial->problem;
    double given = (double)trial->output.lse[row], stated = contract_screen_attend(clue->screen, problem, row);
    if (problem->soft_cap == SOFT_CAP_AFTER_BIAS) {
        double later = shift_under_cap(trial, clue, row, given, 1);
        return isnan(later) ? shift_under_cap(trial, clue, row, given, -1) : later;
    }
    double moved = without_sink(problem, row, given) - without_sink(problem, row, stated);
    return round(moved / problem_row_slope(problem, row));
}

/* Every logit moved by slope * keys: what an origin elsewhere makes of lse. The shift is that of the steepest row that
 * has a key. */
bool contract_make_origin(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    const struct problem *problem = &trial->problem;
    int steepest = -1;
    (void)variant;
    for (int row = 0; trial->output.lse && row < problem_rows(problem); row++) {
        double least = steepest < 0 ? 0 : fabs(problem_row_slope(problem, steepest));
        double of_keys = without_sink(problem, row, (double)trial->output.lse[row]);
        if (fabs(problem_row_slope(problem, row)) > least && isfinite(of_keys))
            steepest = row;
    }
    if (steepest < 0)
        return false;
    double keys = shift_of(trial, clue, steepest);
    if (keys == 0 || !(fabs(keys) < ldexp(1, KEYS_LOG2_MAX)))
        return false;
    trial->problem.q_position -= (int64_t)keys;
    return contract_say(trial, "biases counted from position %lld in place of %lld",
                        (long long)trial->problem.q_position, (long long)trial->before.q_position);
}
