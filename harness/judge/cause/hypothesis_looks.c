/* What an output shows without any key: NaN, zeros; and what is left to its looks when no key explains it. */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/error_factor.h"
#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/nearest_values.h"
#include "harness/judge/cause/rounding_left.h"

static bool is_wrong_nan(double value, double truth)
{
    return !isfinite(value) && !(isnan(value) && isnan(truth)) && value != truth;
}

/* Zeros where all weight is there: values that cancel, their weights rounded. */
static bool cancelled(const struct suspect *suspect)
{
    if (!isfinite(suspect->lse) || !suspect_lse_is(suspect, suspect->truth_lse))
        return false;
    for (int d = 0; d < suspect->problem->head_dim; d++)
        if (!(fabs(suspect->truth[d]) <= 0x1p-7 * suspect->magnitude[d]))
            return false;
    return true;
}

/* A row without a key whose lse is that of some weight, while out is 0 as it should be: slots without a key, a sum that
 * does not begin with 0, and a sink look alike. */
static void remark_weight_in_empty_row(struct suspect *suspect, bool is_zero)
{
    if (is_zero && isfinite(suspect->lse) && suspect->truth_lse == -INFINITY)
        snprintf(
            suspect->remark, sizeof suspect->remark,
            "lse is %.9g in place of -inf, out is 0: the weight is with no key: slots without one, a sum that does "
            "not begin with 0, or a sink",
            suspect->lse);
}

/* A row without a key has the weight of its learned sink alone, whose logit is its lse: where that is -inf the sink was
 * not counted. */
static bool lost_sink_of_empty_row(struct suspect *suspect, bool is_zero, bool is_right_zero)
{
    struct match *best = &suspect->best;
    if (!is_zero || !is_right_zero || suspect->lse_unknown || suspect->lse != -INFINITY ||
        !(suspect->sink > -INFINITY) || suspect->truth_lse != suspect->sink)
        return false;
    *best = (struct match){.signature = SIGNATURE_WRONG_SINK, .choices = 1};
    best->reason = suspect_reason("is not counted"); /* as in rows with keys (hypothesis_cap.c) */
    snprintf(best->detail, sizeof best->detail, "the sink %.6g is not counted: lse is -inf in a row without a key",
             suspect->sink);
    return true;
}

/* The first of a row's elements that is no finite number, or -1. */
static int no_number_at(enum dtype dtype, const void *tensor, size_t first, int dims, float *value)
{
    for (int d = 0; d < dims; d++) {
        dtype_widen(dtype, tensor, first + (size_t)d, 1, value);
        if (!isfinite(*value))
            return d;
    }
    return -1;
}

void hypothesis_inputs(struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    const int dims = problem->head_dim;
    const struct {
        const char *name;
        const void *tensor;
    } of_keys[] = {{"k", suspect->keys->k}, {"v", suspect->keys->v}};
    float value;
    int d = no_number_at(problem->dtype, problem->q, (size_t)suspect->head * (size_t)dims, dims, &value);
    if (d >= 0) {
        snprintf(suspect->remark, sizeof suspect->remark,
                 "the exact result is no finite number: q is %g at head %d, dim %d", (double)fabsf(value),
                 suspect->head, d);
        return;
    }
    for (int64_t key = 0; key < problem->seq_len; key++)
        for (int i = 0; i < 2 && problem_visible(problem, key); i++) {
            d = no_number_at(problem_kv_dtype(problem), of_keys[i].tensor, suspect_row(suspect, key, suspect->kv_head),
                             dims, &value);
            if (d < 0)
                continue;
            snprintf(suspect->remark, sizeof suspect->remark,
                     "the exact result is no finite number: %s is %g at key %lld, KV head %d, dim %d", of_keys[i].name,
                     (double)fabsf(value), (long long)key, suspect->kv_head, d);
            return;
        }
}

static const char beside_sink[] =
    "Find what leaves keys no weight beside the learned sink: a mask, a maximum that does not "
    "start at -inf, or biases of positions that are far off.";

/* Zeros in place of a result. Where a learned sink has all weight, lse is that of the sink. */
static void see_zeros(struct suspect *suspect)
{
    struct match *best = &suspect->best;
    const bool has_sink = suspect->sink > -INFINITY;
    best->signature = SIGNATURE_SILENT_ZERO;
    best->residual = 0;
    best->remedy = has_sink ? beside_sink : NULL;
    if (suspect->lse_unknown)
        snprintf(best->detail, sizeof best->detail, "out is 0");
    else if (has_sink && suspect_lse_is_exactly(suspect, suspect->sink))
        snprintf(best->detail, sizeof best->detail,
                 "out is 0, lse %.9g in place of %.9g: that of the learned sink alone", suspect->lse,
                 suspect->truth_lse);
    else
        snprintf(best->detail, sizeof best->detail, "out is 0, lse %.9g in place of %.9g", suspect->lse,
                 suspect->truth_lse);
}

bool hypothesis_sight(struct suspect *suspect, const struct metrics *metrics)
{
    int dims = suspect->problem->head_dim, nans = 0, zeros = 0, right_zeros = 0;
    struct match *best = &suspect->best;
    for (int d = 0; d < dims; d++) {
        nans += is_wrong_nan(suspect->out[d], suspect->truth[d]);
        zeros += suspect->out[d] == 0;
        right_zeros += suspect->truth[d] == 0;
    }
    if (metrics->unwritten > 0) {
        best->signature = SIGNATURE_UNWRITTEN;
        snprintf(best->detail, sizeof best->detail, "%lld of %d elements were never written",
                 (long long)metrics->unwritten, dims);
        return true;
    }
    if (nans > 0) {
        best->signature = SIGNATURE_NAN;
        snprintf(best->detail, sizeof best->detail, "%d of %d elements", nans, dims);
    } else if (zeros == dims && right_zeros < dims && !isnan(suspect->truth_lse) && !cancelled(suspect)) {
        see_zeros(suspect);
    } else if ((isnan(suspect->lse) && !isnan(suspect->truth_lse)) ||
               (suspect->lse == INFINITY && suspect->truth_lse != INFINITY)) {
        best->signature = suspect->lse_unwritten ? SIGNATURE_UNWRITTEN : SIGNATURE_NAN;
        snprintf(best->detail, sizeof best->detail, suspect->lse_unwritten ? "lse was never written" : "lse alone");
    } else if (lost_sink_of_empty_row(suspect, zeros == dims, right_zeros == dims)) {
        return true;
    } else if (suspect->lse == -INFINITY && isfinite(suspect->truth_lse)) {
        best->signature = SIGNATURE_SILENT_ZERO;
        snprintf(best->detail, sizeof best->detail, "lse is -inf in place of %.9g", suspect->truth_lse);
    } else {
        remark_weight_in_empty_row(suspect, zeros == dims);
        return false;
    }
    return true;
}

/* Values that cancel to a small share of what independent ones of their weights would leave. */
static bool values_cancel(struct suspect *suspect)
{
    double squares = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++)
        squares += suspect->truth[d] * suspect->truth[d];
    return 16 * sqrt(squares / suspect->problem->head_dim) < nearest_values_spread(suspect, false);
}

/* Whether the weights are there: lse is right, and one of them is too large to be rounded to 0. */
static bool weights_are_there(const struct suspect *suspect)
{
    static const double least = 0x1p-9; /* of e4m3: half of it rounds to 0, and nothing above it does in any dtype */
    double largest = -INFINITY;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        if (suspect_visible(suspect, j))
            largest = fmax(largest, suspect_logit(suspect, j));
    return suspect_lse_is_exactly(suspect, suspect->truth_lse) && exp(largest - suspect->truth_lse) >= least;
}

/* How many slots that are read as zeros, whose logits are 0, have an lse like this, beside which keys round to 0; 0:
 * none have. One may be a sum that begins with 1. */
static int slots_of_lse(const struct suspect *suspect)
{
    enum { SLOTS_MAX = 1024 };
    const double slots = round(exp(suspect->lse));
    const bool is_of_slots = !suspect->lse_unknown && slots >= 2 && slots <= SLOTS_MAX && suspect_lse_rose(suspect) &&
                             suspect_lse_is_exactly(suspect, log(slots + exp(suspect->truth_lse)));
    return is_of_slots ? (int)slots : 0;
}

bool hypothesis_zeros(struct suspect *suspect)
{
    if (suspect->best.signature != SIGNATURE_SILENT_ZERO || suspect->visible == 0)
        return true;
    const int slots = slots_of_lse(suspect);
    if (weights_are_there(suspect)) {
        suspect->best = (struct match){.signature = SIGNATURE_UNKNOWN, .residual = NAN};
        suspect->is_seen = true;
        snprintf(suspect->remark, sizeof suspect->remark,
                 "out is 0, and lse is right: no weight was lost, but v was read as 0, or what was there is not "
                 "written");
    } else if (slots > 0) {
        suspect->best = (struct match){.signature = SIGNATURE_UNKNOWN, .residual = NAN};
        suspect->is_seen = true;
        snprintf(suspect->remark, sizeof suspect->remark,
                 "out is 0, and lse is that of %d slots of zeros, beside which keys weigh next to nothing", slots);
    } else if (isfinite(suspect->lse) && values_cancel(suspect)) {
        suspect->best = (struct match){.signature = SIGNATURE_UNKNOWN, .residual = NAN};
        return false;
    }
    return true;
}

/* What rounding a logit to f32 may add to it where its bias is absolute: a few half ulp of the largest one. */
static double absolute_loss(const struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    double position = fmax(fabs((double)problem->q_position), fabs((double)(problem->kv_offset + problem->seq_len)));
    return 0x1p-21 * (fabs(suspect->slope) * position + fabs(suspect->max));
}

/* An lse that is off by no more than a bias in absolute form is rounded by. */
static void explain_lse(struct suspect *suspect, double loss)
{
    if (!(suspect->error <= loss) || hypothesis_slope_may_be_rounded(suspect))
        return;
    suspect->best.signature = SIGNATURE_PRECISION_LOSS;
    suspect->best.rms = suspect->error;
    suspect->best.remedy =
        "Form the bias from the distance to the query: what f32 rounds off slope * position is then gone.";
    snprintf(suspect->best.detail, sizeof suspect->best.detail,
             "lse alone is off, by %.3g: what f32 rounds off slope * position", suspect->lse - suspect->truth_lse);
}

/*
 * Weights that are subnormal, because the maximum stood at 0, far above the row's logits: they, and their products with
 * v, are multiples of 2^-149, whose sums are exact. So exp(lse) is a whole number of them, which tells as long as an
 * lse in f32 tells whole numbers apart. That lse is so by chance in each row is left to those who see all rows.
 */
void hypothesis_underflow(struct suspect *suspect)
{
    static const double ln_smallest = -0x1.9d1d9fccf477p+6, largest = -79; /* log 2^-149; log 2^-126 and 3500 keys */
    double units = exp(suspect->lse - ln_smallest), whole = round(units);
    double known_to = fmax(fabs(units - whole), units * dtype_ulp(DTYPE_F32, suspect->lse));
    if (suspect->visible == 0 || !(suspect->max < largest) || !(units >= 0.5 && known_to <= 0.125) ||
        !(fabs(suspect->lse - suspect->truth_lse) <= 1))
        return;
    suspect->best = (struct match){
        .signature = SIGNATURE_PRECISION_LOSS,
        .rms = suspect->error,
        .residual = NAN,
        .chance = 2 * known_to,
        .choices = 1,
        .remedy = "Start the maximum at -inf, or at the first visible key, so that the largest weight is 1.",
    };
    snprintf(suspect->best.detail, sizeof suspect->best.detail,
             "weights are subnormal, their sum %.0f times 2^-149: the maximum stood at 0, the logits are below %.4g",
             whole, suspect->max);
}

static const char of_declared[] = "The declared arithmetic may be off by as much: {within-bound}.";

/* Weights of chunks, formed from lse that are rounded to f32, do not add up to 1. They make out too large as often as
 * too small, and an epsilon or a sum that does not begin with 0 only too small. */
static void explain_factor(struct suspect *suspect, double factor, double loss)
{
    if (factor > 1 && factor - 1 <= loss) {
        suspect->best.signature = SIGNATURE_PRECISION_LOSS;
        suspect->best.rms = suspect->error;
        suspect->best.residual = NAN;
        suspect->best.remedy =
            suspect->within ? of_declared
                            : "Merge chunks by their maxima and sums, or form the bias from the distance to the query.";
        snprintf(suspect->best.detail, sizeof suspect->best.detail,
                 "out is scaled by %.6g: weights do not add up to 1, as where chunks are merged by a rounded lse",
                 factor);
    } else if (!suspect->remark[0]) {
        snprintf(suspect->remark, sizeof suspect->remark, "out is %.6g times what it should be", factor);
    }
}

/* The largest error that may be of rounding, in units of sum w|v| / l: of f32 what f32 rounds, or, where it is known
 * that some arithmetic explains the output, what weights of 16 bits do, which is 2^-9 of bf16 for the weights and for
 * their sum. A class whose bound is larger explains other faults as well. With outputs of 16 bits weights may have
 * fewer digits yet, which nothing states: of e4m3, over keys that do not all round alike, 2^-5. */
static double noise_limit(const struct suspect *suspect, double looks_small, bool far)
{
    double of_16_bits = 0x1p-8, share = rounding_share(suspect, NAN);
    double of_f32 = fmax(far ? share : fmin(share, of_16_bits), suspect->is_rounding ? of_16_bits : 0);
    return suspect->problem->dtype == DTYPE_F32 ? fmin(looks_small, of_f32) : looks_small;
}

/*
 * Whether errors are larger than roundings of 16 bits leave that are independent of each other, though each of them may
 * be one: as where some keys have another weight, wherever they are. Absolute forms, whose biases lose what f32 rounds
 * off, are as far off as that.
 */
static bool is_beyond_random(struct suspect *suspect, double loss, double *each)
{
    const enum dtype narrow = suspect->problem->dtype == DTYPE_F32 ? DTYPE_BF16 : suspect->problem->dtype;
    const double unit = ldexp(1, -dtypes[narrow].significand_bits), spread = nearest_values_spread(suspect, false);
    *each = suspect->error / spread;
    const double random = rounding_at_random(suspect, unit, spread, nearest_values_spread(suspect, true));
    return suspect->error > random + loss * spread;
}

/* Whether they are those of another scale or slope, of this row alone as it may be: which of rounding there are none.
 */
static bool is_of_factor(struct suspect *suspect)
{
    static const char *const parts[] = {[FACTOR_OF_PRODUCTS] = "q.k is", [FACTOR_OF_BIASES] = "biases are"};
    for (enum factor_of of = FACTOR_OF_PRODUCTS; of <= FACTOR_OF_BIASES; of++) {
        const double factor = error_factor(suspect, of);
        if (isnan(factor))
            continue;
        snprintf(suspect->remark, sizeof suspect->remark,
                 "out is off as where %s multiplied by %.6g in this row: roundings of that size would have moved it in "
                 "other "
                 "directions, too",
                 parts[of], factor);
        return true;
    }
    return false;
}

struct looks {
    double along, truth_squares, err_squares; /* sums of err * truth, truth^2 and err^2 */
    double largest;                           /* |err|, in units of sum w|v| */
    double lse_err;
};

static struct looks looks_of(const struct suspect *suspect)
{
    struct looks looks = {.lse_err = suspect->lse - suspect->truth_lse};
    for (int d = 0; d < suspect->problem->head_dim; d++) {
        double err = suspect->out[d] - suspect->truth[d];
        looks.along += err * suspect->truth[d];
        looks.truth_squares += suspect->truth[d] * suspect->truth[d];
        looks.err_squares += err * err;
        looks.largest = fmax(looks.largest, fabs(err) / suspect->magnitude[d]);
    }
    return looks;
}

/* Errors that roundings do not make, which is said of the row: along few values, or larger than they are. */
static bool is_no_rounding(struct suspect *suspect, const struct looks *looks, double limit, double loss)
{
    double each;
    if (nearest_values_are_one_and_truth(suspect)) {
        snprintf(suspect->remark, sizeof suspect->remark,
                 "out is off along the value of one key and its own alone, and by more than roundings would be that "
                 "leave all others");
        return true;
    }
    if (nearest_values_are_few(suspect)) {
        snprintf(suspect->remark, sizeof suspect->remark,
                 "out is off along the values of a few keys alone, and by more than roundings would be that leave all "
                 "others");
        return true;
    }
    if (!(looks->largest <= limit) || !(fabs(looks->lse_err) <= limit)) {
        if (suspect->lse_unknown)
            snprintf(suspect->remark, sizeof suspect->remark,
                     "errors without a direction, up to %.3g of sum w|v|, where rounding does %.3g", looks->largest,
                     limit);
        else
            snprintf(suspect->remark, sizeof suspect->remark,
                     "errors without a direction, up to %.3g of sum w|v|, lse off by %.3g, where rounding does %.3g",
                     looks->largest, looks->lse_err, limit);
        return true;
    }
    if (suspect->is_coarse && !suspect->within) {
        snprintf(
            suspect->remark, sizeof suspect->remark,
            "errors without a direction, up to %.3g of sum w|v|, which no arithmetic with one rounding explains that "
            "is not as coarse as other faults",
            looks->largest);
        return true;
    }
    if (!suspect->within && is_of_factor(suspect))
        return true;
    if (!suspect->within && is_beyond_random(suspect, loss, &each)) {
        snprintf(
            suspect->remark, sizeof suspect->remark,
            "errors without a direction, up to %.3g of sum w|v|, as where each weight is off by %.2g%% for itself, "
            "which is more than rounding does",
            looks->largest, 100 * each);
        return true;
    }
    return false;
}

static void conclude_rounding(struct suspect *suspect, const struct looks *looks)
{
    struct match *best = &suspect->best;
    best->signature = SIGNATURE_PRECISION_LOSS;
    best->rms = suspect->error;
    best->residual = NAN;
    best->remedy = suspect->within ? of_declared : NULL;
    if (suspect->lse_unknown)
        snprintf(best->detail, sizeof best->detail, "errors without a direction, up to %.3g of sum w|v|",
                 looks->largest);
    else
        snprintf(best->detail, sizeof best->detail,
                 "errors without a direction, up to %.3g of sum w|v|, lse off by %.3g", looks->largest, looks->lse_err);
}

/* Errors of which nothing is known but their looks: small against sum w|v| / l, without a direction, and of more keys
 * than a few. */
void hypothesis_noise(struct suspect *suspect)
{
    const double loss = absolute_loss(suspect);
    const double small = 0x1p-5; /* beyond it only where biases have an absolute form, far from position 0 */
    if (suspect->visible == 0 || suspect->problem->head_dim < 16)
        return;
    if (suspect->by_lse) {
        explain_lse(suspect, loss);
        return;
    }
    bool far = loss > small && hypothesis_absolute_helps(suspect);
    double looks_small = far ? fmin(0x1p-3, loss) : small,
           limit = noise_limit(suspect, looks_small, far || loss <= small);
    const struct looks looks = looks_of(suspect);
    if (!(looks.largest <= looks_small) || !(fabs(looks.lse_err) <= looks_small))
        return;
    if (looks.along * looks.along > 0.5 * looks.truth_squares * looks.err_squares)
        explain_factor(suspect, 1 + looks.along / looks.truth_squares, loss);
    else if (!is_no_rounding(suspect, &looks, limit, loss))
        conclude_rounding(suspect, &looks);
}
