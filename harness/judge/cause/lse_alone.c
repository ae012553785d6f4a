/* What lse alone shows, without a key: biases that are all off by a number of keys; a constant. */
#include "harness/judge/cause/lse_alone.h"

#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/signature_info.h"

/* What the lse of a sound kernel may be off by: its error bound if there is one, which a budget's figures tell. */
static double lse_uncertainty(const struct inquiry *inquiry, int row)
{
    double lse = (double)inquiry->exhibit->output->lse[row], truth = inquiry->exhibit->truth->lse[row];
    double used = inquiry->verdict->rows[row].lse_budget_used, bound = used > 0 ? fabs(lse - truth) / used : 0;
    double ulps = 4 * dtype_ulp(DTYPE_F32, fmax(1, fmax(fabs(lse), fabs(truth))));
    return isfinite(bound) ? fmax(ulps, bound) : ulps;
}

/* Within the tolerance and what logits of the lse's size lose in f32, and an ulp, which the rounding of out takes half
 * of. */
static bool out_is_right(const struct inquiry *inquiry, int row, float *elements)
{
    const struct problem *problem = inquiry->exhibit->problem;
    size_t dim = (size_t)problem->head_dim, first = (size_t)row * dim;
    double lse = fmax(fabs((double)inquiry->exhibit->output->lse[row]), fabs(inquiry->exhibit->truth->lse[row]));
    if (!inquiry_out_fails(inquiry, row))
        return true;
    dtype_widen(problem->dtype, inquiry->exhibit->output->out, first, dim, elements);
    for (size_t d = 0; d < dim; d++) {
        double truth = inquiry->exhibit->truth->value[first + d],
               loss = 0x1p-22 * lse * inquiry->exhibit->truth->magnitude[first + d];
        if (!(fabs((double)elements[d] - truth) <=
              inquiry_allowed(inquiry, truth) + loss + dtype_ulp(problem->dtype, truth)))
            return false;
    }
    return true;
}

/* An lse that has nothing to tell: of a row without keys, and right. */
static bool lse_is_mute(const struct inquiry *inquiry, int row)
{
    double truth = inquiry->exhibit->truth->lse[row];
    return !isfinite(truth) && (double)inquiry->exhibit->output->lse[row] == truth;
}

/* By how many keys biases are off, row by row. */
struct shift {
    enum { SHIFT_UNIFORM, SHIFT_TO_LAST_QUERY, SHIFT_TO_FIRST_QUERY, SHIFT_COUNT } kind;
    double keys; /* SHIFT_UNIFORM */
};

static double keys_of_row(const struct shift *shift, const struct problem *problem, int row)
{
    int query = row / problem->num_heads;
    switch (shift->kind) {
    case SHIFT_TO_LAST_QUERY:
        return query + 1 - problem_queries(problem);
    case SHIFT_TO_FIRST_QUERY:
        return query;
    default:
        return shift->keys;
    }
}

static double ulp_of_lse(const struct inquiry *inquiry, int row)
{
    double lse = (double)inquiry->exhibit->output->lse[row], truth = inquiry->exhibit->truth->lse[row];
    return dtype_ulp(DTYPE_F32, fmax(fabs(lse), fabs(truth)));
}

/* The shift in keys that a row's lse comes nearest to; and how often any lse comes as near to one, or within an ulp. */
static double shift_of(const struct inquiry *inquiry, int row, double *chance)
{
    double slope = problem_row_slope(inquiry->exhibit->problem, row);
    double lse = (double)inquiry->exhibit->output->lse[row], truth = inquiry->exhibit->truth->lse[row];
    double shift = (lse - truth) / slope, keys = round(shift);
    *chance = fmin(1, 2 * fmax(fabs(shift - keys), ulp_of_lse(inquiry, row) / fabs(slope)));
    return keys;
}

/* What may be chance is none. */
#define CHANCE_OF_SHIFT (1.0 / 8192)

/* The shift in keys by the row whose lse tells it best, or 0 if it may be chance that a whole number of keys fits. */
static double guess_shift(const struct inquiry *inquiry)
{
    double keys = 0, sharpest = INFINITY, chance = 1;
    for (int row = 0; row < problem_rows(inquiry->exhibit->problem); row++) {
        double slope = problem_row_slope(inquiry->exhibit->problem, row), chance_of_row;
        if (lse_is_mute(inquiry, row) || slope == 0)
            continue;
        double width = lse_uncertainty(inquiry, row) / fabs(slope), shift = shift_of(inquiry, row, &chance_of_row);
        chance *= chance_of_row;
        if (width < sharpest) {
            sharpest = width;
            keys = shift;
        }
    }
    return chance <= CHANCE_OF_SHIFT && sharpest <= 0.25 ? keys : 0;
}

/* What is left of a row's lse under a shift. */
static double left_of_row(const struct inquiry *inquiry, const struct shift *shift, int row)
{
    const struct problem *problem = inquiry->exhibit->problem;
    double lse = (double)inquiry->exhibit->output->lse[row], truth = inquiry->exhibit->truth->lse[row];
    return fabs(lse - truth - problem_row_slope(problem, row) * keys_of_row(shift, problem, row));
}

/* Whether it is more than chance that the lse of queries are off by as many keys as each stands away from another:
 * how often an lse that is off as far lies as near to that. */
static bool queries_tell(const struct inquiry *inquiry, const struct shift *shift)
{
    const struct problem *problem = inquiry->exhibit->problem;
    double chance = 1;
    for (int row = 0; row < problem_rows(problem) && problem_queries(problem) > 1; row++) {
        double moved = fabs(problem_row_slope(problem, row) * keys_of_row(shift, problem, row));
        if (!lse_is_mute(inquiry, row) && moved > 0)
            chance *= fmin(1, 2 * fmax(left_of_row(inquiry, shift, row), ulp_of_lse(inquiry, row)) / moved);
    }
    return chance <= CHANCE_OF_SHIFT;
}

/* Whether a shift explains all rows; *residual: what it leaves of lse in the worst of them. */
static bool explains_rows(const struct inquiry *inquiry, const struct shift *shift, const struct ranked_row *ranked,
                          float *elements, double *residual)
{
    for (int i = problem_rows(inquiry->exhibit->problem) - 1; i >= 0; i--) {
        int row = ranked[i].row;
        if (ranked[i].failing && !out_is_right(inquiry, row, elements))
            return false;
        if (lse_is_mute(inquiry, row))
            continue;
        *residual = left_of_row(inquiry, shift, row);
        if (!(*residual <= lse_uncertainty(inquiry, row)))
            return false;
    }
    return true;
}

static void say_shift(char *detail, const struct shift *shift)
{
    if (shift->kind == SHIFT_UNIFORM)
        snprintf(detail, SIGNATURE_DETAIL_SIZE, "all biases moved by slope * %+.0f keys", shift->keys);
    else
        snprintf(detail, SIGNATURE_DETAIL_SIZE,
                 "all queries stand where the %s one does: biases moved by slope * the keys between them",
                 shift->kind == SHIFT_TO_LAST_QUERY ? "last" : "first");
}

bool lse_alone_shift(struct signature_finding *finding, double *keys, const struct inquiry *inquiry,
                     const struct ranked_row *ranked, float *elements)
{
    const struct problem *problem = inquiry->exhibit->problem;
    double residual = NAN;
    for (int kind = 0; kind < SHIFT_COUNT && inquiry->exhibit->output->lse; kind++) {
        struct shift shift = {kind, kind == SHIFT_UNIFORM ? guess_shift(inquiry) : 0};
        if (kind == SHIFT_UNIFORM ? shift.keys == 0 : !queries_tell(inquiry, &shift))
            continue;
        if (!explains_rows(inquiry, &shift, ranked, elements, &residual))
            continue;
        finding->signature = SIGNATURE_BIAS_SHIFT;
        finding->remedy = signature_remedy(SIGNATURE_BIAS_SHIFT);
        inquiry_place(finding, problem, ranked[0].row);
        finding->num_rows_examined = finding->num_rows_explained = finding->num_rows_failing;
        double lse_allowed =
            tolerance_lse(&inquiry->exhibit->criterion.tolerance, inquiry->exhibit->truth->lse[ranked[0].row]);
        finding->residual = residual == 0 ? 0 : residual / lse_allowed;
        say_shift(finding->detail, &shift);
        *keys = shift.keys;
        return true;
    }
    return false;
}

/* ---- a constant -------------------------------------------------------------------------------------------------- */

/* A constant, from the row whose lse is known best. */
struct constant {
    double value;
    int row;
};

static double lse_off_by(const struct inquiry *inquiry, int row)
{
    return (double)inquiry->exhibit->output->lse[row] - inquiry->exhibit->truth->lse[row];
}

/* By how much more than rounding something may be off in a row before it is no longer that. */
static double far_off(const struct inquiry *inquiry, int row)
{
    return 8 * lse_uncertainty(inquiry, row);
}

static bool has_lse(const struct inquiry *inquiry, int row)
{
    return isfinite(inquiry->exhibit->truth->lse[row]) && isfinite(inquiry->exhibit->output->lse[row]);
}

static struct constant guess_constant(const struct inquiry *inquiry)
{
    struct constant constant = {0, -1};
    double sharpest = INFINITY;
    for (int row = 0; row < problem_rows(inquiry->exhibit->problem); row++) {
        double width = has_lse(inquiry, row) ? lse_uncertainty(inquiry, row) : INFINITY;
        if (width < sharpest) {
            sharpest = width;
            constant = (struct constant){lse_off_by(inquiry, row), row};
        }
    }
    return constant;
}

/* Every lse is off by the constant, two of them far, and that is no chance. */
static bool fits_rows(const struct inquiry *inquiry, const struct constant *constant)
{
    double chance = 1;
    int far = 0;
    for (int row = 0; row < problem_rows(inquiry->exhibit->problem); row++) {
        const struct metrics *metrics = &inquiry->verdict->rows[row];
        if (inquiry_out_fails(inquiry, row) || metrics->budget_used > 1)
            return false;
        if (lse_is_mute(inquiry, row))
            continue;
        if (!has_lse(inquiry, row))
            return false;
        double left = fabs(lse_off_by(inquiry, row) - constant->value);
        if (!(left <= lse_uncertainty(inquiry, row)))
            return false;
        far += fabs(constant->value) > far_off(inquiry, row);
        if (row != constant->row)
            chance *= fmin(1, 2 * fmax(left, ulp_of_lse(inquiry, row)) / fabs(constant->value));
    }
    return far >= 2 && chance <= CHANCE_OF_SHIFT;
}

/* A factor on lse, or biases that are moved by any distance, make the same constant where rows are alike. */
static bool rows_differ(const struct inquiry *inquiry, const struct constant *constant)
{
    double truth = inquiry->exhibit->truth->lse[constant->row],
           slope = problem_row_slope(inquiry->exhibit->problem, constant->row);
    bool no_factor = truth == 0, no_shift = slope == 0;
    for (int row = 0; row < problem_rows(inquiry->exhibit->problem); row++) {
        if (!has_lse(inquiry, row))
            continue;
        double by_factor = constant->value * inquiry->exhibit->truth->lse[row] / truth,
               by_shift = constant->value * problem_row_slope(inquiry->exhibit->problem, row) / slope;
        no_factor |= fabs(by_factor - constant->value) > far_off(inquiry, row);
        no_shift |= fabs(by_shift - constant->value) > far_off(inquiry, row);
    }
    return no_factor && no_shift;
}

/* Weight with no key, and keys that are missing, move lse as well, and scale out by what exp makes of it. Whether out
 * says in some row that it is not. */
static bool out_stayed(const struct inquiry *inquiry, const struct constant *constant, float *elements)
{
    const struct problem *problem = inquiry->exhibit->problem;
    size_t dim = (size_t)problem->head_dim;
    for (int row = 0; row < problem_rows(problem); row++) {
        const double *truth = inquiry->exhibit->truth->value + (size_t)row * dim;
        double as_is = 0, if_scaled = 0;
        dtype_widen(problem->dtype, inquiry->exhibit->output->out, (size_t)row * dim, dim, elements);
        for (size_t d = 0; d < dim; d++) {
            double scaled = truth[d] * exp(-constant->value);
            as_is += ((double)elements[d] - truth[d]) * ((double)elements[d] - truth[d]);
            if_scaled += ((double)elements[d] - scaled) * ((double)elements[d] - scaled);
        }
        if (has_lse(inquiry, row) && 64 * as_is < if_scaled)
            return true;
    }
    return false;
}

/* Keys that a row sees. */
static int64_t keys_seen(const struct problem *problem, int row)
{
    const struct problem one = problem_query(problem, row / problem->num_heads);
    int64_t keys = 0;
    for (int64_t key = 0; key < one.seq_len; key++)
        keys += problem_visible(&one, key);
    return keys;
}

/* Where a row has one key, that key taken a few times over moves lse by the logarithm of their number, and leaves out
 * as it is. Of several keys all would have to be. */
static bool may_be_counted(const struct inquiry *inquiry, const struct constant *constant)
{
    enum { TIMES_MAX = 64 };
    const struct problem *problem = inquiry->exhibit->problem;
    double times = round(exp(constant->value));
    if (!(times >= 2 && times <= TIMES_MAX) ||
        !(fabs(constant->value - log(times)) <= lse_uncertainty(inquiry, constant->row)))
        return false;
    for (int row = 0; row < problem_rows(problem); row++)
        if (has_lse(inquiry, row) && keys_seen(problem, row) > 1)
            return false;
    return true;
}

bool lse_alone_constant(struct signature_finding *finding, const struct inquiry *inquiry,
                        const struct ranked_row *ranked, float *elements)
{
    if (!inquiry->exhibit->output->lse)
        return false;
    const struct constant constant = guess_constant(inquiry);
    if (constant.row < 0 || constant.value == 0 || !fits_rows(inquiry, &constant) || !rows_differ(inquiry, &constant) ||
        !out_stayed(inquiry, &constant, elements) || may_be_counted(inquiry, &constant))
        return false;
    finding->signature = SIGNATURE_WRONG_LSE;
    finding->remedy = "Return max + log(sum), and take off again what was added to the maximum or to the logits.";
    inquiry_place(finding, inquiry->exhibit->problem, ranked[0].row);
    finding->num_rows_examined = finding->num_rows_explained = finding->num_rows_failing;
    finding->residual = (double)(float)(fabs(lse_off_by(inquiry, ranked[0].row) - constant.value) /
                                        tolerance_lse(&inquiry->exhibit->criterion.tolerance,
                                                      inquiry->exhibit->truth->lse[ranked[0].row]));
    snprintf(finding->detail, sizeof finding->detail, "lse is off by the same constant in every row, %+.6g",
             constant.value);
    return true;
}
