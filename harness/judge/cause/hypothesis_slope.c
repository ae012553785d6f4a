/* Attention with another slope, or with none. */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/suspect_fit.h"
#include "reference/slopes.h"

/* Whether lse alone tells, and is off by the slope times a whole number of keys: of a slope that is hardly more than
 * lse's rounding every number is, so that no lse is that of another slope. */
static bool may_be_a_shift(const struct suspect *suspect)
{
    double keys = round((suspect->lse - suspect->truth_lse) / suspect->slope);
    bool tells = !suspect->by_lse && suspect->error > 2 * suspect->noise;
    return !tells && suspect_lse_is_exactly(suspect, suspect->truth_lse + suspect->slope * keys);
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
    suspect_offer(suspect, SIGNATURE_WRONG_SLOPE, false, suspect->predicted, lse, "slope %.6g in place of %.6g: |%s|",
                  slope, suspect->slope, origin);
    suspect_offer(suspect, SIGNATURE_WRONG_SLOPE, false, suspect->predicted, lse + constant,
                  "slope %.6g in place of %.6g: |%s, in the absolute form|", slope, suspect->slope, origin);
}

/* What the head's slope is by a convention, or NaN if there are too many heads to say. */
static double conventional_slope(const struct suspect *suspect, enum slope_convention convention, double max_bias)
{
    enum { MAX_HEADS = 1024 };
    float slopes[MAX_HEADS];
    int heads = suspect->problem->num_heads;
    if (heads > MAX_HEADS)
        return NAN;
    slopes_fill(slopes, heads, convention, max_bias, 0, heads);
    return (double)slopes[suspect->head];
}

static void try_conventions(struct suspect *suspect)
{
    static const struct {
        enum slope_convention convention;
        double max_bias;
        const char *origin;
    } rows[] = {
        {SLOPES_BLOOM, 8, "the bloom convention for this number of heads, max_bias 8"},
        {SLOPES_GEOMETRIC, 8, "the geometric convention for this number of heads, max_bias 8"},
        {SLOPES_BLOOM, 16, "the bloom convention for this number of heads, max_bias 16"},
        {SLOPES_GEOMETRIC, 16, "the geometric convention for this number of heads, max_bias 16"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        try_slope(suspect, conventional_slope(suspect, rows[i].convention, rows[i].max_bias), rows[i].origin);
    try_slope(suspect, suspect->slope * suspect->slope, "its square, max_bias doubled");
    try_slope(suspect, sqrt(suspect->slope), "its square root, max_bias halved");
    try_slope(suspect, (double)dtype_round(DTYPE_BF16, (float)suspect->slope), "rounded to bf16");
    try_slope(suspect, (double)dtype_round(DTYPE_F16, (float)suspect->slope), "rounded to f16");
}

static void try_factors(struct suspect *suspect)
{
    static const struct {
        double factor;
        const char *origin;
    } rows[] = {
        {2, "2 times it"},
        {0.5, "half of it"},
        {0x1.71547652b82fep+0, "log2(e) times it"},
        {0x1.62e42fefa39efp-1, "ln(2) times it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        try_slope(suspect, suspect->slope * rows[i].factor, rows[i].origin);
    try_slope(suspect, suspect->slope * (double)suspect->problem->scale, "the softmax scale times it");
    try_slope(suspect, suspect->slope / (double)suspect->problem->scale, "it divided by the softmax scale");
}

/* Slopes in another order: each row's own matter less than what all of them have in common. */
static void try_heads(struct suspect *suspect)
{
    int heads = suspect->problem->num_heads, head = suspect->head;
    const struct {
        int head;
        const char *origin;
    } rows[] = {
        {(head + 1) % heads, "that of the next head"},
        {(head + heads - 1) % heads, "that of the head before"},
        {(head + heads / 2) % heads, "that of the head half of them further on"},
        {heads - 1 - head, "that of the head in reverse order"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        try_slope(suspect, (double)suspect->problem->slopes[rows[i].head], rows[i].origin);
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
    bool is_from_0 = fabs(suspect->lse - from_0) < fabs(suspect->lse - reversed);
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

/* ---- any one slope --------------------------------------------------------------------------------------------- */

/* The head of the problem whose slope this is, or -1. */
static int head_of_slope(const struct suspect *suspect, double slope)
{
    for (int h = 0; h < suspect->problem->num_heads; h++)
        if (h != suspect->head && fabs((double)suspect->problem->slopes[h] / slope - 1) < 1e-3)
            return h;
    return -1;
}

/*
 * Where next to all weight is on one key, another slope only moves a little weight off it, as dropped keys and rounded
 * logits do: a slope of no known origin has to explain out and lse, and better than what else does.
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
    if (!suspect_lse_is(suspect, lse) || fabs(slope / suspect->slope - 1) < 1e-3)
        return;
    int head = head_of_slope(suspect, slope);
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
    if (suspect_is_settled(suspect))
        return;
    try_conventions(suspect);
    try_factors(suspect);
    try_heads(suspect);
    try_signs(suspect);
    try_counted(suspect);
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
