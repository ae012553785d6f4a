#include "harness/library/judged_worst.h"

#include <math.h>
#include <stdlib.h>

#include "harness/judge/class/class_row.h"

static void offer(struct worst *worst, const struct wrong *wrong)
{
    int place = worst->count;
    while (place > 0 && wrong->share > worst->shown[place - 1].share)
        place--;
    if (place == worst->max)
        return;
    worst->count += worst->count < worst->max;
    for (int i = worst->count - 1; i > place; i--)
        worst->shown[i] = worst->shown[i - 1];
    worst->shown[place] = *wrong;
}

static double share_of(double err, double tolerance)
{
    return isnan(err) ? (double)INFINITY : err == 0 ? 0 : err / tolerance;
}

/* False if it is right. */
static bool wrong_element(struct wrong *wrong, const struct judged_record *record, int64_t at)
{
    const struct judged_output *judged = record->judged;
    const struct tolerance *tolerance = &record->judging->criterion.tolerance;
    float out;
    dtype_widen(record->problem->dtype, judged->output.out, (size_t)at, 1, &out);
    struct comparison compared =
        judge_element((double)out, record->problem->dtype, &judged->truth, (size_t)at, tolerance);
    double truth = judged->truth.value[at];
    *wrong = (struct wrong){at, (double)out, truth, compared.err,
                            share_of(compared.err, tolerance->atol + tolerance->rtol * fabs(truth))};
    return compared.mismatched;
}

static bool wrong_lse(struct wrong *wrong, const struct judged_record *record, int64_t row)
{
    const struct judged_output *judged = record->judged;
    const struct tolerance *tolerance = &record->judging->criterion.tolerance;
    if (!judged->output.lse)
        return false;
    double lse = (double)judged->output.lse[row], truth = judged->truth.lse[row];
    struct comparison compared = judge_lse(lse, &judged->truth, (size_t)row, tolerance);
    *wrong = (struct wrong){row, lse, truth, compared.err, share_of(compared.err, tolerance_lse(tolerance, truth))};
    return compared.mismatched;
}

void worst_find(struct worst *elements, struct worst *lses, struct worst *rows, const struct judged_record *record)
{
    int64_t dim = record->problem->head_dim;
    *elements = *lses = (struct worst){.max = WORST_ELEMENTS};
    *rows = (struct worst){.max = WORST_ROWS};
    for (int64_t r = 0; r < record->judged->truth.num_rows; r++) {
        struct wrong wrong, of_row = {.at = r, .share = -1};
        for (int64_t at = r * dim; at < (r + 1) * dim; at++)
            if (wrong_element(&wrong, record, at)) {
                offer(elements, &wrong);
                of_row.share = fmax(of_row.share, wrong.share);
            }
        if (wrong_lse(&wrong, record, r)) {
            offer(lses, &wrong);
            of_row.share = fmax(of_row.share, wrong.share);
        }
        if (of_row.share >= 0)
            offer(rows, &of_row);
    }
}

/* ---- bounds ------------------------------------------------------------------------------------------------------ */

class_set worst_class(const struct judged_record *record)
{
    const struct class_demand *demand = &record->judging->demand;
    const struct class_whole *whole = &record->judged->class_of_all;
    if (demand->asked)
        return demand->arithmetic.set;
    return whole->outcome == CLASS_FOUND ? whole->minimal[0] : CLASS_F32;
}

enum error_kind worst_bounds(double *bounds, const struct worst *elements, const struct judged_record *record)
{
    const struct judged_output *judged = record->judged;
    const struct exhibit exhibit = {.problem = &judged->problem, .output = &judged->output, .truth = &judged->truth};
    size_t dim = (size_t)record->problem->head_dim;
    struct error unused;
    int rows[WORST_ELEMENTS];
    for (int i = 0; i < elements->count; i++) {
        rows[i] = (int)(elements->shown[i].at / (int64_t)dim);
        bounds[i] = (double)NAN;
    }
    if (elements->count == 0 || !judged->problem.k || !judged->problem.v)
        return ERROR_NONE;
    double *of_rows = malloc((size_t)elements->count * dim * sizeof *of_rows);
    if (!of_rows)
        return ERROR_SYSTEM;
    enum error_kind kind = class_bounds_of_rows(of_rows, rows, elements->count, worst_class(record), &exhibit,
                                                record->judging->threads, &unused);
    for (int i = 0; i < elements->count && !kind; i++)
        bounds[i] = of_rows[(size_t)i * dim + (size_t)elements->shown[i].at % dim];
    free(of_rows);
    return kind;
}
