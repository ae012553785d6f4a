/* What lse alone shows, without a key: biases that are all off by a number of keys. */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/inquiry.h"
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
    enum { SHIFT_UNIFORM, SHIFT_TO_LAST_QUERY, SHIFT_TO_FIRST_QUERY, SHIFT_COUNT } of;
    double keys; /* SHIFT_UNIFORM */
};

static double keys_of_row(const struct shift *shift, const struct problem *problem, int row)
{
    int query = row / problem->num_heads;
    switch (shift->of) {
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
    if (shift->of == SHIFT_UNIFORM)
        snprintf(detail, SIGNATURE_DETAIL_SIZE, "all biases moved by slope * %+.0f keys", shift->keys);
    else
        snprintf(detail, SIGNATURE_DETAIL_SIZE,
                 "all queries stand where the %s one does: biases moved by slope * the keys between them",
                 shift->of == SHIFT_TO_LAST_QUERY ? "last" : "first");
}

bool inquiry_find_shift(struct signature_finding *finding, const struct inquiry *inquiry,
                        const struct ranked_row *ranked, float *elements)
{
    const struct problem *problem = inquiry->exhibit->problem;
    double residual = NAN;
    for (int of = 0; of < SHIFT_COUNT && inquiry->exhibit->output->lse; of++) {
        struct shift shift = {of, of == SHIFT_UNIFORM ? guess_shift(inquiry) : 0};
        if (of == SHIFT_UNIFORM ? shift.keys == 0 : !queries_tell(inquiry, &shift))
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
        return true;
    }
    return false;
}
