/* Attention whose weights, or whose output, are rounded on the way, all else being right: predicted key by key and
 * element by element. */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/hypothesis.h"

/* How weights may be rounded before the product with v, their sum not. */
struct weight_rounding {
    enum dtype dtype;
    bool divided; /* by their sum first */
};

/* Attention over log(rounded weights), its sum exchanged, into suspect->predicted. */
static void predict_weights(struct suspect *suspect, struct weight_rounding rounding)
{
    const struct problem *problem = suspect->problem;
    double rounded_sum = 0, first = rounding.divided ? suspect->sum : 1, sink = suspect->sink;
    for (int64_t j = 0; j < problem->seq_len; j++) {
        double weight = suspect_visible(suspect, j) ? exp(suspect_logit(suspect, j) - suspect->max) : 0;
        double rounded = (double)dtype_round(rounding.dtype, (float)(weight / first));
        suspect->logits[j] = rounded > 0 ? log(rounded) : -INFINITY;
        rounded_sum += rounded;
    }
    suspect->sink = -INFINITY; /* suspect->sum has it */
    suspect_attend(suspect, problem->head_dim);
    suspect->sink = sink;
    for (int d = 0; d < problem->head_dim; d++)
        suspect->predicted[d] *= rounded_sum * first / suspect->sum;
}

static const struct weight_rounding weight_roundings[] = {
    {DTYPE_F16, false},  {DTYPE_F16, true},  {DTYPE_BF16, false}, {DTYPE_BF16, true},
    {DTYPE_E4M3, false}, {DTYPE_E4M3, true}, {DTYPE_E5M2, false}, {DTYPE_E5M2, true},
};

enum { NUM_WEIGHT_ROUNDINGS = sizeof weight_roundings / sizeof weight_roundings[0] };

/*
 * Where more than one of them explains the row about as well, it does not tell which: the best match then says what
 * they have in common. Each is a match of its own, too, which other rows may tell from the others.
 */
static void leave_open(struct suspect *suspect, const bool *explains, const double *rms)
{
    const struct weight_rounding *first = NULL;
    bool same_dtype = true, same_form = true, open = false;
    for (int i = 0; i < NUM_WEIGHT_ROUNDINGS; i++) {
        const struct weight_rounding *other = &weight_roundings[i];
        if (!explains[i] || !(fmax(rms[i], suspect->noise) < 4 * fmax(suspect->best.rms, suspect->noise)))
            continue;
        open |= first != NULL;
        first = first ? first : other;
        same_dtype &= other->dtype == first->dtype;
        same_form &= other->divided == first->divided;
    }
    if (!open)
        return;
    snprintf(suspect->best.detail, sizeof suspect->best.detail, "weights%s rounded%s%s",
             same_form && first->divided ? ", divided by their sum first," : "",
             same_dtype ? " to " : ": the row does not tell to which dtype",
             same_dtype ? dtypes[first->dtype].name : "");
    suspect->best.reason = suspect_reason(suspect->best.detail);
}

void hypothesis_rounded_weights(struct suspect *suspect)
{
    bool explains[NUM_WEIGHT_ROUNDINGS], best = false;
    double rms[NUM_WEIGHT_ROUNDINGS];
    if (suspect->visible == 0 || suspect->by_lse)
        return;
    suspect->remedy = "Hold weights in f32 for their product with v, or add up the rounded ones.";
    for (int i = 0; i < NUM_WEIGHT_ROUNDINGS; i++) {
        const struct weight_rounding *rounding = &weight_roundings[i];
        predict_weights(suspect, *rounding);
        rms[i] = suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim);
        explains[i] = suspect_offer(suspect, SIGNATURE_PRECISION_LOSS, false, suspect->predicted, suspect->truth_lse,
                                    "weights%s rounded to %s", rounding->divided ? ", divided by their sum first," : "",
                                    dtypes[rounding->dtype].name);
        best |= explains[i] && suspect->best.signature == SIGNATURE_PRECISION_LOSS && suspect->best.rms == rms[i];
    }
    if (best)
        leave_open(suspect, explains, rms);
    suspect->remedy = NULL;
}

/* The nearest number of the dtype that is no further from 0. */
static double cut_to(enum dtype dtype, double number)
{
    double nearest = (double)dtype_round(dtype, (float)number);
    return fabs(nearest) > fabs(number) ? nearest - copysign(dtype_ulp(dtype, number), number) : nearest;
}

/* An output that is stored otherwise than as the nearest number of its dtype, all else being right. */
void hypothesis_rounded_output(struct suspect *suspect)
{
    static const enum dtype narrow[] = {DTYPE_F16, DTYPE_BF16};
    const struct problem *problem = suspect->problem;
    if (suspect->visible == 0 || suspect->by_lse)
        return;
    suspect->remedy = "Store the output as the nearest number of its dtype, straight from f32.";
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++)
        for (int cut = problem->dtype == narrow[i]; cut < 2; cut++) {
            for (int d = 0; d < problem->head_dim; d++)
                suspect->predicted[d] = cut ? cut_to(narrow[i], suspect->truth[d])
                                            : (double)dtype_round(narrow[i], (float)suspect->truth[d]);
            suspect_offer(suspect, SIGNATURE_PRECISION_LOSS, false, suspect->predicted, suspect->truth_lse,
                          cut ? "the output cut off to %s, towards 0" : "the output rounded to %s",
                          dtypes[narrow[i]].name);
        }
    suspect->remedy = NULL;
}
