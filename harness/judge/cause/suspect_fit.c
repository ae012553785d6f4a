#include "harness/judge/cause/suspect_fit.h"

#include <math.h>

#include "harness/judge/cause/keys_that_move.h"

static double rms_at(struct suspect *suspect, logits_fill *fill, double parameter, int dims)
{
    fill(suspect, parameter);
    suspect_attend(suspect, dims);
    return suspect_rms(suspect, suspect->predicted, dims);
}

/*
 * Golden-section search for log2 |parameter| in (low, high): the rms is V-shaped around an exact match. 40 steps take
 * an interval of one octave below 2^-27.
 */
static double refine_by_out(struct suspect *suspect, logits_fill *fill, double sign, double low, double high)
{
    const double golden = 0x1.3c6ef372fe95p-1;
    int dims = suspect->problem->head_dim;
    double a = high - golden * (high - low), b = low + golden * (high - low);
    double rms_a = rms_at(suspect, fill, sign * exp2(a), dims), rms_b = rms_at(suspect, fill, sign * exp2(b), dims);
    for (int i = 0; i < 40; i++) {
        if (rms_a < rms_b) {
            high = b;
            b = a;
            rms_b = rms_a;
            a = high - golden * (high - low);
            rms_a = rms_at(suspect, fill, sign * exp2(a), dims);
        } else {
            low = a;
            a = b;
            rms_a = rms_b;
            b = low + golden * (high - low);
            rms_b = rms_at(suspect, fill, sign * exp2(b), dims);
        }
    }
    return sign * exp2((low + high) / 2);
}

/* The parameter next to one that is known about, at which lse is what it is: secants. */
static double refine_by_lse(struct suspect *suspect, logits_fill *fill, double parameter)
{
    double before = parameter * (1 + 0x1p-20);
    fill(suspect, before);
    double lse_before = suspect_attend(suspect, 0);
    for (int i = 0; i < 8; i++) {
        fill(suspect, parameter);
        double lse = suspect_attend(suspect, 0),
               step = (suspect->lse - lse) * (parameter - before) / (lse - lse_before);
        if (!(fabs(step) <= fabs(parameter) / 8))
            break;
        before = parameter;
        lse_before = lse;
        parameter += step;
    }
    return parameter;
}

double suspect_fit(struct suspect *suspect, logits_fill *fill, double lowest, double highest, bool signs)
{
    int dims = suspect->problem->head_dim < 16 ? suspect->problem->head_dim : 16;
    double best_log2 = NAN, best_sign = 1, best = INFINITY;
    for (double octave = lowest; octave <= highest; octave += 0.5)
        for (double sign = 1; sign >= (signs ? -1 : 1); sign -= 2) {
            double rms = rms_at(suspect, fill, sign * exp2(octave), dims);
            if (rms < best) {
                best = rms;
                best_log2 = octave;
                best_sign = sign;
            }
        }
    if (isnan(best_log2))
        return NAN;
    const double by_out = refine_by_out(suspect, fill, best_sign, best_log2 - 0.5, best_log2 + 0.5);
    return suspect->lse_unknown ? by_out : refine_by_lse(suspect, fill, by_out);
}

bool suspect_fit_is_told(struct suspect *suspect, double lse)
{
    enum { DIMS_MIN = 16, KEYS_MIN = 8, MOVED_MIN = 8 };
    const int dims = suspect->problem->head_dim;
    if (!suspect->lse_unknown)
        return suspect_lse_is(suspect, lse);
    const double left = fmax(suspect_rms(suspect, suspect->predicted, dims), suspect->noise);
    return dims >= DIMS_MIN && MOVED_MIN * left <= suspect->error &&
           keys_that_move(suspect, lse, MOVED_MIN * left, KEYS_MIN) >= KEYS_MIN;
}
