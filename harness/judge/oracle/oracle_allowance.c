#include "harness/judge/oracle/oracle_allowance.h"

#include <float.h>
#include <math.h>

enum { TOLERANCES = 4 };

/* How far from 1 weights of a row can be in common that are rounded to e4m3. */
#define COMMON_OF_WEIGHTS 0x1p-4

/* Of which the bound of all roundings together says little. */
static void tighten(const struct oracle_work *work, double *allowed, double tolerated)
{
    if (work->inquiry->subject->any_order)
        *allowed = fmin(*allowed, tolerated);
}

/* Of number i of the base run, out and behind it lse. */
static double tolerated_of_run(const struct oracle_work *work, size_t i)
{
    const struct tolerance *tolerance = work->inquiry->tolerance;
    const struct truth *truth = &work->truth.truth;
    const size_t elements = (size_t)problem_elements(&work->trial.problem);
    if (!tolerance)
        return INFINITY;
    const double exact = i < elements ? truth->value[i] : truth->lse[i - elements];
    const double one = i < elements ? tolerance->atol + tolerance->rtol * fabs(exact) : tolerance_lse(tolerance, exact);
    const double off = fabs(work->base.out[i] - exact);
    return isfinite(off) ? off + TOLERANCES * one : INFINITY;
}

/* How far a shift of the query moves the logits that number i is made of: what holds them in few bits rounds them by so
 * much more. */
static double moved_by(const struct oracle_work *work, size_t i, int shift)
{
    const struct problem *problem = &work->trial.problem;
    const size_t elements = (size_t)problem_elements(problem);
    const size_t row = i < elements ? i / (size_t)problem->head_dim : i - elements;
    return fabs(problem_row_slope(problem, (int)row)) * shift;
}

enum error_kind oracle_allow_both_bounds(struct oracle_work *work, const struct subject *subject, int shift,
                                         struct error *error)
{
    enum error_kind kind = oracle_need_base_bound(work, error);
    if (!kind)
        kind = trial_bound(&work->bound, &work->trial, &work->truth, oracle_own(work), subject, shift, error);
    for (size_t i = 0; i < oracle_values_count(work) && !kind; i++) {
        work->allowed.out[i] = work->base_bound.out[i] + work->bound.out[i];
        work->tolerated.out[i] = tolerated_of_run(work, i) * (1 + moved_by(work, i, shift));
        if (shift == 0)
            tighten(work, &work->allowed.out[i], work->tolerated.out[i]);
    }
    return kind;
}

/* No rounding makes NaN or Inf of a run's number. */
static double of_number(double allowed, double number, double tolerated)
{
    return isinf(allowed) && isfinite(number) ? fmin(tolerated, DBL_MAX) : allowed;
}

enum error_kind oracle_allow_no_difference(struct oracle_work *work, const struct trial_values **allowed,
                                           struct error *error)
{
    enum error_kind kind = oracle_need_repeat(work, error);
    *allowed = NULL;
    if (kind || (!work->undetermined && !work->inquiry->subject->may_differ))
        return kind;
    kind = oracle_need_base_bound(work, error);
    for (size_t i = 0; i < oracle_values_count(work) && !kind; i++) {
        const double tolerated = work->tolerated.out[i] = tolerated_of_run(work, i);
        work->allowed.out[i] = of_number(2 * work->base_bound.out[i], work->base.out[i], tolerated);
        tighten(work, &work->allowed.out[i], tolerated);
    }
    *allowed = &work->allowed;
    return kind;
}

/* ---- results that are known -------------------------------------------------------------------------------------- */

/* The largest element of v of a visible key, as it comes into out. */
static double reach_of(const struct problem *problem)
{
    enum { BLOCK = 256 };
    const size_t row = problem_row(problem, 1, 0);
    float block[BLOCK], largest = 0;
    for (int64_t key = 0; key < problem->seq_len; key++)
        for (size_t first = 0; first < row && problem_visible(problem, key); first += BLOCK) {
            const size_t count = row - first < BLOCK ? row - first : BLOCK;
            dtype_widen(problem_kv_dtype(problem), problem->v, (size_t)key * row + first, count, block);
            for (size_t i = 0; i < count; i++)
                largest = fmaxf(largest, fabsf(block[i]));
        }
    return (double)largest * fabs(problem_value_scale(problem));
}

/* Of `count` numbers; infinite where one of them is not off by a number. */
static double most_off(const double *numbers, const double *exact, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        const double off = numbers[i] == exact[i] ? 0 : fabs(numbers[i] - exact[i]);
        most = off <= most ? most : isfinite(off) ? off : INFINITY;
    }
    return most;
}

enum error_kind oracle_need_usual(struct oracle_work *work, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    if (work->usual.known || !work->inquiry->tolerance)
        return ERROR_NONE;
    enum error_kind kind = oracle_need_base(work, error);
    if (!kind)
        kind = oracle_need_truth(work, error);
    if (kind)
        return kind;
    trial_reload(&work->trial);
    const struct truth *truth = &work->truth.truth;
    work->usual = (struct oracle_usual){
        .known = true,
        .out_off = most_off(work->base.out, truth->value, (size_t)problem_elements(problem)),
        .lse_off = most_off(work->base.lse, truth->lse, (size_t)problem_rows(problem)),
        .reach = reach_of(problem),
    };
    return ERROR_NONE;
}

/* Rounding is relative to v: where that is larger than the trial's, more of it is tolerated. */
static double tolerated_of_known(const struct oracle_work *work, double expected, double reach)
{
    const struct tolerance *tolerance = work->inquiry->tolerance;
    const double times = fmax(reach / work->usual.reach, 1); /* 1 also of 0 / 0 */
    if (!work->usual.known || !isfinite(times))
        return INFINITY;
    return times * (work->usual.out_off + TOLERANCES * tolerance->atol) + TOLERANCES * tolerance->rtol * fabs(expected);
}

double oracle_tolerated_lse(const struct oracle_work *work, double expected)
{
    return work->usual.known ? work->usual.lse_off + TOLERANCES * tolerance_lse(work->inquiry->tolerance, expected)
                             : INFINITY;
}

void oracle_tolerate_known(struct oracle_work *work, const struct problem *problem, double reach)
{
    for (int64_t i = 0; i < problem_elements(problem); i++) {
        work->tolerated.out[i] = tolerated_of_known(work, work->expected.out[i], reach);
        tighten(work, &work->allowed.out[i], work->tolerated.out[i]);
    }
    for (int row = 0; row < problem_rows(problem); row++)
        work->tolerated.lse[row] = INFINITY;
}

/* Of an element that is known to be the constant's share. */
static double tolerated_of_constant(const struct oracle_work *work, double expected)
{
    const double reach = (double)trial_constant(&work->trial) * fabs(problem_value_scale(&work->trial.problem));
    return fmax(tolerated_of_known(work, expected, reach), COMMON_OF_WEIGHTS * fabs(expected));
}

void oracle_tolerate_constant(struct oracle_work *work)
{
    const struct problem *problem = &work->trial.problem;
    for (int64_t i = 0; i < problem_elements(problem); i++) {
        work->tolerated.out[i] = tolerated_of_constant(work, work->expected.out[i]);
        tighten(work, &work->allowed.out[i], work->tolerated.out[i]);
    }
    for (int row = 0; row < problem_rows(problem); row++)
        work->tolerated.lse[row] = INFINITY;
}

enum error_kind oracle_allow_no_difference_of_constant(struct oracle_work *work, const struct trial_values **allowed,
                                                       struct error *error)
{
    enum error_kind kind = oracle_allow_no_difference(work, allowed, error);
    if (kind || !*allowed)
        return kind;
    kind = oracle_need_usual(work, error);
    if (!kind)
        kind = trial_constant_bound(&work->expected, &work->bound, &work->trial, &work->truth, oracle_own(work),
                                    work->inquiry->subject, error);
    for (int64_t i = 0; i < problem_elements(&work->trial.problem) && !kind; i++) {
        const double exact = work->expected.out[i], number = work->constant.out[i],
                     tolerated = fabs(number - exact) + tolerated_of_constant(work, exact);
        work->bound.out[i] = of_number(2 * work->bound.out[i], number, tolerated);
        tighten(work, &work->bound.out[i], tolerated);
    }
    for (int row = 0; row < problem_rows(&work->trial.problem); row++)
        work->bound.lse[row] = (*allowed)->lse[row]; /* which no v moves */
    *allowed = &work->bound;
    return kind;
}
