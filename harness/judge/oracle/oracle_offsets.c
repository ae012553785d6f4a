/*
 * The oracle of offsets that 32 bits do not hold, for a subject that is given few keys so far apart: first keys or
 * pages, then KV heads. One that does not run so may be a sound one to which so much address space is too much: it is
 * run once more where as much is there, and offsets fit.
 */
#include <stdio.h>

#include "harness/judge/oracle/oracle_checks.h"

/* Runs the subject in a setting. *had: it can be had; if not, text says why. */
static enum error_kind run_in(struct oracle_work *work, const struct launch_setting *setting, bool *had, char *text,
                              struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    struct subject *other = NULL;
    struct memory_audit nobodys;
    enum error_kind kind = subject->ops->resettle(subject, setting, &other, text, error);
    *had = other;
    if (kind || !other)
        return kind;
    trial_reload(&work->trial);
    kind = oracle_run_audited(work, other, &nobodys, error);
    subject_release(other);
    return kind;
}

/* What it says that the subject has failed in a setting, as *error has it: that, or that the oracle does not apply.
 * where: what the setting was. */
static enum error_kind conclude_failed(struct oracle_work *work, const struct launch_setting *setting,
                                       const char *where, struct error *error)
{
    struct launch_setting near = *setting;
    const struct error failure = *error;
    char text[SUBJECT_TEXT_SIZE];
    bool had;
    near.near = true;
    enum error_kind kind = run_in(work, &near, &had, text, error);
    if (kind == ERROR_NONE && had)
        return error_set(error, ERROR_SUBJECT, "%s: %.4000s", where, failure.text);
    if (kind != ERROR_SUBJECT && kind != ERROR_NONE)
        return kind;
    oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE,
                    "it does not run in so much address space, wherever keys are: %s", failure.text);
    return ERROR_NONE;
}

/* A subject that is as wrong by strides whose offsets fit is not wrong because they do not: the oracle does not apply.
 * Of pages, of which heads cannot be put apart, that would say that a large pool alone is too much. */
static enum error_kind excuse_strides(struct oracle_work *work, const struct trial_values *allowed,
                                      struct launch_setting setting, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    const struct launch_setting heads = {.far_heads = true};
    struct subject *other = NULL;
    char text[SUBJECT_TEXT_SIZE];
    bool had;
    enum error_kind kind = subject->ops->resettle(subject, &heads, &other, text, error);
    if (kind || !other)
        return kind;
    subject_release(other);
    setting.near = true;
    kind = run_in(work, &setting, &had, text, error);
    if (!kind && had && oracle_first_difference(work, &work->base, allowed) >= 0) {
        oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE, "it is wrong by strides that 32 bits hold, too");
        work->report->not_finite &= ~(1u << ORACLE_OFFSETS);
    }
    return kind;
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
    kind = run_in(work, setting, &had, text, error);
    if (kind == ERROR_SUBJECT)
        return conclude_failed(work, setting, text, error);
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
    enum error_kind kind = ERROR_NONE;
    if (problem->seq_len > 0)
        kind = check_in(work, &(struct launch_setting){.far_rows = true}, error);
    if (!kind && problem->num_kv_heads > 1 && problem->seq_len > 0 &&
        work->report->outcome[ORACLE_OFFSETS] == ORACLE_HELD)
        kind = check_in(work, &(struct launch_setting){.far_heads = true}, error);
    if (!kind && work->report->outcome[ORACLE_OFFSETS] == ORACLE_NOT_RUN)
        oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE, "there is no key");
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
