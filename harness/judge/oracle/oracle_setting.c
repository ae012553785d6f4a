/*
 * Oracles that launch the kernel on the same inputs in another setting (kernels/launch_setting.h), and after launches
 * of another problem. Where oracle_together.h has not told, it is launched in all of them at once; where that shows, in
 * each alone, so that the right one is named.
 */
#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"
#include "harness/judge/oracle/oracle_other.h"
#include "harness/judge/oracle/oracle_together.h"

static const struct setting_of_oracle {
    enum oracle oracle;
    struct launch_setting setting;
    const char *run_was;
} settings[] = {
    {ORACLE_SCHEDULE, {.backward = true}, "with threads and blocks in the opposite order"},
    {ORACLE_PLACEMENT, {.misplaced = true, .nan_zones = true}, "between NaN, at addresses of 16 bytes"},
    {ORACLE_OFFSETS, {.far_rows = true}, "where k and v begin 3 * 2^31 elements into their buffers"},
    {ORACLE_HISTORY, {.workspace = WORKSPACE_KEPT}, "after " OTHER_TEXT},
};

/* Runs the subject in a setting: *same, within allowed of the base run. *had: the setting can be had; else text says
 * why not. */
static enum error_kind run_in(struct oracle_work *work, const struct launch_setting *setting,
                              const struct trial_values *allowed, bool *had, bool *same, char *text,
                              struct error *error)
{
    enum error_kind kind = oracle_run_in(work, setting, had, text, error);
    if (!kind && *had)
        *same = oracle_first_difference(work, &work->base, allowed) < 0;
    return kind;
}

/* Whether a run in all settings at once, between two of another problem, is as the base run. */
static enum error_kind need_all_settings(struct oracle_work *work, const struct trial_values *allowed,
                                         struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    struct subject *settled;
    char text[SUBJECT_TEXT_SIZE];
    bool had = false, same = false;
    enum error_kind kind = oracle_need_together(work, &same, error);
    if (same)
        work->have_settings = work->settings_hold = true;
    if (kind || work->have_settings)
        return kind;
    kind = subject->ops->resettle(subject, &all_settings, &settled, text, error);
    work->have_settings = !kind;
    if (kind || !settled)
        return kind;
    subject_release(settled);
    kind = other_run_before(work, error);
    if (!kind)
        kind = run_in(work, &all_settings, allowed, &had, &same, text, error);
    if (!kind)
        kind = other_run_after(work, error);
    if (!kind && !same) { /* the next run is not to show what the other problem left */
        trial_reload(&work->trial);
        kind = oracle_run(work, TRIAL_POISON_NAN, subject, error);
    }
    work->settings_matter = had && !same;
    work->settings_hold = had && same;
    return kind;
}

static enum error_kind check_setting(struct oracle_work *work, const struct setting_of_oracle *of, struct error *error)
{
    const struct trial_values *allowed;
    char text[SUBJECT_TEXT_SIZE];
    bool had, same;
    enum error_kind kind = oracle_allow_no_difference(work, &allowed, error);
    if (!kind)
        kind = need_all_settings(work, allowed, error);
    if (!kind && work->settings_hold)
        oracle_hold(work, of->oracle);
    if (kind || work->settings_hold)
        return kind;
    kind = run_in(work, &of->setting, allowed, &had, &same, text, error);
    if (!kind && !had)
        oracle_conclude(work, of->oracle, ORACLE_NOT_APPLICABLE, "%s", text);
    else if (!kind)
        oracle_expect(work, of->oracle, &work->base, allowed, *text ? text : of->run_was);
    return kind;
}

enum error_kind check_schedule(struct oracle_work *work, struct error *error)
{
    return check_setting(work, &settings[0], error);
}

enum error_kind check_placement(struct oracle_work *work, struct error *error)
{
    return check_setting(work, &settings[1], error);
}

/* The last of those that are launched in one setting: what shows in all of them at once and in neither of the others is
 * its, whatever it shows alone. */
enum error_kind check_offsets(struct oracle_work *work, struct error *error)
{
    struct launch_setting setting = all_settings;
    const struct trial_values *allowed;
    char text[SUBJECT_TEXT_SIZE];
    bool had, same;
    if (work->inquiry->subject->far_keys > 0)
        return check_far_offsets(work, error);
    enum error_kind kind = check_setting(work, &settings[2], error);
    if (kind || !work->settings_matter || work->report->outcome[ORACLE_OFFSETS] != ORACLE_HELD ||
        work->report->outcome[ORACLE_SCHEDULE] == ORACLE_VIOLATED ||
        work->report->outcome[ORACLE_PLACEMENT] == ORACLE_VIOLATED)
        return kind;
    setting.workspace = WORKSPACE_OWN;
    kind = oracle_allow_no_difference(work, &allowed, error);
    if (!kind)
        kind = run_in(work, &setting, allowed, &had, &same, text, error);
    if (!kind && had)
        oracle_expect(work, ORACLE_OFFSETS, &work->base, allowed, "so, backwards, between NaN");
    return kind;
}

/* Without settings a subject's workspace is its own: every launch finds what the one before left there. */
static enum error_kind check_after_other(struct oracle_work *work, const struct setting_of_oracle *of,
                                         struct error *error)
{
    const struct trial_values *allowed;
    char text[SUBJECT_TEXT_SIZE];
    bool had, same;
    enum error_kind kind = oracle_allow_no_difference(work, &allowed, error);
    if (!kind)
        kind = other_run_before(work, error);
    if (!kind)
        kind = run_in(work, &of->setting, allowed, &had, &same, text, error);
    if (!kind && !had) {
        trial_reload(&work->trial);
        kind = oracle_run(work, TRIAL_POISON_NAN, work->inquiry->subject, error);
    }
    if (!kind)
        oracle_expect(work, of->oracle, &work->base, allowed, of->run_was);
    return kind ? kind : other_run_after(work, error);
}

/* The trial behind its own shapes with other numbers, which are launched behind the other problem, so that nothing is
 * left by then of what a kernel keeps of its last launch alone; nor is it to show in oracles that follow. One that
 * refuses these numbers is not asked; a crash is one. */
static enum error_kind check_after_numbers(struct oracle_work *work, struct error *error)
{
    const struct trial_values *allowed;
    enum error_kind kind = oracle_allow_no_difference(work, &allowed, error);
    if (!kind)
        kind = other_numbers_run(work, error);
    if (kind == ERROR_SUBJECT && run_failure_of(error) == RUN_FAILURE_REFUSAL)
        return ERROR_NONE;
    if (!kind)
        kind = oracle_run(work, TRIAL_POISON_NAN, work->inquiry->subject, error);
    if (!kind)
        oracle_expect(work, ORACLE_HISTORY, &work->base, allowed, "after " NUMBERS_TEXT);
    if (!kind && work->report->outcome[ORACLE_HISTORY] == ORACLE_VIOLATED)
        kind = other_run_after(work, error);
    return kind;
}

enum error_kind check_history(struct oracle_work *work, struct error *error)
{
    const struct trial_values *allowed;
    enum error_kind kind = oracle_allow_no_difference(work, &allowed, error);
    if (!kind)
        kind = need_all_settings(work, allowed, error);
    if (kind)
        return kind;
    if (work->settings_hold)
        oracle_hold(work, ORACLE_HISTORY);
    else
        kind = check_after_other(work, &settings[3], error);
    if (!kind && work->report->outcome[ORACLE_HISTORY] == ORACLE_HELD)
        other_judge(work);
    /* Of a subject without settings: ours, which have some, keep nothing by shapes. */
    if (!kind && work->report->outcome[ORACLE_HISTORY] == ORACLE_HELD && !work->settings_hold && !work->settings_matter)
        kind = check_after_numbers(work, error);
    if (!kind)
        oracle_tell_together(work);
    return kind;
}
