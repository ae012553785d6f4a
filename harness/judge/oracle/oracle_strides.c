/*
 * The oracle of tensors that are not packed. The kernel is given q, k and v that hold the same, and room for out, in
 * all the ways at once in which it says that it takes them; NaN stands between rows. Where that shows, each way is
 * tried alone, so that the right one is named. In all of them lse, masks, slopes, sinks and tables begin where an
 * allocator would not let them.
 */
#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"
#include "harness/subject/tensor_strides.h"

/* All of them first. */
static const unsigned layouts[] = {LAYOUT_ROWS_APART | LAYOUT_HEADS_FIRST | LAYOUT_UNALIGNED, LAYOUT_NUMBERS,
                                   LAYOUT_ROWS_APART, LAYOUT_HEADS_FIRST, LAYOUT_UNALIGNED};
enum { NUM_LAYOUTS = sizeof layouts / sizeof layouts[0] };

/* Concludes from what was written beside rows, or to inputs, where it is not so of packed tensors, too; false: nothing
 * was, and it does not. */
static bool conclude_audit(struct oracle_work *work, const struct memory_audit *audit, const char *text)
{
    char where[ORACLE_DETAIL_SIZE];
    const bool is_new = *audit->written.name && !*work->audit.written.name;
    const bool breached = is_new && memory_audit_say(where, sizeof where, audit);
    const bool changed = *audit->changed && !*work->audit.changed;
    if (breached)
        oracle_conclude(work, ORACLE_STRIDES, ORACLE_VIOLATED, "%s: %s", text, where);
    else if (changed)
        oracle_conclude(work, ORACLE_STRIDES, ORACLE_VIOLATED, "%s: %s is not what it was before the run", text,
                        audit->changed);
    return breached || changed;
}

/* A launch of two sequences, where a kernel may find the second by its place, or both by a table of its own. */
static enum error_kind run_pair(struct oracle_work *work, const struct subject *other,
                                const struct trial_values *allowed, const char *text, struct error *error)
{
    char run_was[SUBJECT_TEXT_SIZE + 48], why[SUBJECT_TEXT_SIZE];
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (kind || (other->ops->takes && !other->ops->takes(other, &work->trial.problem, 2, why)))
        return kind;
    kind = trial_run_pair(&work->trial, other, false, 2, &work->got, &work->expected, error);
    if (kind)
        return kind;
    snprintf(run_was, sizeof run_was, "%s, as the first of 2 in one launch", text);
    oracle_expect(work, ORACLE_STRIDES, &work->base, allowed, run_was);
    if (work->report->outcome[ORACLE_STRIDES] == ORACLE_VIOLATED)
        return ERROR_NONE;
    oracle_copy_values(work, &work->got, &work->expected);
    snprintf(run_was, sizeof run_was, "%s, as the second of 2 in one launch", text);
    oracle_expect(work, ORACLE_STRIDES, &work->base, allowed, run_was);
    return ERROR_NONE;
}

/* Runs the subject in a layout, and concludes. *had: it takes some of it. */
static enum error_kind run_in_layout(struct oracle_work *work, unsigned layout, const struct trial_values *allowed,
                                     bool *had, struct error *error)
{
    const struct launch_setting setting = {.layout = layout};
    const struct subject *subject = work->inquiry->subject;
    struct subject *other = NULL;
    struct memory_audit audit = {.changed = ""};
    char text[SUBJECT_TEXT_SIZE];
    enum error_kind kind = subject->ops->resettle(subject, &setting, &other, text, error);
    *had = other;
    if (!kind && !other)
        oracle_conclude(work, ORACLE_STRIDES, ORACLE_NOT_APPLICABLE, "%s", text);
    if (kind || !other)
        return kind;
    trial_reload(&work->trial);
    kind = oracle_run_audited(work, other, &audit, error);
    if (!kind && !conclude_audit(work, &audit, text))
        oracle_expect(work, ORACLE_STRIDES, &work->base, allowed, text);
    if (!kind && work->report->outcome[ORACLE_STRIDES] == ORACLE_HELD)
        kind = run_pair(work, other, allowed, text, error);
    subject_release(other);
    return kind;
}

/* The same, and a failure to run is told with its layout. */
static enum error_kind run_named(struct oracle_work *work, unsigned layout, const struct trial_values *allowed,
                                 bool *had, struct error *error)
{
    char text[SUBJECT_TEXT_SIZE];
    enum error_kind kind = run_in_layout(work, layout, allowed, had, error);
    if (kind != ERROR_SUBJECT)
        return kind;
    const struct error failure = *error;
    tensor_layout_name(text, layout);
    error_set(error, ERROR_SUBJECT, "%s: %.4000s", text, failure.text);
    return run_failed(error, run_failure_of(&failure));
}

/* The same of what is placed, of which a refusal is as not to have it. */
static enum error_kind run_placed(struct oracle_work *work, unsigned layout, const struct trial_values *allowed,
                                  bool *had, struct error *error)
{
    enum error_kind kind = run_named(work, layout, allowed, had, error);
    if (kind == ERROR_SUBJECT && run_failure_of(error) == RUN_FAILURE_REFUSAL) {
        *had = false;
        return ERROR_NONE;
    }
    return kind;
}

/* Whether a run that ended so showed something. */
static bool shows(const struct oracle_work *work, enum error_kind kind)
{
    return kind ? kind == ERROR_SUBJECT : work->report->outcome[ORACLE_STRIDES] == ORACLE_VIOLATED;
}

/* Of what shows in the first layout, which of the others shows it alone: the first of them that does is told of,
 * instead. kind: how it ended. Nobody waits for a kernel that hangs more often than once. */
static enum error_kind tell_which(struct oracle_work *work, const unsigned *alone, int count, enum error_kind kind,
                                  const struct trial_values *allowed, struct error *error)
{
    const struct oracle_report together = *work->report;
    const struct error failure = kind ? *error : (struct error){.kind = ERROR_NONE};
    const bool hangs = kind && run_failure_of(&failure) == RUN_FAILURE_HANG;
    for (int i = 0; i < count && !hangs; i++) {
        bool had;
        const enum error_kind one = run_placed(work, alone[i], allowed, &had, error);
        if (one && one != ERROR_SUBJECT)
            return one;
        if (had && shows(work, one))
            return one;
        *work->report = together;
    }
    if (kind)
        *error = failure;
    return kind;
}

/* Of a kernel that is not given tensors elsewhere, or refuses them, lse and the inputs that are numbers. What does not
 * show leaves what was concluded before. */
static enum error_kind check_numbers(struct oracle_work *work, const struct oracle_report *before,
                                     const struct trial_values *allowed, struct error *error)
{
    struct oracle_report *report = work->report;
    enum error_kind kind = ERROR_NONE;
    bool had = false;
    if (before->outcome[ORACLE_STRIDES] != ORACLE_HELD) /* where they were among all */
        kind = run_placed(work, LAYOUT_NUMBERS, allowed, &had, error);
    if (!kind && !(had && report->outcome[ORACLE_STRIDES] == ORACLE_VIOLATED))
        *report = *before;
    return kind;
}

/*
 * Packed tensors at addresses that every kernel is to take. What assumes more of them, as allocators give it, is right
 * until it is handed a view. One that refuses them gives no wrong result, and one that is not given them has been
 * concluded of. What shows is told of lse and the inputs that are numbers, if they alone show it.
 */
static enum error_kind check_placed(struct oracle_work *work, const struct trial_values *allowed, struct error *error)
{
    const struct oracle_report before = *work->report;
    bool had;
    enum error_kind kind = run_placed(work, LAYOUT_PLACED, allowed, &had, error);
    if (!kind && !had)
        return check_numbers(work, &before, allowed, error);
    if (!shows(work, kind))
        return kind;
    return tell_which(work, &(const unsigned){LAYOUT_NUMBERS}, 1, kind, allowed, error);
}

enum error_kind check_strides(struct oracle_work *work, struct error *error)
{
    const struct trial_values *allowed;
    bool had;
    enum error_kind kind = oracle_allow_no_difference(work, &allowed, error);
    if (kind)
        return kind;
    kind = run_named(work, layouts[0], allowed, &had, error);
    if (shows(work, kind))
        return tell_which(work, layouts + 1, NUM_LAYOUTS - 1, kind, allowed, error);
    return kind ? kind : check_placed(work, allowed, error);
}
