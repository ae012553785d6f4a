/* Attention with another slope, or with none. */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/slope_rule.h"
#include "harness/judge/cause/suspect_fit.h"

/* Whether lse alone tells, and is off by the slope times a whole number of keys: of a slope that is hardly more than
 * lse's rounding every number is, so that no lse is that of another slope. */
static bool may_be_a_shift(const struct suspect *suspect)
{
    double keys = round((suspect->lse - suspect->truth_lse) / suspect->slope);
    bool tells = !suspect->by_lse && suspect->error > 2 * suspect->noise;
    return !tells && suspect_lse_is_exactly(suspect, suspect->truth_lse + suspect->slope * keys);
}

/* Whether no slope at all, in the absolute form, would do as well as the one whose prediction is at hand, with its lse:
 * then out does not tell that one, and lse little more than the constant. Leaves that prediction if not. */
static bool none_does_as_well(struct suspect *suspect, double slope, double lse)
{
    int dim = suspect->problem->head_dim;
    double left = fabs(suspect->lse - lse), rms = suspect_rms(suspect, suspect->predicted, dim);
    if (suspect->by_lse || suspect->lse_unknown || slope == 0 || !(rms <= suspect->error / 4))
        return false;
    suspect_fill_slope(suspect, 0);
    double of_none = suspect_attend(suspect, dim) - suspect->slope * (double)suspect->problem->q_position;
    if (fabs(suspect->lse - of_none) <= fmax(2 * left, suspect_lse_rounding(suspect)) &&
        suspect_rms(suspect, suspect->predicted, dim) <= 2 * fmax(rms, suspect->noise))
        return true;
    suspect_fill_slope(suspect, slope);
    suspect_attend(suspect, dim);
    return false;
}

/* Whether a larger slope would do as well, as where a soft cap holds all logits: no slope can then be told. Leaves the
 * prediction of the slope. */
static bool is_one_of_many(struct suspect *suspect, double slope)
{
    int dim = suspect->problem->head_dim;
    double rms = suspect_rms(suspect, suspect->predicted, dim);
    suspect_fill_slope(suspect, 1.25 * slope);
    double lse = suspect_attend(suspect, dim);
    bool as_well = (suspect->lse_unknown || suspect_lse_is(suspect, lse)) &&
                   suspect_rms(suspect, suspect->predicted, dim) <= 2 * fmax(rms, suspect->noise);
    suspect_fill_slope(suspect, slope);
    suspect_attend(suspect, dim);
    return as_well;
}

/*
 * The absolute form's logits are slope * P larger, which is taken off lse in the end: by the slope that they were
 * formed with, or by the right one.
 */
static void try_slope(struct suspect *suspect, double slope, const char *origin)
{
    double lse, constant = (slope - suspect->slope) * (double)suspect->problem->q_position;
    if (slope == suspect->slope || !isfinite(slope) || may_be_a_shift(suspect))
        return;
    suspect_fill_slope(suspect, slope);
    if (!suspect_predict(suspect, &lse))
        return;
    if (suspect->problem->soft_cap == SOFT_CAP_AFTER_BIAS && !suspect->by_lse && is_one_of_many(suspect, slope))
        return;
    suspect_offer_logits(suspect, SIGNATURE_WRONG_SLOPE, lse, "slope %.6g in place of %.6g: |%s|", slope,
                         suspect->slope, origin);
    if (none_does_as_well(suspect, slope, lse + constant))
        return;
    suspect_offer_logits(suspect, SIGNATURE_WRONG_SLOPE, lse + constant, "slope %.6g in place of %.6g: |%s%s|", slope,
                         suspect->slope, origin, SLOPE_RULE_ABSOLUTE);
}

/*
 * Distances with the wrong sign: -slope * (j - P), or -slope * j as if the query stood at 0, which differs by a
 * constant that lse alone shows; and -slope * |j - P|.
 */
static void try_signs(struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    if (suspect->slope == 0)
        return;
    suspect_fill_slope(suspect, -suspect->slope);
    double reversed = suspect_attend(suspect, problem->head_dim);
    double from_0 = reversed - suspect->slope * (double)problem->q_position;
    /* Of both out is the same: without an lse the sign alone is said. */
    bool is_from_0 = !suspect->lse_unknown && fabs(suspect->lse - from_0) < fabs(suspect->lse - reversed);
    if (may_be_a_shift(suspect))
        return; /* whose sign does not show */
    suspect_offer(suspect, SIGNATURE_WRONG_SLOPE, false, suspect->predicted, is_from_0 ? from_0 : reversed,
                  "slope %.6g in place of %.6g: |%s|", -suspect->slope, suspect->slope,
                  is_from_0 ? "distances from position 0, as if the query stood there"
                            : "distances with the sign reversed");
    if (problem_distance(problem, problem->seq_len - 1) <= 0)
        return;
    for (int64_t j = 0; j < problem->seq_len; j++)
        suspect->logits[j] =
            problem_visible(problem, j)
                ? suspect_capped(suspect,
                                 suspect->dots[j] - suspect->slope * fabs((double)problem_distance(problem, j)))
                : -INFINITY;
    suspect_try(suspect, SIGNATURE_WRONG_SLOPE,
                "slope %.6g in place of %.6g |for keys after the query: distances without their sign|", -suspect->slope,
                suspect->slope);
}

/* Whether there are masked keys between visible ones. */
static bool has_gaps(const struct problem *problem)
{
    bool seen = false, gap = false;
    for (int64_t j = 0; j < problem->seq_len; j++) {
        bool visible = problem_visible(problem, j);
        if (visible && gap)
            return true;
        seen |= visible;
        gap = seen && !visible;
    }
    return false;
}

/* Positions counted in visible keys alone, as where biases are made of a mask's cumulative sum: keys are nearer by the
 * masked ones behind them. */
static void try_counted(struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    int64_t behind = 0;
    if (!has_gaps(problem))
        return;
    for (int64_t j = problem->seq_len - 1; j >= 0; j--) {
        bool visible = problem_visible(problem, j);
        behind += !visible;
        double bias = suspect->slope * (double)(problem_distance(problem, j) + behind);
        suspect->logits[j] = visible ? suspect_capped(suspect, suspect->dots[j] + bias) : -INFINITY;
    }
    suspect->remedy = "Count positions in all keys of the cache, masked ones too.";
    suspect_try(suspect, SIGNATURE_WRONG_SLOPE, "|positions counted in visible keys alone|");
    suspect->remedy = NULL;
}

/* The lse of logits that a kernel takes for lower by a number; of a sink or a cap of all logits that is another lse. */
static bool moves_lse(const struct suspect *suspect)
{
    return suspect->sink == -INFINITY && suspect->problem->soft_cap != SOFT_CAP_AFTER_BIAS;
}

/* rms that no bias leaves of out. */
static double left_by_none(struct suspect *suspect)
{
    suspect_fill_slope(suspect, 0);
    suspect_attend(suspect, suspect->problem->head_dim);
    return suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim);
}

/* Positions that begin anew with each so many keys, into suspect->logits. */
static void fill_begin_anew(struct suspect *suspect, int64_t len)
{
    const struct problem *problem = suspect->problem;
    for (int64_t j = 0; j < problem->seq_len; j++) {
        double bias = suspect->slope * (double)(problem_distance(problem, j) - j / len * len);
        suspect->logits[j] = problem_visible(problem, j) ? suspect_capped(suspect, suspect->dots[j] + bias) : -INFINITY;
    }
}

/* Whether the first so many keys, whose positions are right, would do without the others as far as shows: these are as
 * likely to be missing. */
static bool first_keys_do(struct suspect *suspect, int64_t len, double rms, double lse)
{
    fill_begin_anew(suspect, len);
    for (int64_t j = len; j < suspect->problem->seq_len; j++)
        suspect->logits[j] = -INFINITY;
    const double without = suspect_attend(suspect, suspect->problem->head_dim);
    if (suspect->by_lse)
        return !(fabs(lse - without) > 8 * suspect_lse_rounding(suspect));
    return !(4 * fmax(rms, suspect->noise) <= suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim));
}

/*
 * Positions that begin anew with each chunk or page: the query's is right, or is that of the chunk's last key, or 0.
 * Where biases hardly differ within a chunk, that is no bias at all, and another slope that is next to none.
 */
static void try_begin_anew(struct suspect *suspect)
{
    enum { LEN_MIN = 8, LEN_MAX = 4096 };
    const struct problem *problem = suspect->problem;
    if (may_be_a_shift(suspect))
        return;
    const double to_origin = suspect->slope * (double)(problem->q_position - problem->kv_offset);
    const double of_none = suspect->by_lse ? 0 : left_by_none(suspect);
    suspect->remedy = "Count positions from the beginning of the sequence, in each of its chunks and pages.";
    for (int64_t len = LEN_MIN; len <= LEN_MAX && len < problem->seq_len; len *= 2) {
        double lse, range = fabs(suspect->slope) * (double)(len - 1);
        if (range < 0x1p-4)
            continue;
        fill_begin_anew(suspect, len);
        if (!suspect_predict(suspect, &lse))
            continue;
        const double rms = suspect->by_lse ? 0 : suspect_rms(suspect, suspect->predicted, problem->head_dim);
        if (!(suspect->by_lse || 4 * rms <= of_none) || first_keys_do(suspect, len, rms, lse))
            continue;
        fill_begin_anew(suspect, len);
        suspect_attend(suspect, problem->head_dim);
        const double lses[] = {lse, lse + to_origin - suspect->slope * (double)(len - 1), lse + to_origin};
        for (int i = 0; i < (moves_lse(suspect) && !suspect->lse_unknown ? 3 : 1); i++)
            suspect_offer_logits(suspect, SIGNATURE_WRONG_SLOPE, lses[i], "|positions begin anew with each %lld keys|",
                                 (long long)len);
    }
    suspect->remedy = NULL;
}

/* ---- any one slope --------------------------------------------------------------------------------------------- */

/*
 * Where next to all weight is on one key, another slope only moves a little weight off it, as dropped keys and rounded
 * logits do: a slope of no known origin has to explain out and lse, or out of many keys where there is no lse, and
 * better than what else does.
 */
void hypothesis_any_slope(struct suspect *suspect)
{
    if (suspect->visible == 0 || suspect->by_lse)
        return;
    const struct problem *problem = suspect->problem;
    double slope = suspect_fit(suspect, suspect_fill_slope, fmax(-20, -8 - log2((double)problem->seq_len)), 3, true);
    if (isnan(slope))
        return;
    suspect_fill_slope(suspect, slope);
    double lse = suspect_attend(suspect, problem->head_dim);
    if (suspect->best.confirmed &&
        !(4 * suspect_rms(suspect, suspect->predicted, problem->head_dim) <= suspect->best.rms))
        return;
    if (!suspect_fit_is_told(suspect, lse) || fabs(slope / suspect->slope - 1) < 1e-3)
        return;
    int head = slope_owner(suspect, slope);
    if (head < 0 && is_one_of_many(suspect, slope))
        return;
    if (head >= 0)
        suspect_offer(suspect, SIGNATURE_WRONG_SLOPE, true, suspect->predicted, lse,
                      "slope %.6g in place of %.6g: |that of another head|, number %d", slope, suspect->slope, head);
    else if (suspect->slope == 0)
        suspect_offer(suspect, SIGNATURE_WRONG_SLOPE, true, suspect->predicted, lse, "|slope %.4g in place of 0|",
                      slope);
    else
        suspect_offer(suspect, SIGNATURE_WRONG_SLOPE, true, suspect->predicted, lse,
                      "slope %.4g in place of %.4g: |%.4g times it|", slope, suspect->slope, slope / suspect->slope);
}

void hypothesis_slope(struct suspect *suspect)
{
    if (suspect->visible == 0)
        return;
    suspect_fill_slope(suspect, 0);
    suspect_try(suspect, SIGNATURE_DROPPED_BIAS, "|slope 0| in place of %.6g", suspect->slope);
    bool lse_tells = suspect->best.confirmed && suspect_lse_is_off(suspect);
    if (suspect->best.signature == SIGNATURE_DROPPED_BIAS && !suspect->by_lse && !lse_tells)
        hypothesis_rounded_away(suspect);
    if (suspect_is_settled(suspect))
        return;
    for (int i = 0; i < slope_rules_count; i++)
        try_slope(suspect, slope_by_rule(suspect, &slope_rules[i]), slope_rules[i].origin);
    try_signs(suspect);
    try_counted(suspect);
    if (!suspect_is_settled(suspect))
        try_begin_anew(suspect);
}

/* The cosine of the angle between out - truth and predicted - truth. */
static double alignment(const struct suspect *suspect)
{
    double along = 0, found = 0, foreseen = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++) {
        double err = suspect->out[d] - suspect->truth[d], predicted = suspect->predicted[d] - suspect->truth[d];
        along += err * predicted;
        found += err * err;
        foreseen += predicted * predicted;
    }
    return foreseen > 0 && found > 0 ? along / sqrt(found * foreseen) : 0;
}

bool hypothesis_slope_may_be_rounded(struct suspect *suspect)
{
    static const enum dtype narrow[] = {DTYPE_BF16, DTYPE_F16};
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        double slope = (double)dtype_round(narrow[i], (float)suspect->slope);
        suspect_fill_slope(suspect, slope);
        double left = fabs(suspect->lse - suspect_attend(suspect, 0));
        if (slope != suspect->slope && left <= fabs(suspect->lse - suspect->truth_lse) / 2)
            return true;
    }
    return false;
}

/* Errors that other roundings hide in part go half along what a rounded slope makes, and lse is off as it makes it. */
bool hypothesis_rounded_slope(struct suspect *suspect)
{
    static const enum dtype narrow[] = {DTYPE_BF16, DTYPE_F16};
    double lse_err = suspect->lse - suspect->truth_lse,
           lse_ulp = dtype_ulp(DTYPE_F32, fmax(1, fmax(fabs(suspect->lse), fabs(suspect->max))));
    bool aligned = false;
    if (suspect->visible == 0 || suspect->by_lse || suspect->lse_unknown)
        return false;
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        double slope = (double)dtype_round(narrow[i], (float)suspect->slope);
        if (slope == suspect->slope)
            continue;
        suspect_fill_slope(suspect, slope);
        double lse = suspect_attend(suspect, suspect->problem->head_dim), left = fabs(suspect->lse - lse);
        if (!(alignment(suspect) > 0.5))
            continue;
        aligned = true;
        if (suspect->visible == 2 || !(fabs(lse_err) > 64 * lse_ulp) || !(left <= fabs(lse_err) / 64))
            continue;
        struct match match = {.signature = SIGNATURE_WRONG_SLOPE,
                              .rms = suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim),
                              .residual = suspect_residual(suspect, suspect->predicted),
                              .confirmed = true,
                              .choices = SUSPECT_CHOICES};
        snprintf(match.detail, sizeof match.detail,
                 "slope %.6g in place of %.6g: rounded to %s; lse is off as it makes it, out by other roundings too",
                 slope, suspect->slope, dtypes[narrow[i]].name);
        suspect_take(suspect, &match);
    }
    return aligned;
}
