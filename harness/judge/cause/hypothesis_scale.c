/*
 * Attention with another scale: logits are factor * scale * k_scale * q.k + bias, and out is multiplied by another
 * v_scale.
 */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/suspect_fit.h"

enum { ORIGIN_SIZE = 64 };

static void fill_logits_of(struct suspect *suspect, double of_products, double of_biases)
{
    const struct problem *problem = suspect->problem;
    for (int64_t j = 0; j < problem->seq_len; j++)
        suspect->logits[j] = suspect_visible(suspect, j)
                                 ? problem_logit(problem, of_products * suspect_product(suspect, j),
                                                 of_biases * suspect_bias(suspect, j))
                                 : -INFINITY;
}

static void fill_logits(struct suspect *suspect, double factor)
{
    fill_logits_of(suspect, factor, 1);
}

/* The prediction times what a kernel makes of v_scale, with what the logits were formed with. */
static void offer_values(struct suspect *suspect, double lse, const char *of_logits)
{
    double value_scale = problem_value_scale(suspect->problem), scaled = 1;
    const struct {
        double factor;
        const char *origin;
    } rows[] = {
        {1, NULL},
        {1 / value_scale, "v_scale is not applied"},
        {value_scale, "v_scale is applied twice"},
    };
    for (size_t i = 0; i < (value_scale == 1 ? 1 : sizeof rows / sizeof rows[0]); i++) {
        for (int d = 0; d < suspect->problem->head_dim; d++)
            suspect->predicted[d] *= rows[i].factor / scaled;
        scaled = rows[i].factor;
        if (of_logits && rows[i].origin)
            suspect_offer(suspect, SIGNATURE_WRONG_SCALE, false, suspect->predicted, lse, "%s, and %s", of_logits,
                          rows[i].origin);
        else if (of_logits || rows[i].origin)
            suspect_offer(suspect, SIGNATURE_WRONG_SCALE, false, suspect->predicted, lse, "%s",
                          of_logits ? of_logits : rows[i].origin);
    }
}

/* Whether q.k so scaled is 0 as far as the output's dtype shows: as it would be for any other reason. */
static bool leaves_nothing(const struct suspect *suspect, double factor)
{
    double largest = 0;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        if (suspect_visible(suspect, j))
            largest = fmax(largest, fabs(factor * suspect_product(suspect, j)));
    return largest < ldexp(1, -dtypes[suspect->problem->dtype].significand_bits);
}

/* Whether q.k is one number for all keys, of which there are several: another scale then moves all logits by as much,
 * and lse by what a constant does, or a maximum that is held. */
static bool has_one_product(const struct suspect *suspect)
{
    double least = INFINITY, most = -INFINITY;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        if (suspect_visible(suspect, j)) {
            least = fmin(least, suspect_product(suspect, j));
            most = fmax(most, suspect_product(suspect, j));
        }
    return suspect->visible > 1 && least == most;
}

static void try_factor(struct suspect *suspect, double factor, const char *origin)
{
    if (!isfinite(factor) || fabs(factor - 1) < 0x1p-20 || leaves_nothing(suspect, factor))
        return;
    fill_logits(suspect, factor);
    double lse = suspect_attend(suspect, suspect->problem->head_dim);
    bool is_of_base = factor == M_LN2 || factor == M_LOG2E; /* lse may be multiplied as well: hypothesis_lse.c */
    if (suspect->by_lse && is_of_base && fabs(lse - factor * suspect->truth_lse) <= suspect_lse_rounding(suspect))
        return;
    suspect->seconds = suspect->by_lse && has_one_product(suspect);
    offer_values(suspect, lse, origin);
    suspect->seconds = false;
}

/* What comes of a hypothesis. */
struct outcome {
    double rms, lse;
};

static struct outcome outcome_of_logits(struct suspect *suspect)
{
    const double lse = suspect_attend(suspect, suspect->problem->head_dim);
    return (struct outcome){suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim), lse};
}

/* Whether what the row gives is no nearer to one of the two, as far as it can tell. */
static bool does_as_well(const struct suspect *suspect, const struct outcome *other, double rms, double lse)
{
    return other->rms <= 2 * fmax(rms, suspect->noise) &&
           (suspect->lse_unknown ||
            fabs(suspect->lse - other->lse) <= fmax(2 * fabs(suspect->lse - lse), suspect_lse_rounding(suspect)));
}

/*
 * All of the logit times a factor, its bias too: 2^x of natural logits, or e^x of logits in base 2. lse is that of such
 * logits; or, of a kernel that takes them for what they are, in the base that it would be in; or its maximum is what it
 * is, and the logarithm of the sum natural. Where q.k is so small that biases times the factor do as well, the row
 * bears another slope out as much, and this name only where others do by themselves.
 */
static void try_base(struct suspect *suspect, double factor, const char *origin)
{
    const struct problem *problem = suspect->problem;
    if (suspect->sink > -INFINITY) /* which may be in units of its own */
        return;
    fill_logits_of(suspect, 1, factor);
    const struct outcome of_biases = outcome_of_logits(suspect);
    for (int64_t j = 0; j < problem->seq_len; j++)
        suspect->logits[j] = suspect_visible(suspect, j) ? factor * suspect_logit(suspect, j) : -INFINITY;
    const struct outcome of_all = outcome_of_logits(suspect);
    const double lse = of_all.lse, lses[] = {lse, lse / factor, lse + (1 - factor) * suspect->max};
    suspect->remedy = "Raise e to natural logits, or 2 to logits that are multiplied by log2(e), biases too.";
    for (size_t i = 0; i < (suspect->lse_unknown ? 1 : sizeof lses / sizeof *lses); i++) {
        suspect->seconds = does_as_well(suspect, &of_biases, of_all.rms, lses[i]);
        suspect_offer(suspect, SIGNATURE_WRONG_SCALE, false, suspect->predicted, lses[i], "%s", origin);
    }
    suspect->seconds = false;
    suspect->remedy = NULL;
}

/* The scale 1/sqrt(D) of another head dim. */
static void try_head_dim(struct suspect *suspect, int head_dim)
{
    char origin[ORIGIN_SIZE];
    snprintf(origin, sizeof origin, "q.k is multiplied by 1/sqrt(%d)", head_dim);
    try_factor(suspect, 1 / (sqrt(head_dim) * (double)suspect->problem->scale), origin);
}

void hypothesis_scale(struct suspect *suspect)
{
    static const int head_dims[] = {32, 48, 64, 80, 96, 112, 128, 160, 192, 256, 512, 576};
    const struct problem *problem = suspect->problem;
    double scale = (double)problem->scale;
    if (suspect->visible == 0)
        return;
    if (problem->kv_format != KV_AS_DTYPE) {
        double k_scale = (double)problem->k_scale;
        fill_logits(suspect, 1);
        offer_values(suspect, suspect_attend(suspect, problem->head_dim), NULL);
        try_factor(suspect, 1 / k_scale, "k_scale is not applied");
        try_factor(suspect, k_scale, "k_scale is applied twice");
    }
    if (suspect_is_settled(suspect))
        return;
    try_factor(suspect, 1 / scale, "q.k is not multiplied by the scale");
    try_factor(suspect, scale, "q.k is multiplied by the scale twice");
    try_factor(suspect, M_LOG2E, "q.k is multiplied by log2(e) as well");
    try_factor(suspect, M_LN2, "q.k is multiplied by ln 2 as well");
    if (!suspect->by_lse) {
        try_base(suspect, M_LN2, "2^x in place of e^x: all of each logit is multiplied by ln 2");
        try_base(suspect, M_LOG2E, "e^x of logits in base 2: all of each logit is multiplied by log2(e)");
    }
    try_head_dim(suspect, problem->head_dim);
    for (size_t i = 0; i < sizeof head_dims / sizeof head_dims[0]; i++)
        if (head_dims[i] != problem->head_dim)
            try_head_dim(suspect, head_dims[i]);
}

/* As any slope does (hypothesis_slope.c), it has to explain out and lse, and better than what else does. Where products
 * hardly differ from key to key, and a sink shows by how much all are off, it does no more than a constant. */
void hypothesis_any_scale(struct suspect *suspect)
{
    enum { OCTAVES = 8 };
    if (suspect->visible == 0 || suspect->by_lse)
        return;
    double factor = suspect_fit(suspect, fill_logits, -OCTAVES, OCTAVES, false);
    if (isnan(factor) || factor < ldexp(1, -OCTAVES)) /* at the end of what was searched q.k may be 0 as well */
        return;
    fill_logits(suspect, factor);
    double lse = suspect_attend(suspect, suspect->problem->head_dim);
    const double rms = suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim);
    if ((suspect->best.confirmed && !(4 * rms <= suspect->best.rms)) || !suspect_fit_is_told(suspect, lse) ||
        fabs(factor - 1) < 1e-4 || suspect_constant_does_as_well(suspect, rms))
        return;
    suspect_offer(suspect, SIGNATURE_WRONG_SCALE, true, suspect->predicted, lse,
                  "scale %.4g in place of %.4g: |%.4g times it|", factor * (double)suspect->problem->scale,
                  (double)suspect->problem->scale, factor);
}
