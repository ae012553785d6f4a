/*
 * The oracle of offsets that 32 bits do not hold, for a subject that is given few keys so far apart: first keys or
 * pages, then KV heads. One that does not run so may be a sound one to which that is too much for another reason: it is
 * run once more where offsets fit.
 */
#include <stdio.h>

#include "harness/judge/oracle/oracle_checks.h"

/* What it says that the subject has failed in a setting, as *error has it: that, or that the oracle does not apply,
 * since it fails or errs as well where offsets fit. where: what the setting was. */
static enum error_kind conclude_failed(struct oracle_work *work, const struct trial_values *allowed,
                                       const struct launch_setting *setting, const char *where, struct error *error)
{
    struct launch_setting near = *setting;
    const struct error failure = *error;
    char text[SUBJECT_TEXT_SIZE];
    bool had;
    near.near = true;
    enum error_kind kind = oracle_run_in(work, &near, &had, text, error);
    if (kind == ERROR_NONE && had && oracle_first_difference(work, &work->base, allowed) < 0) {
        error_set(error, ERROR_SUBJECT, "%s: %.4000s", where, failure.text);
        return run_failed(error, run_failure_of(&failure));
    }
    if (kind != ERROR_SUBJECT && kind != ERROR_NONE)
        return kind;
    oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE, "it does not run so where offsets fit 32 bits: %s",
                    failure.text);
    return ERROR_NONE;
}

/* Whether keys and heads are put apart by strides, of which heads can be; pages cannot. */
static enum error_kind is_strided(struct oracle_work *work, bool *strided, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    const struct launch_setting heads = {.far_heads = true};
    struct subject *other = NULL;
    char text[SUBJECT_TEXT_SIZE];
    enum error_kind kind = subject->ops->resettle(subject, &heads, &other, text, error);
    *strided = !kind && other;
    subject_release(other);
    return kind;
}

/* A subject that is as wrong by strides whose offsets fit, or does not run by them, is not wrong because they do not:
 * the oracle does not apply. Of pages that would say that a large pool alone is too much. */
static enum error_kind excuse_strides(struct oracle_work *work, const struct trial_values *allowed,
                                      struct launch_setting setting, struct error *error)
{
    char text[SUBJECT_TEXT_SIZE];
    bool had, strided;
    enum error_kind kind = is_strided(work, &strided, error);
    if (kind || !strided)
        return kind;
    setting.near = true;
    kind = oracle_run_in(work, &setting, &had, text, error);
    if (kind && kind != ERROR_SUBJECT)
        return kind;
    if (kind == ERROR_SUBJECT || (had && oracle_first_difference(work, &work->base, allowed) >= 0)) {
        oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE, "it is wrong by strides that 32 bits hold, too");
        work->report->not_finite &= ~(1u << ORACLE_OFFSETS);
    }
    return ERROR_NONE;
}

static enum error_kind check_in(struct oracle_work *work, const struct launch_setting *setting, struct error *error)
{
    const struct trial_values *allowed;
    char text[SUBJECT_TEXT_SIZE];
    bool had = false;
    enum error_kind kind = oracle_need_repeat(work, error);
    if (!kind)
        kind = oracle_allow_no_difference(work, &allowed, error);
    if (kind)
        return kind;
    kind = oracle_run_in(work, setting, &had, text, error);
    if (kind == ERROR_SUBJECT)
        return conclude_failed(work, allowed, setting, text, error);
    if (!kind && had)
        oracle_expect(work, ORACLE_OFFSETS, &work->base, allowed, text);
    if (!kind && had && work->report->outcome[ORACLE_OFFSETS] == ORACLE_VIOLATED)
        return excuse_strides(work, allowed, *setting, error);
    if (!kind && !had && work->report->outcome[ORACLE_OFFSETS] == ORACLE_NOT_RUN)
        oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE, "%s", text);
    return kind;
}

static enum error_kind check_all(struct oracle_work *work, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    const enum oracle_outcome *outcome = &work->report->outcome[ORACLE_OFFSETS];
    bool strided = false;
    enum error_kind kind = problem->seq_len > 0 ? is_strided(work, &strided, error) : ERROR_NONE;
    if (!kind && problem->seq_len > (strided ? 1 : 0)) /* by strides the first key lies where it always does */
        kind = check_in(work, &(struct launch_setting){.far_rows = true}, error);
    if (!kind && strided && problem->num_kv_heads > 1 && (*outcome == ORACLE_HELD || *outcome == ORACLE_NOT_RUN))
        kind = check_in(work, &(struct launch_setting){.far_heads = true}, error);
    if (!kind && *outcome == ORACLE_NOT_RUN)
        oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE, "there %s", strided ? "is one key" : "is no key");
    return kind;
}

/* Where the trial has more keys than the subject is to be given, with a part of it. */
enum error_kind check_far_offsets(struct oracle_work *work, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    struct oracle_inquiry inquiry = *work->inquiry;
    struct oracle_work fewer;
    if (problem->seq_len <= inquiry.subject->far_keys)
        return check_all(work, error);
    inquiry.max_elements = inquiry.subject->far_keys * problem_queries(problem) * problem->head_dim;
    enum error_kind kind = oracle_work_init(&fewer, work->report, &inquiry, error);
    if (!kind)
        kind = check_all(&fewer, error);
    oracle_work_clear(&fewer);
    return kind;
}
