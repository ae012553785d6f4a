/* Oracles whose runs round otherwise than the base run: what they give lies within the bounds of both. */
#include <math.h>
#include <stdio.h>

#include "harness/judge/oracle/oracle.h"
#include "harness/judge/oracle/oracle_checks.h"

enum error_kind check_partition(struct oracle_work *work, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    struct subject *other = NULL;
    char text[SUBJECT_TEXT_SIZE];
    enum error_kind kind = subject->ops->repartition(subject, work->trial.problem.seq_len, &other, text, error);
    if (kind)
        return kind;
    if (!other) {
        oracle_conclude(work, ORACLE_PARTITION, ORACLE_NOT_APPLICABLE, "%s", text);
        return ERROR_NONE;
    }
    kind = oracle_need_base(work, error);
    if (!kind)
        kind = oracle_allow_both_bounds(work, other, 0, error);
    if (!kind) {
        trial_reload(&work->trial);
        kind = oracle_run(work, TRIAL_POISON_NAN, other, error);
    }
    if (!kind)
        oracle_expect(work, ORACLE_PARTITION, &work->base, &work->allowed, text);
    subject_release(other);
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
        kind = trial_constant_bound(&work->expected, &work->allowed, &work->trial, &work->truth, oracle_own(work),
                                    work->inquiry->subject, error);
    if (kind)
        return kind;
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

/* The query goes towards the keys: biases rise, and no logit comes nearer to a sentinel than it was. */
enum error_kind check_bias_shift(struct oracle_work *work, struct error *error)
{
    char run_was[64];
    const struct problem *problem = &work->trial.problem;
    if (problem->sink_logits || problem->soft_cap == SOFT_CAP_AFTER_BIAS) {
        oracle_conclude(work, ORACLE_BIAS_SHIFT, ORACLE_NOT_APPLICABLE, "%s",
                        problem->sink_logits ? "learned sinks do not move with the query" : "biases are capped");
        return ERROR_NONE;
    }
    struct problem shifted = work->trial.problem;
    shifted.q_position -= ORACLE_SHIFT_KEYS;
    if (!oracle_takes(work, ORACLE_BIAS_SHIFT, &shifted, 1))
        return ERROR_NONE;
    enum error_kind kind = oracle_need_base(work, error);
    if (!kind)
        kind = oracle_allow_both_bounds(work, work->inquiry->subject, ORACLE_SHIFT_KEYS, error);
    if (kind)
        return kind;
    oracle_copy_values(work, &work->expected, &work->base);
    for (int row = 0; row < problem_rows(&work->trial.problem); row++)
        work->expected.lse[row] += problem_row_slope(&work->trial.problem, row) * ORACLE_SHIFT_KEYS;
    trial_reload(&work->trial);
    work->trial.problem.q_position -= ORACLE_SHIFT_KEYS;
    kind = oracle_run(work, TRIAL_POISON_NAN, work->inquiry->subject, error);
    snprintf(run_was, sizeof run_was, "with q_position %d lower", ORACLE_SHIFT_KEYS);
    if (!kind)
        oracle_expect(work, ORACLE_BIAS_SHIFT, &work->expected, &work->allowed, run_was);
    return kind;
}
