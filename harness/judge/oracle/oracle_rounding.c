/* Oracles whose runs round otherwise than the base run: what they give lies within the bounds of both. */
#include <math.h>
#include <stdio.h>

#include "harness/judge/oracle/oracle.h"
#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"
#include "harness/judge/oracle/oracle_together.h"

/* The query goes towards the keys: biases rise, and no logit comes nearer to a sentinel than it was. */
static struct problem shifted_problem(const struct oracle_work *work)
{
    struct problem shifted = work->trial.problem;
    shifted.q_position -= ORACLE_SHIFT_KEYS;
    return shifted;
}

/* Why lse does not move with the query; NULL: it does. */
static const char *stays_where_it_is(const struct problem *problem)
{
    return problem->sink_logits                       ? "learned sinks do not move with the query"
           : problem->soft_cap == SOFT_CAP_AFTER_BIAS ? "biases are capped"
                                                      : NULL;
}

/* Runs a subject on the shifted problem: work->got, work->expected, and work->allowed, by the bounds of both runs. */
static enum error_kind run_shifted(struct oracle_work *work, const struct subject *subject, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    enum error_kind kind = oracle_allow_both_bounds(work, subject, ORACLE_SHIFT_KEYS, error);
    if (kind)
        return kind;
    oracle_copy_values(work, &work->expected, &work->base);
    for (int row = 0; row < problem_rows(problem); row++)
        work->expected.lse[row] += problem_row_slope(problem, row) * ORACLE_SHIFT_KEYS;
    trial_reload(&work->trial);
    work->trial.problem = shifted_problem(work);
    return oracle_run(work, TRIAL_POISON_NAN, subject, error);
}

/* A sound kernel of ours, which is the usual one, has both at once: other chunks, and a shift of the query. *hold: it
 * is one, and the oracle holds; else each is tried alone, so that the right one is named. */
static enum error_kind hold_cut_and_shift(struct oracle_work *work, enum oracle oracle, bool *hold, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    struct subject *other = NULL;
    char text[SUBJECT_TEXT_SIZE];
    enum error_kind kind = oracle_need_together(work, hold, error);
    if (!kind && *hold && !work->have_cut_and_shift && !stays_where_it_is(&work->trial.problem)) {
        work->have_cut_and_shift = true;
        kind = subject->ops->repartition(subject, work->trial.problem.seq_len, &other, text, error);
        if (!kind && other)
            kind = run_shifted(work, other, error);
        work->cut_and_shift_hold = !kind && other && oracle_first_difference(work, &work->expected, &work->allowed) < 0;
        subject_release(other);
    }
    *hold = !kind && work->cut_and_shift_hold;
    if (*hold)
        oracle_hold(work, oracle);
    return kind;
}

static enum error_kind check_cut(struct oracle_work *work, const struct subject *other, const char *text,
                                 struct error *error)
{
    enum error_kind kind = oracle_allow_both_bounds(work, other, 0, error);
    if (!kind) {
        trial_reload(&work->trial);
        kind = oracle_run(work, TRIAL_POISON_NAN, other, error);
    }
    if (!kind)
        oracle_expect(work, ORACLE_PARTITION, &work->base, &work->allowed, text);
    return kind;
}

enum error_kind check_partition(struct oracle_work *work, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    struct subject *other = NULL;
    char text[SUBJECT_TEXT_SIZE];
    bool hold;
    enum error_kind kind = hold_cut_and_shift(work, ORACLE_PARTITION, &hold, error);
    if (kind || hold)
        return kind;
    kind = subject->ops->repartition(subject, work->trial.problem.seq_len, &other, text, error);
    if (!kind && !other)
        oracle_conclude(work, ORACLE_PARTITION, ORACLE_NOT_APPLICABLE, "%s", text);
    else if (!kind)
        kind = check_cut(work, other, text, error);
    subject_release(other);
    return kind;
}

enum error_kind check_bias_shift(struct oracle_work *work, struct error *error)
{
    const char *why = stays_where_it_is(&work->trial.problem);
    const struct problem shifted = shifted_problem(work);
    char run_was[64];
    bool hold;
    if (why)
        oracle_conclude(work, ORACLE_BIAS_SHIFT, ORACLE_NOT_APPLICABLE, "%s", why);
    if (why || !oracle_takes(work, ORACLE_BIAS_SHIFT, &shifted, 1))
        return ERROR_NONE;
    enum error_kind kind = hold_cut_and_shift(work, ORACLE_BIAS_SHIFT, &hold, error);
    if (kind || hold)
        return kind;
    kind = run_shifted(work, work->inquiry->subject, error);
    snprintf(run_was, sizeof run_was, "with q_position %d lower", ORACLE_SHIFT_KEYS);
    if (!kind)
        oracle_expect(work, ORACLE_BIAS_SHIFT, &work->expected, &work->allowed, run_was);
    return kind;
}

enum error_kind check_constant_v(struct oracle_work *work, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    char run_was[48];
    if (problem->sink_logits) {
        oracle_conclude(work, ORACLE_CONSTANT_V, ORACLE_NOT_APPLICABLE, "learned sinks have weight and no v");
        return ERROR_NONE;
    }
    if ((double)trial_constant(&work->trial) * fabs(problem_value_scale(problem)) > dtypes[problem->dtype].max) {
        oracle_conclude(work, ORACLE_CONSTANT_V, ORACLE_NOT_APPLICABLE, "%s cannot hold the constant times v_scale",
                        dtypes[problem->dtype].name);
        return ERROR_NONE;
    }
    enum error_kind kind = oracle_need_base_bound(work, error);
    if (!kind)
        kind = oracle_need_usual(work, error);
    if (!kind)
        kind = trial_constant_bound(&work->expected, &work->allowed, &work->trial, &work->truth, oracle_own(work),
                                    work->inquiry->subject, error);
    if (kind)
        return kind;
    oracle_tolerate_constant(work);
    kind = oracle_need_constant_run(work, error);
    if (!kind)
        oracle_copy_values(work, &work->got, &work->constant);
    for (int row = 0; row < problem_rows(&work->trial.problem); row++)
        work->allowed.lse[row] = INFINITY; /* not this oracle's */
    snprintf(run_was, sizeof run_was, "where all of v is %.9g", (double)trial_constant(&work->trial));
    if (!kind)
        oracle_expect(work, ORACLE_CONSTANT_V, &work->expected, &work->allowed, run_was);
    return kind;
}
