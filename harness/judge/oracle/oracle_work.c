#include "harness/judge/oracle/oracle_work.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/oracle/loud_query.h"
#include "harness/subject/launch_watch.h"

void oracle_conclude(struct oracle_work *work, enum oracle oracle, enum oracle_outcome outcome, const char *format, ...)
{
    const struct launch_watch *watch = work->watch;
    va_list arguments;
    va_start(arguments, format);
    work->report->outcome[oracle] = outcome;
    work->report->repeats[oracle] = watch && outcome == ORACLE_VIOLATED ? watch->repeats : 0;
    vsnprintf(work->report->detail[oracle], ORACLE_DETAIL_SIZE, format, arguments);
    va_end(arguments);
}

void oracle_hold(struct oracle_work *work, enum oracle oracle)
{
    oracle_conclude(work, oracle, ORACLE_HELD, "%s", "");
}

/* Takes a run's result. A kernel that changes its inputs is not to change the next run's. */
static enum error_kind conclude_run(struct oracle_work *work, enum error_kind kind)
{
    if (kind)
        return kind;
    trial_values_take(&work->got, &work->trial);
    for (enum trial_tensor t = 0; t < TRIAL_OUT && *work->audit.changed; t++)
        trial_change(&work->trial, t);
    return ERROR_NONE;
}

enum error_kind oracle_check_cancelled(const struct oracle_work *work, struct error *error)
{
    return progress_cancelled(work->inquiry->progress) ? error_set(error, ERROR_INTERRUPTED, "interrupted")
                                                       : ERROR_NONE;
}

enum error_kind oracle_run(struct oracle_work *work, enum trial_poison poison, const struct subject *subject,
                           struct error *error)
{
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (!kind)
        kind = trial_run(&work->trial, poison, subject, NULL, error);
    return conclude_run(work, kind);
}

enum error_kind oracle_run_audited(struct oracle_work *work, const struct subject *subject, struct memory_audit *audit,
                                   struct error *error)
{
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (!kind)
        kind = trial_run(&work->trial, TRIAL_POISON_NAN, subject, audit, error);
    return conclude_run(work, kind);
}

enum error_kind oracle_run_in(struct oracle_work *work, const struct launch_setting *setting, bool *had, char *text,
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

enum error_kind oracle_run_problem(struct oracle_work *work, const struct problem *problem, struct error *error)
{
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (!kind)
        kind = trial_run_problem(&work->trial, problem, work->inquiry->subject, error);
    return conclude_run(work, kind);
}

enum error_kind oracle_run_in_batch(struct oracle_work *work, struct trial_values *last, struct error *error)
{
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (!kind)
        kind = trial_run_in_batch(&work->trial, work->inquiry->subject, &work->got, last, error);
    return kind;
}

size_t oracle_values_count(const struct oracle_work *work)
{
    return (size_t)problem_elements(&work->trial.problem) + (size_t)problem_rows(&work->trial.problem);
}

bool oracle_takes(struct oracle_work *work, enum oracle oracle, const struct problem *problem, int num_sequences)
{
    const struct subject *subject = work->inquiry->subject;
    char text[SUBJECT_TEXT_SIZE];
    if (!subject->ops->takes || subject->ops->takes(subject, problem, num_sequences, text))
        return true;
    oracle_conclude(work, oracle, ORACLE_NOT_APPLICABLE, "%s", text);
    return false;
}

bool oracle_tells(struct oracle_work *work, enum oracle oracle, bool without, const char *why)
{
    if (without)
        oracle_conclude(work, oracle, ORACLE_NOT_APPLICABLE, "%s", why);
    return !without;
}

void oracle_keep(struct oracle_report *report, const struct oracle_report *seen, enum oracle oracle)
{
    if (report->outcome[oracle] == ORACLE_VIOLATED)
        return;
    report->outcome[oracle] = seen->outcome[oracle];
    memcpy(report->detail[oracle], seen->detail[oracle], ORACLE_DETAIL_SIZE);
    report->repeats[oracle] = seen->repeats[oracle];
    report->not_finite |= seen->not_finite & 1u << oracle;
}

void oracle_copy_values(struct oracle_work *work, struct trial_values *to, const struct trial_values *from)
{
    memcpy(to->out, from->out, oracle_values_count(work) * sizeof(double)); /* lse follows out */
}

static bool same_bits(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && !signbit(a) == !signbit(b));
}

/* By more than rounding may do; where it may do anything, a number by more than the tolerance takes. */
static bool differ(double expected, double got, const double *allowed, double tolerated)
{
    if (same_bits(expected, got))
        return false;
    if (!allowed || !isinf(*allowed))
        return !(allowed && fabs(expected - got) <= *allowed);
    return isfinite(got) && fabs(expected - got) > tolerated;
}

/* In the rows of problem: the element of out, or elements + row of lse. It has no more of them than the trial unless
 * nothing is allowed. */
static int64_t first_difference(const struct oracle_work *work, const struct problem *problem,
                                const struct trial_values *expected, const struct trial_values *allowed)
{
    const struct trial_values *got = &work->got, *tolerated = &work->tolerated;
    int64_t elements = problem_elements(problem),
            rows = work->inquiry->subject->without_lse ? 0 : problem_rows(problem);
    for (int64_t i = 0; i < elements; i++)
        if (differ(expected->out[i], got->out[i], allowed ? &allowed->out[i] : NULL, allowed ? tolerated->out[i] : 0))
            return i;
    for (int64_t row = 0; row < rows; row++)
        if (differ(expected->lse[row], got->lse[row], allowed ? &allowed->lse[row] : NULL,
                   allowed ? tolerated->lse[row] : 0))
            return elements + row;
    return -1;
}

int64_t oracle_first_difference(const struct oracle_work *work, const struct trial_values *expected,
                                const struct trial_values *allowed)
{
    return first_difference(work, &work->trial.problem, expected, allowed);
}

void oracle_expect_of(struct oracle_work *work, enum oracle oracle, const struct problem *problem,
                      const struct trial_values *expected, const struct trial_values *allowed, const char *run_was)
{
    int64_t elements = problem_elements(problem), index = first_difference(work, problem, expected, allowed);
    char place[48], query[24] = "", limit[48] = "";
    if (index < 0) {
        oracle_hold(work, oracle);
        return;
    }
    bool is_lse = index >= elements;
    int row = (int)(is_lse ? index - elements : index / problem->head_dim), head = row % problem->num_heads;
    if (problem_queries(problem) > 1)
        snprintf(query, sizeof query, "query %d, ", row / problem->num_heads);
    if (is_lse)
        snprintf(place, sizeof place, "lse of %shead %d", query, head);
    else
        snprintf(place, sizeof place, "out of %shead %d, dim %d", query, head, (int)(index % problem->head_dim));
    double got = is_lse ? work->got.lse[row] : work->got.out[index];
    double right = is_lse ? expected->lse[row] : expected->out[index];
    if (!isfinite(got) && isfinite(right))
        work->report->not_finite |= 1u << oracle;
    if (allowed) {
        const double most = is_lse ? allowed->lse[row] : allowed->out[index];
        snprintf(limit, sizeof limit, isinf(most) ? "; the tolerance allows %.3g" : "; rounding allows %.3g",
                 isinf(most) ? (is_lse ? work->tolerated.lse[row] : work->tolerated.out[index]) : most);
    }
    oracle_conclude(work, oracle, ORACLE_VIOLATED, "%s is %.9g %s, expected %.9g%s", place, isnan(got) ? NAN : got,
                    run_was, isnan(right) ? NAN : right, limit); /* printf would show a NaN's sign */
}

void oracle_expect(struct oracle_work *work, enum oracle oracle, const struct trial_values *expected,
                   const struct trial_values *allowed, const char *run_was)
{
    oracle_expect_of(work, oracle, &work->trial.problem, expected, allowed, run_was);
}

enum error_kind oracle_need_base(struct oracle_work *work, struct error *error)
{
    if (work->have_base)
        return ERROR_NONE;
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (!kind)
        kind = trial_run(&work->trial, TRIAL_POISON_NAN, work->inquiry->subject, &work->audit, error);
    kind = conclude_run(work, kind);
    if (!kind)
        oracle_copy_values(work, &work->base, &work->got);
    work->have_base = !kind;
    return kind;
}

/*
 * The base run again, with the other poison. Where it differs, both of them some times more: a kernel that answers to
 * the poison gives each its own result every time, also if something else about it alternates from run to run. One that
 * adds in an order of its own each time has few results where there is little to add: of two that are as likely, one in
 * 2^14 such kernels would seem to answer to the poison, and after two runs one in 4.
 */
enum error_kind oracle_need_repeat(struct oracle_work *work, struct error *error)
{
    static const bool is_number[] = {1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0}; /* or NaN */
    enum error_kind kind = oracle_need_base(work, error);
    if (kind || work->have_repeat)
        return kind;
    trial_reload(&work->trial);
    kind = oracle_run(work, TRIAL_POISON_NUMBER, work->inquiry->subject, error);
    if (kind)
        return kind;
    work->have_repeat = true;
    if (oracle_first_difference(work, &work->base, NULL) < 0)
        return ERROR_NONE;
    oracle_copy_values(work, &work->expected, &work->got);
    work->poison_shows = true;
    for (size_t i = 0; i < sizeof is_number && !kind && work->poison_shows; i++) {
        const struct trial_values *own = is_number[i] ? &work->expected : &work->base;
        trial_reload(&work->trial);
        kind = oracle_run(work, is_number[i] ? TRIAL_POISON_NUMBER : TRIAL_POISON_NAN, work->inquiry->subject, error);
        if (!kind && oracle_first_difference(work, own, NULL) >= 0)
            work->poison_shows = false;
    }
    work->undetermined = !work->poison_shows;
    oracle_copy_values(work, &work->got, &work->expected);
    return kind;
}

double oracle_loud_logit(const struct oracle_work *work)
{
    double logit = 0;
    for (int row = 0; row < problem_rows(&work->trial.problem); row++)
        if (isfinite(work->base.lse[row]))
            logit = fmax(logit, work->base.lse[row]);
    return logit + LOUD_BEYOND;
}

enum error_kind oracle_need_constant_run(struct oracle_work *work, struct error *error)
{
    enum error_kind kind = oracle_need_base(work, error);
    if (kind || work->have_constant)
        return kind;
    trial_reload(&work->trial);
    trial_make_constant(&work->trial);
    kind = oracle_run(work, TRIAL_POISON_NAN, work->inquiry->subject, error);
    if (!kind)
        oracle_copy_values(work, &work->constant, &work->got);
    work->have_constant = !kind;
    return kind;
}

enum error_kind oracle_need_truth(struct oracle_work *work, struct error *error)
{
    if (work->have_truth)
        return ERROR_NONE;
    work->have_truth = true;
    return trial_truth_init(&work->truth, &work->trial, work->inquiry, error);
}

const struct trial_own *oracle_own(const struct oracle_work *work)
{
    return work->own.any ? &work->own : NULL;
}

enum error_kind oracle_need_base_bound(struct oracle_work *work, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    if (work->have_base_bound)
        return ERROR_NONE;
    enum error_kind kind = oracle_need_base(work, error);
    if (!kind)
        kind = oracle_need_truth(work, error);
    if (!kind)
        kind = trial_bound(&work->base_bound, &work->trial, &work->truth, NULL, subject, 0, error);
    if (!kind)
        kind = trial_own_init(&work->own, &work->trial, &work->base, &work->base_bound, &work->truth,
                              work->inquiry->subject->without_lse, error);
    if (!kind && work->own.any)
        kind = trial_bound(&work->base_bound, &work->trial, &work->truth, &work->own, subject, 0, error);
    work->have_base_bound = !kind;
    return kind;
}

enum error_kind oracle_work_init(struct oracle_work *work, struct oracle_report *report,
                                 const struct oracle_inquiry *inquiry, struct error *error)
{
    int64_t max_elements = inquiry->max_elements ? inquiry->max_elements : TRIAL_MAX_ELEMENTS;
    *work = (struct oracle_work){.inquiry = inquiry, .report = report};
    struct trial_values *const values[] = {&work->base,    &work->base_bound, &work->got,      &work->expected,
                                           &work->allowed, &work->bound,      &work->constant, &work->tolerated};
    enum error_kind kind = trial_init(&work->trial, inquiry->problem, max_elements, inquiry->choice, error);
    for (size_t i = 0; i < sizeof values / sizeof values[0] && !kind; i++)
        kind = trial_values_init(values[i], &work->trial, error);
    return kind;
}

void oracle_work_clear(struct oracle_work *work)
{
    trial_values_clear(&work->base);
    trial_values_clear(&work->base_bound);
    trial_values_clear(&work->got);
    trial_values_clear(&work->expected);
    trial_values_clear(&work->allowed);
    trial_values_clear(&work->bound);
    trial_values_clear(&work->constant);
    trial_values_clear(&work->tolerated);
    free(work->other.memory);
    free(work->other.first.out);
    work->other = (struct other_problem){.memory = NULL};
    trial_own_clear(&work->own);
    trial_truth_clear(&work->truth);
    trial_clear(&work->trial);
}
