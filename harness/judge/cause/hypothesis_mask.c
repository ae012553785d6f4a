/* Masked keys, or slots that hold no key, carry weight. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/cause/hypothesis.h"

#define USUAL_SENTINEL 1e4 /* rounding_left.h */

enum weighting { WEIGHTING_SOFTMAX, WEIGHTING_EQUAL, WEIGHTING_COUNT };

enum population { POPULATION_ALL, POPULATION_MASKED, POPULATION_VISIBLE, POPULATION_COUNT };

static bool belongs(const struct problem *problem, int64_t key, enum population population)
{
    return population == POPULATION_ALL || problem_visible(problem, key) == (population == POPULATION_VISIBLE);
}

/* Mean of v over a population into suspect->predicted, beside a sink a share of it. Its lse; -inf without such a key.
 */
static double attend_to(struct suspect *suspect, enum population population, enum weighting weighting)
{
    const struct problem *problem = suspect->problem;
    for (int64_t j = 0; j < problem->seq_len; j++)
        suspect->logits[j] = !belongs(problem, j, population) ? -INFINITY
                             : weighting == WEIGHTING_SOFTMAX ? suspect_logit(suspect, j)
                                                              : 0;
    return suspect_attend(suspect, problem->head_dim);
}

/* False without such a key. */
static bool mean_of(struct suspect *suspect, enum population population, enum weighting weighting)
{
    return attend_to(suspect, population, weighting) > -INFINITY;
}

static double rms_of(const struct suspect *suspect, const double *elements)
{
    double squares = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++)
        squares += elements[d] * elements[d];
    return sqrt(squares / suspect->problem->head_dim);
}

/*
 * Weights by q.k and a slope smaller than its own are next to equal where q.k hardly differs: whether they come as near
 * to out as equal ones, and lse lies between that of its own slope and that of none, as theirs does. left: the rms that
 * equal weights leave of out. Overwrites suspect->predicted.
 */
static bool may_be_a_smaller_slope(struct suspect *suspect, enum population population, double left)
{
    const struct problem *problem = suspect->problem;
    for (int64_t j = 0; j < problem->seq_len; j++)
        suspect->logits[j] = belongs(problem, j, population) ? suspect_capped(suspect, suspect->dots[j]) : -INFINITY;
    double lse = suspect_attend(suspect, problem->head_dim);
    bool between = suspect->lse_unknown || suspect_lse_is_exactly(suspect, lse) ||
                   (suspect->lse > suspect->truth_lse) == (suspect->lse < lse);
    return between && suspect_rms(suspect, suspect->predicted, problem->head_dim) < 4 * fmax(left, suspect->noise);
}

/* Equal logits leave their mark on lse, unless it was the truth's to begin with: any, unless a sink has a share of the
 * weight, which tells that they are 0. */
static void offer_uniform(struct suspect *suspect)
{
    if (suspect->visible > 0 && suspect_lse_is(suspect, suspect->truth_lse))
        return;
    static const char *const texts[POPULATION_COUNT] = {
        [POPULATION_ALL] = "the plain mean of v over all keys",
        [POPULATION_MASKED] = "the plain mean of v over masked keys",
        [POPULATION_VISIBLE] = "the plain mean of v over visible keys",
    };
    for (enum population p = 0; p < POPULATION_COUNT; p++) {
        /* Where a key is visible, masked keys that outweigh it leak. */
        if ((p == POPULATION_MASKED && suspect->visible > 0) || !mean_of(suspect, p, WEIGHTING_EQUAL))
            continue;
        /* A mean next to 0 is no better than 0, which lost weights give. */
        double left = suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim);
        if (2 * left > rms_of(suspect, suspect->out) ||
            (suspect->visible > 0 && may_be_a_smaller_slope(suspect, p, left)))
            continue;
        double lse = attend_to(suspect, p, WEIGHTING_EQUAL);
        suspect->equal = true;
        suspect_offer(suspect, SIGNATURE_UNIFORM, false, suspect->predicted, suspect->sink > -INFINITY ? lse : NAN,
                      "%s", texts[p]);
        suspect->equal = false;
    }
}

/* ---- out = c * mean + d * truth -------------------------------------------------------------------------------- */

struct mixture {
    double c, d;
};

static void mix(struct suspect *suspect, const double *mean, struct mixture mixture)
{
    for (int i = 0; i < suspect->problem->head_dim; i++)
        suspect->predicted[i] = mixture.c * mean[i] + mixture.d * suspect->truth[i];
}

static bool plausible(struct mixture mixture)
{
    return mixture.c > 0 && mixture.d >= -1e-6 && mixture.c + mixture.d <= 1 + 1e-3;
}

/* All weight goes to keys: c = 1 - d, least squares. */
static struct mixture fit_share(const struct suspect *suspect, const double *mean)
{
    double above = 0, below = 0;
    for (int i = 0; i < suspect->problem->head_dim; i++) {
        double step = mean[i] - suspect->truth[i];
        above += step * (suspect->out[i] - suspect->truth[i]);
        below += step * step;
    }
    double c = above / below;
    return (struct mixture){c, c > 1 && c < 1 + 1e-3 ? 0 : 1 - c};
}

/* c and d on their own; c alone where the truth is 0, NaN where mean and truth do not tell them apart. */
static struct mixture fit_both(const struct suspect *suspect, const double *mean)
{
    double mm = 0, mt = 0, tt = 0, mo = 0, to = 0;
    for (int i = 0; i < suspect->problem->head_dim; i++) {
        double m = mean[i], t = suspect->truth[i], o = suspect->out[i];
        mm += m * m;
        mt += m * t;
        tt += t * t;
        mo += m * o;
        to += t * o;
    }
    if (tt == 0)
        return (struct mixture){mo / mm, 0};
    double determinant = mm * tt - mt * mt;
    if (!(determinant > 1e-6 * mm * tt))
        return (struct mixture){NAN, NAN};
    struct mixture mixture = {(mo * tt - to * mt) / determinant, (to * mm - mo * mt) / determinant};
    if (mixture.d < 0)
        mixture = (struct mixture){mo / mm, 0};
    return mixture;
}

/* What the mixture makes of lse. With next to all weight on c it does not tell: any lse that has grown as far will do.
 */
static double lse_of(const struct suspect *suspect, struct mixture mixture)
{
    if (mixture.d > 1e-2)
        return suspect->truth_lse - log(mixture.d);
    return suspect->lse - suspect->truth_lse >= 4 ? suspect->lse : NAN;
}

static const char *const weighting_texts[WEIGHTING_COUNT] = {
    [WEIGHTING_SOFTMAX] = "by their own logits",
    [WEIGHTING_EQUAL] = "equal among themselves",
};

/* Whether masked keys are said to have next to all weight, and lse that they have none. */
static bool lse_denies(const struct suspect *suspect, struct mixture mixture)
{
    return suspect->visible > 0 && mixture.d <= 1e-2 && suspect_lse_is_exactly(suspect, suspect->truth_lse);
}

static void offer_mixture(struct suspect *suspect, const double *mean, struct mixture mixture, enum weighting weighting)
{
    if (!plausible(mixture) || lse_denies(suspect, mixture))
        return;
    mix(suspect, mean, mixture);
    double empty = 1 - mixture.c - mixture.d, lse = lse_of(suspect, mixture);
    suspect->sentinel = suspect->visible == 0 && suspect->lse_unknown ? USUAL_SENTINEL : 0;
    if (suspect->visible == 0 && weighting == WEIGHTING_EQUAL)
        suspect_offer(suspect, SIGNATURE_UNIFORM, true, suspect->predicted, NAN,
                      "%.3g |times the plain mean of v over masked keys|", mixture.c);
    else if (empty > 1e-3)
        suspect_offer(suspect, SIGNATURE_LEAK, true, suspect->predicted, lse,
                      "|masked keys, %s,| carry %.3g%% of the weight, slots without a key %.3g%%",
                      weighting_texts[weighting], 100 * mixture.c, 100 * empty);
    else
        suspect_offer(suspect, SIGNATURE_LEAK, true, suspect->predicted, lse,
                      "|masked keys, %s,| carry %.3g%% of the weight", weighting_texts[weighting], 100 * mixture.c);
    suspect->sentinel = 0;
}

/* The factor that brings the truth closest to out. */
static double fit_scale(const struct suspect *suspect)
{
    double above = 0, below = 0;
    for (int i = 0; i < suspect->problem->head_dim; i++) {
        above += suspect->out[i] * suspect->truth[i];
        below += suspect->truth[i] * suspect->truth[i];
    }
    return above / below;
}

static double rms_of_scaled_truth(struct suspect *suspect)
{
    mix(suspect, suspect->truth, (struct mixture){0, fit_scale(suspect)});
    return suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim);
}

/*
 * Weight that no key has: out = d * truth, and lse has grown by -log d. Slots without a key that take a sentinel do so,
 * and so does a sum that does not begin with 0, a sink, or an epsilon that lse is taken with: no output tells them
 * apart.
 */
static void remark_weight_of_no_key(struct suspect *suspect)
{
    double d = fit_scale(suspect), growth = suspect->lse - suspect->truth_lse;
    if (!(d > 0 && d < 1) || !(fabs(growth + log(d)) <= -log(d) / 8) || !suspect_lse_is_off(suspect))
        return;
    mix(suspect, suspect->truth, (struct mixture){0, d});
    if (suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim) > fmax(suspect->error / 4, suspect->noise))
        return;
    snprintf(suspect->remark, sizeof suspect->remark,
             "%.3g%% of the weight is with no key: slots without one, a sum that does not begin with 0, or a sink",
             100 * (1 - d));
}

/*
 * Whether out shows where the weight went: a mean next to 0 takes weight off the truth as anything does that is with no
 * key. Then another witness is needed.
 */
static bool shows_mean(struct suspect *suspect, const double *mean, struct mixture mixture)
{
    mix(suspect, mean, mixture);
    return suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim) <= rms_of_scaled_truth(suspect) / 2;
}

/* The share by which lse has grown: rounding hides it less than it hides it from out. */
static void offer_grown(struct suspect *suspect, const double *mean, enum weighting weighting)
{
    double growth = suspect->lse - suspect->truth_lse;
    struct mixture mixture = {-expm1(-growth), exp(-growth)};
    struct match match = {
        .signature = SIGNATURE_LEAK, .confirmed = true, .exact = true, .fitted = true, .reason = weighting};
    if (!suspect_lse_rose(suspect) || !suspect_lse_is_off(suspect) ||
        !(suspect->leaks || shows_mean(suspect, mean, mixture)))
        return;
    mix(suspect, mean, mixture);
    match.rms = suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim);
    match.residual = suspect_residual(suspect, suspect->predicted);
    if (!(match.rms <= 1.25 * suspect->noise && match.rms <= suspect->error / 2))
        return;
    snprintf(match.detail, sizeof match.detail, "masked keys, %s, carry %.3g%% of the weight",
             weighting_texts[weighting], 100 * mixture.c);
    suspect_take(suspect, &match);
}

static void offer_leak(struct suspect *suspect, const double *mean, enum weighting weighting)
{
    struct mixture both = fit_both(suspect, mean);
    if (suspect->visible > 0) {
        struct mixture share = fit_share(suspect, mean);
        if (suspect->leaks || shows_mean(suspect, mean, share))
            offer_mixture(suspect, mean, share, weighting);
        offer_grown(suspect, mean, weighting);
    }
    if (suspect->visible == 0 || shows_mean(suspect, mean, both))
        offer_mixture(suspect, mean, both, weighting);
}

/* ---- masks that are not kept key by key ------------------------------------------------------------------------ */

/* Keys by tiles of len: each that has a visible key is visible as a whole. False if that is the mask itself. *all: it
 * is no mask, since every tile has one. */
static bool let_tiles_in(struct suspect *suspect, int64_t len, bool *all)
{
    const struct problem *problem = suspect->problem;
    bool differs = false;
    *all = true;
    for (int64_t first = 0; first < problem->seq_len; first += len) {
        int64_t end = first + len < problem->seq_len ? first + len : problem->seq_len;
        bool any = false;
        for (int64_t j = first; j < end; j++)
            any |= suspect_visible(suspect, j);
        *all &= any;
        for (int64_t j = first; j < end; j++) {
            suspect->logits[j] = any ? suspect_logit(suspect, j) : -INFINITY;
            differs |= any && !problem_visible(problem, j);
        }
    }
    return differs;
}

static void try_tiles(struct suspect *suspect)
{
    bool all = false;
    for (int64_t len = 8; len < suspect->problem->seq_len && len <= 4096 && !all; len *= 2)
        if (let_tiles_in(suspect, len, &all) && !all)
            suspect_try(suspect, SIGNATURE_LEAK, "masked keys in tiles of %lld keys with a visible one are let in",
                        (long long)len);
    if (let_tiles_in(suspect, suspect->problem->seq_len, &all))
        suspect_try(suspect, SIGNATURE_LEAK, "all masked keys are let in");
}

enum error_kind hypothesis_mask(struct suspect *suspect, struct error *error)
{
    if (suspect->visible > 0 && suspect->visible < suspect->problem->seq_len)
        try_tiles(suspect);
    if (suspect->by_lse)
        return ERROR_NONE;
    offer_uniform(suspect);
    if (suspect->visible > 0)
        remark_weight_of_no_key(suspect);
    if (suspect->visible == suspect->problem->seq_len)
        return ERROR_NONE;
    size_t size_bytes = (size_t)suspect->problem->head_dim * sizeof(double);
    double *mean = malloc(size_bytes);
    if (!mean)
        return error_memory(error, "a head's signature", (double)size_bytes);
    for (enum weighting w = 0; w < WEIGHTING_COUNT; w++) {
        if (!mean_of(suspect, POPULATION_MASKED, w))
            continue; /* the contract drops keys, and no mask does */
        memcpy(mean, suspect->predicted, size_bytes);
        offer_leak(suspect, mean, w);
    }
    free(mean);
    return ERROR_NONE;
}
