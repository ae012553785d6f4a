#include "harness/judge/cause/suspect_match.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <xxhash.h>

#include "harness/judge/cause/nearest_values.h"
#include "harness/judge/cause/rounding_left.h"
#include "harness/judge/cause/signature_info.h"

enum { SCREENED_DIMS = 16 };

bool suspect_is_rival(const struct suspect *suspect, const struct match *match)
{
    const struct match *best = &suspect->best;
    return fmax(match->rms, suspect->noise) < 4 * fmax(best->rms, suspect->noise) &&
           match->confirmed >= best->confirmed && match->exact >= best->exact;
}

static bool is_preferred(const struct suspect *suspect, const struct match *match)
{
    const struct match *best = &suspect->best;
    double rms = fmax(match->rms, suspect->noise), best_rms = fmax(best->rms, suspect->noise);
    int preference = signature_preference(match->signature) - signature_preference(best->signature);
    if (best->signature == SIGNATURE_UNKNOWN || 4 * rms <= best_rms)
        return true;
    if (!(rms < 4 * best_rms))
        return false;
    if (match->confirmed != best->confirmed)
        return match->confirmed;
    if (match->exact != best->exact)
        return match->exact;
    if (match->fitted != best->fitted)
        return best->fitted;
    return preference < 0 || (preference == 0 && match->rms < 0.8 * best->rms);
}

/* A rounding that no bound of the declared arithmetic can know of. */
static bool is_undeclared_rounding(const struct suspect *suspect, const struct match *match)
{
    return !match->fitted && match->confirmed && !suspect->by_lse && match->rms <= 1.25 * suspect->noise &&
           match->rms <= suspect->error / 8;
}

/* The place of a match of the same signature and reason, of a new one, or of the one that leaves most. */
static struct match *place_of(struct suspect *suspect, const struct match *match)
{
    struct match *worst = suspect->matches;
    for (int i = 0; i < suspect->num_matches; i++) {
        struct match *other = &suspect->matches[i];
        if (other->signature == match->signature && other->reason == match->reason)
            return other;
        if (other->rms > worst->rms)
            worst = other;
    }
    if (suspect->num_matches < SUSPECT_MAX_MATCHES) {
        worst = &suspect->matches[suspect->num_matches++];
        worst->rms = INFINITY;
    }
    return worst;
}

bool suspect_take(struct suspect *suspect, const struct match *match)
{
    if (match->signature == SIGNATURE_PRECISION_LOSS && suspect->beyond && suspect->truth_of == TRUTH_OF_INPUTS &&
        !is_undeclared_rounding(suspect, match))
        return false;
    struct match *place = place_of(suspect, match);
    if (match->rms <= place->rms)
        *place = *match;
    if (is_preferred(suspect, match))
        suspect->best = *match;
    return true;
}

uint64_t suspect_reason(const char *text)
{
    return XXH64(text, strlen(text), 0);
}

/* Takes the bars out of a detail, and what stands between them for the reason. */
static void take_reason(struct match *match)
{
    char *first = strchr(match->detail, '|'), *second = first ? strchr(first + 1, '|') : NULL;
    if (!second) {
        match->reason = suspect_reason(match->detail);
        return;
    }
    match->reason = XXH64(first + 1, (size_t)(second - first - 1), 0);
    memmove(second, second + 1, strlen(second));
    memmove(first, first + 1, strlen(first));
}

/* A prediction of lse without fitted parameters that accounts for an lse that is off: to what rounding allows or, where
 * that is not known, to a 256th of the error. Of a row without a key, whose error is infinite, it has to be that very
 * lse. */
static bool explains_lse(const struct suspect *suspect, double lse)
{
    double err = fabs(suspect->lse - suspect->truth_lse), left = fabs(suspect->lse - lse);
    if (!isfinite(err))
        return suspect_lse_is_exactly(suspect, lse);
    double ulps = 4 * dtype_ulp(DTYPE_F32, fmax(1, fabs(suspect->truth_lse)));
    double known_to = fmin(err, fmax(1, fmax(fabs(suspect->lse), fabs(lse)))) / 256; /* an err may be of any size */
    known_to = fmin(known_to, rounding_of_logits(suspect, lse));
    return left <= err / 4 && left <= (suspect->lse_bound > 0 ? suspect_lse_rounding(suspect) : fmax(known_to, ulps));
}

/* How often an lse that is off as far lies as near to a given one, or to an ulp of it; of a row without a key, one as
 * large. */
static double chance_of_lse(const struct suspect *suspect, double lse)
{
    double ulp = dtype_ulp(DTYPE_F32, fmax(1, fabs(suspect->lse)));
    double off = isfinite(suspect->truth_lse) ? fabs(suspect->lse - suspect->truth_lse) : fmax(1, fabs(suspect->lse));
    return fmin(1, 2 * fmax(fabs(suspect->lse - lse), ulp) / off);
}

/* Whether an lse may be one that was stored in 16 bits. */
static bool has_16_bits(double lse)
{
    return (double)dtype_round(DTYPE_BF16, (float)lse) == lse || (double)dtype_round(DTYPE_F16, (float)lse) == lse;
}

/* Whether lse is right, as near as logits in f32 make it, and is predicted elsewhere: it was not led back by chance. */
static bool lse_is_right_instead(const struct suspect *suspect, double lse)
{
    double err = fabs(suspect->lse - suspect->truth_lse), left = fabs(suspect->lse - lse);
    return err <= left / 64 && left > 4 * suspect_lse_rounding(suspect);
}

/*
 * Of arithmetic that nobody knows: further off than logits in 16 bits would lead it, f16 beside an output in f16 and
 * bf16 beside others, and, where these are large, than would take it from a quarter of its error.
 *
 * Where out is as predicted but for its own rounding, weights were off by no more than that, and so was their sum: by
 * twice u of the output, in nats, unless lse itself is a number of 16 bits.
 */
static bool lse_is_beyond_rounding(const struct suspect *suspect, const struct match *match, double lse)
{
    double err = fabs(suspect->lse - suspect->truth_lse), left = fabs(suspect->lse - lse);
    double unit = suspect->problem->dtype == DTYPE_F16 ? 0x1p-11 : 0x1p-8;
    double size = fmax(1, fmax(fabs(suspect->truth_lse), fabs(lse))), allowed = fmax(8 * unit * size, 0);
    bool exact_out = !suspect->by_lse && match->rms <= 1.25 * suspect->noise && match->rms <= suspect->error / 16;
    if (!exact_out)
        allowed = fmax(allowed, fmin(err / 4, rounding_of_logits(suspect, lse)));
    else if (has_16_bits(suspect->lse))
        allowed = 2 * unit * size;
    else
        allowed = fmax(4 * suspect_lse_rounding(suspect), suspect->problem->dtype == DTYPE_F32 ? 0 : 2 * unit);
    return left > allowed || lse_is_right_instead(suspect, lse);
}

/* An lse that the prediction does not have, though rounding cannot have led it there. Roundings are predicted for
 * nearly every key, and shares of weight that are fitted to out are no better than that; but no weight leaks that lse
 * has nothing of. */
static bool lse_contradicts(const struct suspect *suspect, const struct match *match, double lse)
{
    bool is_known = !suspect->lse_unknown && !suspect->lse_unwritten;
    if (isnan(lse) || match->signature == SIGNATURE_PRECISION_LOSS)
        return false;
    if (match->signature == SIGNATURE_LEAK && match->fitted)
        return is_known && lse_is_right_instead(suspect, lse);
    return suspect->lse_bound > 0 ? !suspect_lse_is_exactly(suspect, lse)
                                  : is_known && lse_is_beyond_rounding(suspect, match, lse);
}

/*
 * How often elements that are off as far lie as near to given ones, each to what its dtype and f32 round. An element
 * that is off by no more than that tells nothing, so an output that is the truth as its dtype has it tells nothing of
 * why. Nor do as many elements as numbers were fitted to them, two of a leak and else one: those that would tell most
 * are left out.
 */
static double chance_of_elements(const struct suspect *suspect, const struct match *match, const double *predicted)
{
    double chance = 1, f32_loss = 0x1p-27 * (8 + (suspect->visible ? fabs(suspect->max) : 0));
    double first = 1, second = 1; /* the smallest of them */
    for (int d = 0; d < suspect->problem->head_dim; d++) {
        double rounding = dtype_ulp(suspect->problem->dtype, suspect->out[d]) / 2 + f32_loss * suspect->magnitude[d];
        double left = fmax(fabs(suspect->out[d] - predicted[d]), rounding);
        double of_element = fmin(1, 2 * left / fabs(suspect->out[d] - suspect->truth[d]));
        chance *= fmax(second, of_element);
        second = fmin(second, fmax(first, of_element));
        first = fmin(first, of_element);
    }
    return chance * (match->fitted ? 1 : first) * (match->fitted && match->signature == SIGNATURE_LEAK ? 1 : second);
}

enum { ENOUGH_DIMS = 16 }; /* for roundings, which leave some of each element */

/* How often an out and an lse that are off as far lie as near to given ones, where it takes out to tell. Two keys make
 * a line, on which out is one number, and so does one key whose weight alone is off, of what is not about that. What
 * was fitted was chosen among about as many as there are keys. */
static double chance_of_out(const struct suspect *suspect, const struct match *match, const double *predicted,
                            double lse)
{
    double of_lse = match->confirmed && suspect_lse_is_off(suspect) ? chance_of_lse(suspect, lse) : 1;
    double left = fmax(match->rms, suspect->noise);
    bool of_keys = match->signature == SIGNATURE_DROPPED_KEYS || match->signature == SIGNATURE_LEAK;
    bool on_line = suspect->visible == 2 || suspect->along_truth || (suspect->of_one_key <= 2 * left && !of_keys);
    double of_line = on_line ? left / suspect->error : 0;
    if (match->signature == SIGNATURE_PRECISION_LOSS)
        return suspect->problem->head_dim < ENOUGH_DIMS ? chance_of_elements(suspect, match, predicted) : 0;
    if (on_line && match->fitted && !of_keys) /* one number for one: lse is then as predicted, too */
        return 1;
    double of_out = fmax(of_line, chance_of_elements(suspect, match, predicted));
    if (suspect->along_truth) /* lse is of the same number */
        return fmin(of_out, of_lse);
    return of_out * of_lse * (match->fitted ? fmax(1, (double)suspect->visible) : 1);
}

/* The same where keys are of two groups, each of which counts more or less as a whole. */
static double chance_of_groups(const struct suspect *suspect, const struct match *match, double lse)
{
    double of_lse = match->confirmed && suspect_lse_is_off(suspect) ? chance_of_lse(suspect, lse) : 1;
    return fmin(1, fmax(match->rms, suspect->noise) / suspect->error) * of_lse;
}

/* Where rounding can do anything, what it may have done is no other fault. */
static bool may_be_rounding(const struct suspect *suspect, const struct match *match, double lse)
{
    return suspect->unbounded && match->signature != SIGNATURE_PRECISION_LOSS &&
           !(suspect_lse_is_off(suspect) && suspect_lse_is(suspect, lse));
}

/* A factor on the truth is one number: lse has it to the last digit or, where there is none, an output that has more
 * digits than 16 bits. What takes as much from all rows is nearly right in each of them if it is in one; of sinks each
 * row has its own. */
static bool tells_factor(const struct suspect *suspect, const struct match *match)
{
    return match->exact || match->signature == SIGNATURE_WRONG_SINK ||
           (suspect->lse_unknown && suspect->problem->dtype == DTYPE_F32);
}

static bool within_slack(const struct suspect *suspect, const double *predicted)
{
    for (int d = 0; d < suspect->problem->head_dim; d++)
        if (!(fabs(suspect->out[d] - predicted[d]) <= suspect->slack[d]))
            return false;
    return true;
}

static double rms_of_out(const struct suspect *suspect)
{
    double squares = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++)
        squares += suspect->out[d] * suspect->out[d];
    return sqrt(squares / suspect->problem->head_dim);
}

/* Whether so little is left of out that it has the prediction's shape, and not alone that both are small. Zeros have
 * none. */
static bool has_shape(const struct suspect *suspect, double rms)
{
    return rms < rms_of_out(suspect) / 2;
}

/* Whether what is predicted of an out that is right leaves it as right as it is. */
static bool leaves_out_right(const struct suspect *suspect, const double *predicted)
{
    int dims = suspect->problem->head_dim;
    double off = suspect_rms(suspect, suspect->truth, dims);
    return suspect_rms(suspect, predicted, dims) <= 2 * off + 0x1p-24 * rms_of_out(suspect);
}

/*
 * By how much of its error out may be off from a prediction. Keys that weigh a little, in place of nothing, leave as
 * much as roundings to 16 bits may: where the prediction would itself fail the tolerance, and no bound says that the
 * kernel rounds so far, that is little.
 */
static double share_left(const struct suspect *suspect, const struct match *match)
{
    enum { USUAL = 16, BEYOND_TOLERANCE = 128 };
    const bool is_rounding = match->signature == SIGNATURE_PRECISION_LOSS || suspect->bound_share > 0;
    return 1.0 / (match->residual <= 1 || is_rounding ? USUAL : BEYOND_TOLERANCE);
}

/* What is left of out, e of its error: see the head of suspect_match.h. */
static bool explains_out(const struct suspect *suspect, const struct match *match, const double *predicted, double lse)
{
    if (!(match->rms <= suspect->error / 4) || !has_shape(suspect, match->rms))
        return false;
    return within_slack(suspect, predicted) || (match->rms <= suspect->error * share_left(suspect, match) &&
                                                match->rms <= rounding_left(suspect, predicted, lse));
}

/* Where rounding hides part of the error, a prediction that leaves rounding alone, and lse with it. */
static bool explains_both(const struct suspect *suspect, double rms, double lse)
{
    return suspect_lse_is_off(suspect) && explains_lse(suspect, lse) &&
           rms <= fmin(1.25 * suspect->noise, suspect->error);
}

/* Whether of missing keys out shows no more than which key has all weight now, as where anything makes logits differ
 * more. Of two keys it is the other one; and an lse that is as predicted tells of the others. */
static bool shows_one_key(struct suspect *suspect, const struct match *match, const double *predicted)
{
    if (match->signature != SIGNATURE_DROPPED_KEYS || suspect->visible == 2 || match->exact)
        return false;
    return nearest_values_key_of(suspect, predicted) >= 0;
}

/* predicted: NULL for attention over suspect->logits, which has no elements yet where lse decides. */
__attribute__((format(printf, 6, 0))) static bool offer(struct suspect *suspect, enum signature signature, bool fitted,
                                                        const double *predicted, double lse, const char *format,
                                                        va_list arguments)
{
    const bool of_logits = !predicted;
    struct match match = {.signature = signature,
                          .fitted = fitted,
                          .seconds = suspect->seconds,
                          .choices = suspect->choices,
                          .remedy = suspect->remedy};
    if (suspect->by_lse) {
        match.rms = fabs(suspect->lse - lse);
        match.residual = suspect_in_units(match.rms, tolerance_lse(suspect->tolerance, suspect->truth_lse));
        match.chance = match.chance_of_one = chance_of_lse(suspect, lse);
        if (fitted || !explains_lse(suspect, lse))
            return false;
        if (of_logits)
            suspect_attend(suspect, suspect->problem->head_dim);
        if (!leaves_out_right(suspect, of_logits ? suspect->predicted : predicted))
            return false;
    } else {
        predicted = of_logits ? suspect->predicted : predicted;
        match.rms = suspect_rms(suspect, predicted, suspect->problem->head_dim);
        match.residual = suspect_residual(suspect, predicted);
        match.confirmed = suspect_lse_is(suspect, lse);
        match.exact = suspect_lse_is_exactly(suspect, lse);
        bool by_out = explains_out(suspect, &match, predicted, lse);
        match.chance = by_out ? chance_of_out(suspect, &match, predicted, lse) : chance_of_lse(suspect, lse);
        match.chance_of_one = by_out ? chance_of_groups(suspect, &match, lse) : match.chance;
        if ((suspect->along_truth && !tells_factor(suspect, &match)) || lse_contradicts(suspect, &match, lse) ||
            may_be_rounding(suspect, &match, lse) || (!by_out && (fitted || !explains_both(suspect, match.rms, lse))))
            return false;
        match.seconds |= shows_one_key(suspect, &match, predicted);
    }
    vsnprintf(match.detail, sizeof match.detail, format, arguments);
    take_reason(&match);
    return suspect_take(suspect, &match);
}

bool suspect_offer(struct suspect *suspect, enum signature signature, bool fitted, const double *predicted, double lse,
                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool taken = offer(suspect, signature, fitted, predicted, lse, format, arguments);
    va_end(arguments);
    return taken;
}

bool suspect_offer_logits(struct suspect *suspect, enum signature signature, double lse, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool taken = offer(suspect, signature, false, NULL, lse, format, arguments);
    va_end(arguments);
    return taken;
}

/* Attention over suspect->logits times a factor, elements below dims. */
static double attend_times(struct suspect *suspect, double factor, int dims)
{
    double lse = suspect_attend(suspect, dims);
    for (int d = 0; d < dims && factor != 1; d++)
        suspect->predicted[d] *= factor;
    return lse;
}

bool suspect_predict_times(struct suspect *suspect, double factor, double *lse)
{
    int dims = suspect->problem->head_dim;
    if (suspect->by_lse) {
        dims = 0;
    } else if (dims > SCREENED_DIMS) {
        double err = suspect_rms(suspect, suspect->truth, SCREENED_DIMS);
        bool tells = err >= suspect->error / 4 && suspect->error > 4 * suspect->noise;
        if (tells)
            attend_times(suspect, factor, SCREENED_DIMS);
        if (tells && !(suspect_rms(suspect, suspect->predicted, SCREENED_DIMS) <= err / 2))
            return false;
    }
    *lse = attend_times(suspect, factor, dims);
    return true;
}

bool suspect_predict(struct suspect *suspect, double *lse)
{
    return suspect_predict_times(suspect, 1, lse);
}

void suspect_try(struct suspect *suspect, enum signature signature, const char *format, ...)
{
    double lse;
    va_list arguments;
    if (!suspect_predict(suspect, &lse))
        return;
    va_start(arguments, format);
    offer(suspect, signature, false, NULL, lse, format, arguments);
    va_end(arguments);
}

bool suspect_constant_does_as_well(const struct suspect *suspect, double rms)
{
    const double rise = exp(suspect->lse - suspect->truth_lse), sink = exp(suspect->sink - suspect->truth_lse);
    const double factor = (1 - sink / rise) / (1 - sink); /* of the share that keys have */
    double squares = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++) {
        double left = suspect->out[d] - factor * suspect->truth[d];
        squares += left * left;
    }
    return !suspect->lse_unknown && sqrt(squares / suspect->problem->head_dim) <= 2 * fmax(rms, suspect->noise);
}

bool suspect_is_settled(const struct suspect *suspect)
{
    const struct match *best = &suspect->best;
    return best->signature != SIGNATURE_UNKNOWN && best->rms <= 2 * suspect->noise &&
           (best->exact || suspect->by_lse || suspect->lse_unknown);
}
