/* The fits of hypothesis_chunk.c, row against row: one epsilon for all. */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/rounding_left.h"

enum { ROWS_ENOUGH = 3 };

/* In which place an epsilon leaves the least, the earlier one among those that leave about as much. */
static int best_epsilon_place(const struct suspect *suspect)
{
    int best = EPSILON_OF_ROW;
    for (int place = 0; place < EPSILON_PLACES; place++)
        if (suspect->epsilons[place].rms < 0.8 * suspect->epsilons[best].rms)
            best = place;
    return best;
}

/* Without lse an epsilon is a small number: a 1 in the sum is the weight of a sink whose logit is 0 ("softmax plus
 * one", Miller 2023), or of a slot without a key, and no output tells which. */
static bool fits_epsilon(const struct suspect *suspect, int place)
{
    const struct epsilon_fit *fit = &suspect->epsilons[place];
    double most = suspect->lse_unknown ? 0x1p-4 : 1;
    return fit->epsilon > 4 * fit->sigma && fit->epsilon <= most && fit->rms <= suspect->error / 2 &&
           fit->rms <= rounding_left(suspect, suspect->truth, NAN);
}

/* An epsilon in the denominator leaves lse as it is; a sum that begins with it, or a weight that no key has, does not.
 */
static bool lse_stayed(const struct suspect *suspect, int place)
{
    double grown = log1p(suspect->epsilons[place].epsilon / suspect->sum);
    return !suspect_lse_is_off(suspect) && fabs(suspect->lse - suspect->truth_lse) <= grown / 2;
}

/* One row is off by a factor, whatever made it. An epsilon that somebody wrote is a power of ten. */
static bool is_power_of_10(const struct epsilon_fit *fit)
{
    double power = pow(10, rint(log10(fit->epsilon)));
    return fabs(fit->epsilon - power) <= fmin(4 * fit->sigma, power / 50);
}

/* The same epsilon for every row examined, and for at least two of them visibly. Of two, and of the only one, it leaves
 * next to nothing: of nearly equal values, rounded weights make nearly a factor, too, which two rows share by chance.
 * Rows whose sums are about the same are one row: they have one factor. */
static bool epsilon_is_shared(const struct suspect *suspects, int count, const struct suspect *of, int place)
{
    const struct epsilon_fit *fit = &of->epsilons[place];
    int visibly = 0;
    double least = INFINITY, most = 0; /* of their sums */
    for (int i = 0; i < count; i++) {
        const struct epsilon_fit *other = &suspects[i].epsilons[place];
        if (!suspects[i].dots || suspects[i].by_lse || suspects[i].visible == 0)
            continue;
        if (!(fabs(other->epsilon - fit->epsilon) <= 4 * (other->sigma + fit->sigma) + 0.05 * fit->epsilon))
            return false;
        if (!(fit->epsilon > 4 * other->sigma))
            continue;
        visibly++;
        least = fmin(least, suspects[i].sum);
        most = fmax(most, suspects[i].sum);
    }
    if (problem_rows(of->whole) == 1 || most < 1.25 * least)
        return fit->rms <= of->error / 16 && is_power_of_10(fit);
    return visibly >= ROWS_ENOUGH || (visibly == 2 && fit->rms <= fmax(of->error / 16, 1.25 * of->noise));
}

static void offer_epsilon(struct suspect *suspect, int place)
{
    const struct epsilon_fit *fit = &suspect->epsilons[place];
    struct match match = {.signature = SIGNATURE_EPS_BIAS,
                          .rms = fit->rms,
                          .residual = fit->residual,
                          .confirmed = suspect_lse_is(suspect, suspect->truth_lse),
                          .exact = suspect_lse_is_exactly(suspect, suspect->truth_lse),
                          .fitted = true,
                          .reason = (uint64_t)place};
    int chunked = place - EPSILON_FIRST_CHUNKED, chunk_len = SUSPECT_CHUNK_LEN_MIN << chunked / 2;
    if (place == EPSILON_OF_ROW)
        snprintf(match.detail, sizeof match.detail, "epsilon %.4g added to the row's sum, which is %.6g", fit->epsilon,
                 suspect->sum);
    else
        snprintf(match.detail, sizeof match.detail, "epsilon %.4g added to %s of chunks of %d keys", fit->epsilon,
                 chunked % 2 ? "the sums" : "the row's sum and those", chunk_len);
    suspect_take(suspect, &match);
}

void hypothesis_epsilon(struct suspect *suspects, int count, int failing)
{
    for (int i = 0; i < failing; i++) {
        struct suspect *suspect = &suspects[i];
        if (!suspect->dots || suspect->by_lse || suspect->visible == 0)
            continue;
        int place = best_epsilon_place(suspect);
        if (!fits_epsilon(suspect, place) || !lse_stayed(suspect, place) ||
            !epsilon_is_shared(suspects, count, suspect, place))
            continue;
        offer_epsilon(suspect, place);
    }
}
