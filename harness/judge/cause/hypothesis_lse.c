/* An lse in other units, or a part of one, next to an output that is right. */
#include <math.h>

#include "harness/judge/cause/hypothesis.h"

/* Logits, and a learned sink, times a factor; what lse is then. */
static double attend_times(struct suspect *suspect, double factor, int dims)
{
    double sink = suspect->sink;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        suspect->logits[j] = suspect_visible(suspect, j) ? factor * suspect_logit(suspect, j) : -INFINITY;
    suspect->sink = sink > -INFINITY ? factor * sink : sink;
    double lse = suspect_attend(suspect, dims);
    suspect->sink = sink;
    return lse;
}

/* Whether logits times the factor would give the same lse, and leave out within what it may be off: of one key, or
 * where one has next to all weight, it does not show whether lse was multiplied or they were. */
static bool may_be_of_logits(struct suspect *suspect, double lse, double factor)
{
    if (!(fabs(attend_times(suspect, factor, suspect->problem->head_dim) - lse) <= suspect_lse_rounding(suspect)))
        return false;
    return suspect_residual(suspect, suspect->predicted) <= 1;
}

/* Whether logits that are held there themselves would leave out within what it may be off, and have the same lse. */
static bool may_be_held_logits(struct suspect *suspect, double lse, double held)
{
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        suspect->logits[j] = suspect_visible(suspect, j) ? fmax(suspect_logit(suspect, j), held) : -INFINITY;
    return fabs(suspect_attend(suspect, suspect->problem->head_dim) - lse) <= suspect_lse_rounding(suspect) &&
           suspect_residual(suspect, suspect->predicted) <= 1;
}

static void try_held(struct suspect *suspect, double lse, double held, const char *of, const char *base)
{
    if (!may_be_held_logits(suspect, lse, held))
        suspect_offer(suspect, SIGNATURE_WRONG_LSE, false, suspect->truth, lse,
                      "lse is made of |%s that is held at %.6g%s|, which it lies below", of, held, base);
}

/* A maximum, or an lse, that is held at a stand-in for -inf, in nats or in base 2, and lies below it. */
static void try_stand_ins(struct suspect *suspect)
{
    static const double stand_ins[] = {-1e3, -1e4, -3e4, -5e4, -65504, -1e5, -1e6};
    const double log_sum = suspect->truth_lse - suspect->max;
    suspect->remedy = "Return the maximum that the weights are taken against, however low it is, and log(sum).";
    for (size_t i = 0; i < sizeof stand_ins / sizeof *stand_ins; i++)
        for (int base_2 = 0; base_2 < 2; base_2++) {
            const double held = stand_ins[i] * (base_2 ? M_LN2 : 1);
            const char *base = base_2 ? " (a number of base 2)" : "";
            if (suspect->max < held)
                try_held(suspect, held + log_sum, held, "a maximum", base);
            if (suspect->truth_lse < held)
                try_held(suspect, held, held, "one", base);
        }
    suspect->remedy = NULL;
}

void hypothesis_lse(struct suspect *suspect)
{
    const double lse = suspect->truth_lse, max = suspect->max, log_sum = lse - max;
    const struct {
        double lse, of_logits; /* the factor on logits that may do the same */
        const char *text;
    } rows[] = {
        {lse * M_LOG2E, M_LOG2E, "lse is in base 2: log2(e) times what it should be"},
        {lse * M_LN2, M_LN2, "lse is multiplied by ln 2, as if it had been in base 2"},
        {max, 1, "lse is the row's maximum: the logarithm of the sum is missing"},
        {log_sum, 0, "lse is the logarithm of the sum: the row's maximum is missing"},
        {max + exp(log_sum), 1, "lse is the row's maximum and the sum itself, without its logarithm"},
        {max + log_sum * M_LOG2E, 1, "lse is the row's maximum in nats and the logarithm of the sum in base 2"},
        {max * M_LOG2E + log_sum, M_LOG2E, "lse is the row's maximum in base 2 and the natural logarithm of the sum"},
        {max + log_sum * M_LN2, 1, "lse is the row's maximum and ln 2 times the natural logarithm of the sum"},
        {max * M_LN2 + log_sum, M_LN2, "lse is ln 2 times the row's maximum in nats and the logarithm of the sum"},
        {-lse, -1, "lse has the wrong sign"},
    };
    if (!suspect->by_lse || suspect->visible == 0)
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!may_be_of_logits(suspect, rows[i].lse, rows[i].of_logits))
            suspect_offer(suspect, SIGNATURE_WRONG_LSE, false, suspect->truth, rows[i].lse, "%s", rows[i].text);
    if (suspect->sink == -INFINITY)
        try_stand_ins(suspect);
}
