/*
 * The oracle of offsets that 32 bits do not hold, for a subject that is given few keys so far apart: first keys or
 * pages, then KV heads. One that does not run so may be a sound one to which that is too much for another reason: it is
 * run once more where offsets fit.
 */
#include <stdio.h>
#include <string.h>

#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"

/* How it is run. */
struct far_run {
    struct launch_setting setting;
    int sequences; /* of the launch, of which it is the first and the last; 1: alone */
};

/* The same where offsets fit. */
static struct far_run near_run(const struct far_run *far)
{
    struct far_run near = *far;
    near.setting.near = true;
    return near;
}

/* As the first and the last: work->got is what differs from the base run, if one of them does. */
static enum error_kind run_among(struct oracle_work *work, const struct subject *settled, int count,
                                 const struct trial_values *allowed, bool *same, char *text, struct error *error)
{
    char *end = text + strlen(text);
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (!kind)
        kind = trial_run_pair(&work->trial, settled, false, count, &work->got, &work->expected, error);
    if (kind)
        return kind;
    const bool of_first = oracle_first_difference(work, &work->base, allowed) >= 0;
    if (!of_first)
        oracle_copy_values(work, &work->got, &work->expected);
    *same = !of_first && oracle_first_difference(work, &work->base, allowed) < 0;
    snprintf(end, (size_t)(text + SUBJECT_TEXT_SIZE - end), ", as the %s of %d in one launch",
             of_first    ? "first"
             : count > 2 ? "last"
                         : "second",
             count);
    return ERROR_NONE;
}

/* Runs it. *had: that can be had, and *same: the result is the base run's; else work->got is what differs. */
static enum error_kind run_far(struct oracle_work *work, const struct far_run *far, const struct trial_values *allowed,
                               bool *had, bool *same, char *text, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    struct subject *settled = NULL;
    enum error_kind kind;
    *same = false;
    if (far->sequences > 1) {
        kind = subject->ops->resettle(subject, &far->setting, &settled, text, error);
        *had = settled;
        if (!kind && settled)
            kind = run_among(work, settled, far->sequences, allowed, same, text, error);
        subject_release(settled);
        return kind;
    }
    kind = oracle_run_in(work, &far->setting, had, text, error);
    if (!kind && *had)
        *same = oracle_first_difference(work, &work->base, allowed) < 0;
    return kind;
}

/* What it says that the subject has failed so, as *error has it: that, or that the oracle does not apply, since it
 * fails or errs as well where offsets fit. where: what the setting was. */
static enum error_kind conclude_failed(struct oracle_work *work, const struct trial_values *allowed,
                                       const struct far_run *far, const char *where, struct error *error)
{
    const struct far_run near = near_run(far);
    const struct error failure = *error;
    char text[SUBJECT_TEXT_SIZE];
    bool had, same;
    enum error_kind kind = run_far(work, &near, allowed, &had, &same, text, error);
    if (kind == ERROR_NONE && had && same) {
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

/* A subject that is as wrong where offsets fit, by strides or as one of two sequences, or does not run so, is not wrong
 * because they do not: the oracle does not apply. Alone in pages it would say that a large pool is too much. */
static enum error_kind excuse(struct oracle_work *work, const struct trial_values *allowed, const struct far_run *far,
                              struct error *error)
{
    const struct far_run near = near_run(far);
    char text[SUBJECT_TEXT_SIZE];
    bool had, same;
    enum error_kind kind = run_far(work, &near, allowed, &had, &same, text, error);
    if (kind && kind != ERROR_SUBJECT)
        return kind;
    if (kind == ERROR_SUBJECT || (had && !same)) {
        oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE,
                        far->sequences > 1
                            ? "it is wrong as one of several in one launch where 32 bits hold offsets, too"
                            : "it is wrong by strides that 32 bits hold, too");
        work->report->not_finite &= ~(1u << ORACLE_OFFSETS);
    }
    return ERROR_NONE;
}

static enum error_kind check_in(struct oracle_work *work, const struct far_run *far, bool strided, struct error *error)
{
    const struct trial_values *allowed;
    char text[SUBJECT_TEXT_SIZE];
    bool had = false, same = false;
    enum error_kind kind = oracle_allow_no_difference(work, &allowed, error);
    if (kind)
        return kind;
    kind = run_far(work, far, allowed, &had, &same, text, error);
    if (kind == ERROR_SUBJECT)
        return conclude_failed(work, allowed, far, text, error);
    if (!kind && had)
        oracle_expect(work, ORACLE_OFFSETS, &work->base, allowed, text);
    if (!kind && had && !same && (strided || far->sequences > 1))
        return excuse(work, allowed, far, error);
    if (!kind && !had && work->report->outcome[ORACLE_OFFSETS] == ORACLE_NOT_RUN)
        oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE, "%s", text);
    return kind;
}

/* In pages, of every second choice, several sequences of one launch: a path of its own may find them by offsets of its
 * own, be it one for batches or one for many. */
static int sequences_of(const struct oracle_work *work, bool strided)
{
    static const int counts[] = {1, 2, 1, TRIAL_MANY};
    const struct subject *subject = work->inquiry->subject;
    char text[SUBJECT_TEXT_SIZE];
    int count = strided ? 1 : counts[trial_mix(work->inquiry->choice, 53) % 4];
    if (count > 2 && problem_elements(&work->trial.problem) > OFFSETS_MANY_ELEMENTS)
        count = 2;
    return !subject->ops->takes || subject->ops->takes(subject, &work->trial.problem, count, text) ? count : 1;
}

static enum error_kind check_all(struct oracle_work *work, bool strided, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    const enum oracle_outcome *outcome = &work->report->outcome[ORACLE_OFFSETS];
    const struct far_run rows = {.setting = {.far_rows = true}, .sequences = sequences_of(work, strided)},
                         heads = {.setting = {.far_heads = true}, .sequences = 1};
    enum error_kind kind = ERROR_NONE;
    if (problem->seq_len > (strided ? 1 : 0)) /* by strides the first key lies where it always does */
        kind = check_in(work, &rows, strided, error);
    if (!kind && strided && problem->num_kv_heads > 1 && (*outcome == ORACLE_HELD || *outcome == ORACLE_NOT_RUN))
        kind = check_in(work, &heads, strided, error);
    if (!kind && *outcome == ORACLE_NOT_RUN)
        oracle_conclude(work, ORACLE_OFFSETS, ORACLE_NOT_APPLICABLE, "there %s", strided ? "is one key" : "is no key");
    return kind;
}

/* Of a trial of more keys than the subject is to be given, a part that has so many: 2 heads of 2 KV heads. */
static int64_t elements_of_part(const struct problem *problem, int64_t keys)
{
    const int group = problem->num_heads / problem->num_kv_heads;
    return keys * problem_queries(problem) * problem->head_dim * (problem->num_kv_heads < 2 ? 1 : 2) *
           (group < 2 ? 1 : 2);
}

/* Pages take the memory of their keys alone, wherever they lie. */
enum error_kind check_far_offsets(struct oracle_work *work, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    struct oracle_inquiry inquiry = *work->inquiry;
    struct oracle_work fewer;
    bool strided = false;
    enum error_kind kind = problem->seq_len > 0 ? is_strided(work, &strided, error) : ERROR_NONE;
    if (kind || !strided || problem->seq_len <= inquiry.subject->far_keys)
        return kind ? kind : check_all(work, strided, error);
    inquiry.max_elements = elements_of_part(problem, inquiry.subject->far_keys);
    kind = oracle_work_init(&fewer, work->report, &inquiry, error);
    if (!kind)
        kind = check_all(&fewer, strided, error);
    oracle_work_clear(&fewer);
    return kind;
}
