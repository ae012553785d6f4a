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

/* Every logit moved by slope * keys: what an origin elsewhere makes of lse. The shift is that of the steepest row. */
bool contract_make_origin(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    const struct problem *problem = &trial->problem;
    int steepest = -1;
    (void)variant;
    for (int row = 0; trial->output.lse && row < problem_rows(problem); row++) {
        double least = steepest < 0 ? 0 : fabs(problem_row_slope(problem, steepest));
        if (fabs(problem_row_slope(problem, row)) > least && isfinite(trial->output.lse[row]))
            steepest = row;
    }
    if (steepest < 0)
        return false;
    double lse = contract_screen_attend(clue->screen, problem, steepest);
    double keys = round(((double)trial->output.lse[steepest] - lse) / problem_row_slope(problem, steepest));
    if (keys == 0 || !(fabs(keys) < 0x1p31))
        return false;
    trial->problem.q_position -= (int64_t)keys;
    return contract_say(trial, "biases counted from position %lld in place of %lld",
                        (long long)trial->problem.q_position, (long long)trial->before.q_position);
}
