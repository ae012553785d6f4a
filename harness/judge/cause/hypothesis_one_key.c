/*
 * One key too few or too many: a visible one missing, or a masked one let in with its own logit. With w its weight in
 * the sum of the row's visible keys,
 *
 *     missing:  out = (truth - w v_j) / (1 - w),  lse = truth + log(1 - w)
 *     let in:   out = (truth + w v_j) / (1 + w),  lse = truth + log(1 + w)
 *
 * Which key is a choice among N, so lse has to bear it out; where it is what it should be it bears out nothing.
 */
#include <math.h>

#include "harness/judge/cause/hypothesis.h"

/* out without key j, or with it, into suspect->predicted, given up once it leaves more than limit. */
static bool predict(struct suspect *suspect, int64_t key, double weight, double limit)
{
    int dims = suspect->problem->head_dim;
    double squares = 0, value_scale = problem_value_scale(suspect->problem);
    suspect_read_value(suspect, key, dims);
    for (int d = 0; d < dims; d++) {
        double value = value_scale * (double)suspect->row[d];
        suspect->predicted[d] = (suspect->truth[d] + weight * value) / (1 + weight);
        squares += (suspect->out[d] - suspect->predicted[d]) * (suspect->out[d] - suspect->predicted[d]);
        if (!(squares <= limit))
            return false;
    }
    return true;
}

void hypothesis_one_key(struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    double lse_err = suspect->lse - suspect->truth_lse, least = fmax(suspect->error / 2, 1.25 * suspect->noise);
    double limit = suspect->by_lse ? INFINITY : least * least * problem->head_dim;
    if (suspect->visible < 2 || suspect->lse_unknown || suspect_lse_is_exactly(suspect, suspect->truth_lse))
        return;
    suspect->choices = (double)problem->seq_len;
    for (int64_t j = 0; j < problem->seq_len; j++) {
        bool visible = suspect_visible(suspect, j);
        if (!visible && problem_visible(problem, j)) /* dropped by the contract */
            continue;
        double weight = exp(suspect_logit(suspect, j) - suspect->max) / suspect->sum * (visible ? -1 : 1);
        if (!(weight > -1) || (weight > 0) != (lse_err > 0) ||
            !suspect_lse_is_exactly(suspect, suspect->truth_lse + log1p(weight)) || !predict(suspect, j, weight, limit))
            continue;
        if (visible)
            suspect_offer(suspect, SIGNATURE_DROPPED_KEYS, false, suspect->predicted,
                          suspect->truth_lse + log1p(weight), "|key %lld is missing|, %.3g%% of the weight",
                          (long long)j, -100 * weight);
        else
            suspect_offer(suspect, SIGNATURE_LEAK, false, suspect->predicted, suspect->truth_lse + log1p(weight),
                          "|masked key %lld| carries %.3g%% of the weight", (long long)j, 100 * weight / (1 + weight));
    }
    suspect->choices = SUSPECT_CHOICES;
}
