#include "harness/judge/oracle/oracle_together.h"

#include "harness/judge/oracle/oracle_other.h"

const struct launch_setting all_settings = {
    .backward = true, .misplaced = true, .nan_zones = true, .far_rows = true, .workspace = WORKSPACE_KEPT};

static const char run_was[] =
    "at once backwards, between NaN, after another problem, with the heads in another order and masked slots filled";

/* Its outcome is that of `history`, which is the last of those that it is for. */
static enum error_kind run_together(struct oracle_work *work, const struct subject *settled, struct error *error)
{
    struct oracle_report *report = work->report;
    struct memory_audit nobodys;
    trial_reload(&work->trial);
    slots_spoil(work);
    oracle_copy_values(work, &work->expected, &work->base);
    if (!heads_have_no_order(work)) {
        heads_reorder(&work->trial);
        heads_reorder_values(&work->expected, &work->trial.problem);
    }
    enum error_kind kind = oracle_run_audited(work, settled, &nobodys, error);
    work->report = &work->together;
    if (!kind)
        oracle_expect(work, ORACLE_HISTORY, &work->expected, NULL, run_was);
    work->report = report;
    return kind;
}

static enum error_kind need_together(struct oracle_work *work, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    struct subject *settled = NULL;
    char text[SUBJECT_TEXT_SIZE];
    work->together.outcome[ORACLE_HISTORY] = ORACLE_NOT_APPLICABLE;
    if (subject->watch || subject->may_differ || work->poison_shows || work->undetermined)
        return ERROR_NONE;
    enum error_kind kind = subject->ops->resettle(subject, &all_settings, &settled, text, error);
    if (kind || !settled)
        return kind;
    kind = other_run_before(work, error);
    if (!kind)
        kind = run_together(work, settled, error);
    if (!kind)
        kind = other_run_after(work, error);
    subject_release(settled);
    if (!kind && work->together.outcome[ORACLE_HISTORY] == ORACLE_VIOLATED) {
        trial_reload(&work->trial); /* the next run is not to show what the other problem left */
        kind = oracle_run(work, TRIAL_POISON_NAN, subject, error);
    }
    return kind;
}

enum error_kind oracle_need_together(struct oracle_work *work, bool *hold, struct error *error)
{
    enum error_kind kind = oracle_need_repeat(work, error);
    if (!kind && work->together.outcome[ORACLE_HISTORY] == ORACLE_NOT_RUN)
        kind = need_together(work, error);
    *hold = !kind && work->together.outcome[ORACLE_HISTORY] == ORACLE_HELD;
    return kind;
}

enum error_kind oracle_hold_together(struct oracle_work *work, enum oracle oracle, bool *hold, struct error *error)
{
    enum error_kind kind = oracle_need_together(work, hold, error);
    if (*hold)
        oracle_hold(work, oracle);
    return kind;
}

void oracle_tell_together(struct oracle_work *work)
{
    static const enum oracle told[] = {ORACLE_DETERMINISM, ORACLE_MASKED_SLOTS, ORACLE_HEAD_PERMUTATION,
                                       ORACLE_SCHEDULE,    ORACLE_PLACEMENT,    ORACLE_OFFSETS,
                                       ORACLE_HISTORY};
    struct oracle_report *report = work->report;
    if (work->together.outcome[ORACLE_HISTORY] != ORACLE_VIOLATED)
        return;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (report->outcome[told[i]] == ORACLE_VIOLATED || report->outcome[told[i]] == ORACLE_NOT_RUN)
            return;
    oracle_keep(report, &work->together, ORACLE_HISTORY);
}
