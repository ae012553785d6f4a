/* The oracle of batches: the trial is the first sequence of a launch and, with another v, the last; then, of a kernel
 * of ours, the second between two short ones; of others the second behind a short one and the first before it, and one
 * of two of its length; then one of two that share their first pages, and one of many (oracle_many.c). */
#include <stdio.h>

#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"
#include "harness/judge/oracle/oracle_together.h"

/* By how much a result may differ: NULL: not at all. With v constant it is larger, and rounds by more. */
struct allowances {
    const struct trial_values *base, *constant;
};

/* The trial and another one of its length, where that is all of the launch: what a kernel has a path of its own for. */
static enum error_kind check_pair(struct oracle_work *work, const struct subject *subject, bool constant_v,
                                  const struct allowances *allowed, const char *how, struct error *error)
{
    char run_was[SUBJECT_TEXT_SIZE];
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (!kind)
        kind = trial_run_pair(&work->trial, subject, constant_v, 2, &work->got, &work->expected, error);
    if (kind)
        return kind;
    snprintf(run_was, sizeof run_was, "as the first of %s", how);
    oracle_expect(work, ORACLE_BATCH, &work->base, allowed->base, run_was);
    if (work->report->outcome[ORACLE_BATCH] == ORACLE_VIOLATED)
        return ERROR_NONE;
    oracle_copy_values(work, &work->got, &work->expected);
    snprintf(run_was, sizeof run_was, "as the second of %s%s", how, constant_v ? ", v constant" : "");
    oracle_expect(work, ORACLE_BATCH, constant_v ? &work->constant : &work->base,
                  constant_v ? allowed->constant : allowed->base, run_was);
    return ERROR_NONE;
}

/* With another one that has less, and scores far more: what is asked of the first of a launch alone, or of all at once,
 * is taken from there. */
static enum error_kind check_beside(struct oracle_work *work, enum trial_place place,
                                    const struct trial_values *allowed, struct error *error)
{
    static const char *const places[] = {
        [TRIAL_FIRST] = "first of 2 in one launch, before a short one without a mask that scores",
        [TRIAL_SECOND] = "second of 2 in one launch, behind a short one without a mask that scores",
        [TRIAL_BETWEEN] = "second of 3 in one launch, between short ones without a mask that score",
    };
    char run_was[SUBJECT_TEXT_SIZE];
    bool is_away;
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (!kind)
        kind = trial_run_beside(&work->trial, work->inquiry->subject, place, oracle_loud_logit(work), &work->got,
                                &is_away, error);
    if (kind)
        return kind;
    snprintf(run_was, sizeof run_was, "as the %s far more%s", places[place], is_away ? ", at other positions" : "");
    oracle_expect(work, ORACLE_BATCH, &work->base, allowed, run_was);
    return ERROR_NONE;
}

/* Pages that two sequences have in common, as servers keep those of a prompt once for all that begin with it. */
static enum error_kind check_shared_pages(struct oracle_work *work, const struct allowances *allowed,
                                          struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    const struct launch_setting setting = {.shared_pages = true};
    struct subject *sharing;
    char text[SUBJECT_TEXT_SIZE];
    enum error_kind kind = subject->ops->resettle(subject, &setting, &sharing, text, error);
    if (!kind && sharing)
        kind = check_pair(work, sharing, false, allowed, "2 in one launch that share their first pages", error);
    subject_release(sharing);
    return kind;
}

/* Of three launches of two that have one longest length each differs from the one before in another sequence: how
 * that one was cut is not to be kept by their number and their longest, last, first or common length. What is kept
 * of the last launch alone is so by its last length where the trial has just been behind, else by its first. */
static enum error_kind check_launches_of_two(struct oracle_work *work, const struct allowances *allowed,
                                             struct error *error)
{
    const bool second = trial_mix(work->inquiry->choice, 67) % 2;
    const enum trial_place places[] = {second ? TRIAL_SECOND : TRIAL_FIRST, second ? TRIAL_FIRST : TRIAL_SECOND};
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < 2 && !kind && work->report->outcome[ORACLE_BATCH] != ORACLE_VIOLATED; i++)
        kind = check_beside(work, places[i], allowed->base, error);
    if (!kind && work->report->outcome[ORACLE_BATCH] != ORACLE_VIOLATED)
        kind = check_pair(work, work->inquiry->subject, true, allowed, "2 of one length in one launch", error);
    return kind;
}

enum error_kind check_batch(struct oracle_work *work, struct error *error)
{
    struct allowances allowed;
    bool hold;
    if (!oracle_takes(work, ORACLE_BATCH, &work->trial.problem, TRIAL_BATCH))
        return ERROR_NONE;
    enum error_kind kind = oracle_need_constant_run(work, error);
    if (!kind)
        kind = oracle_allow_no_difference(work, &allowed.base, error);
    if (!kind)
        kind = oracle_allow_no_difference_of_constant(work, &allowed.constant, error);
    if (!kind)
        kind = oracle_run_in_batch(work, &work->expected, error);
    if (kind)
        return kind;
    oracle_expect(work, ORACLE_BATCH, &work->base, allowed.base, "as the first of " TRIAL_BATCH_TEXT " in one launch");
    if (work->report->outcome[ORACLE_BATCH] == ORACLE_VIOLATED)
        return ERROR_NONE;
    oracle_copy_values(work, &work->got, &work->expected);
    oracle_expect(work, ORACLE_BATCH, &work->constant, allowed.constant,
                  "as the last of " TRIAL_BATCH_TEXT " in one launch, v constant");
    if (work->report->outcome[ORACLE_BATCH] == ORACLE_VIOLATED)
        return ERROR_NONE;
    /* A kernel of ours has no path of its own for two, and keeps nothing. */
    kind = oracle_need_together(work, &hold, error);
    if (!kind)
        kind = hold ? check_beside(work, TRIAL_BETWEEN, allowed.base, error)
                    : check_launches_of_two(work, &allowed, error);
    if (!kind && work->report->outcome[ORACLE_BATCH] != ORACLE_VIOLATED)
        kind = check_shared_pages(work, &allowed, error);
    if (kind || work->report->outcome[ORACLE_BATCH] == ORACLE_VIOLATED)
        return kind;
    kind = oracle_need_many(work, error);
    if (!kind)
        oracle_tell_many(work, ORACLE_BATCH);
    return kind;
}
