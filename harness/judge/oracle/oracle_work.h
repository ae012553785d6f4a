/*
 * The oracles at work: the trial, and what several of them need, made when the first one asks. What
 * oracle.c is written in.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_WORK_H
#define HARNESS_JUDGE_ORACLE_ORACLE_WORK_H

#include "harness/judge/oracle/oracle_report.h"
#include "harness/judge/oracle/trial_bound.h"

/* Another problem than the trial's, and what two runs of it gave (oracle_other.h). */
struct other_problem {
    void *memory; /* of its tensors; NULL: there is none yet */
    struct problem problem;
    struct output output;
    struct trial_values first, again; /* in one block, first.out's */
};

/* What a result of the trial may be off by, and what is usual for it. */
struct oracle_usual {
    bool known;
    double out_off, lse_off; /* of the base run, from the truth, at most */
    double reach;            /* of v of visible keys, scaled */
};

struct oracle_work {
    const struct oracle_inquiry *inquiry;
    struct oracle_report *report;
    struct trial trial;

    bool failed;                      /* the subject did not run */
    const struct launch_watch *watch; /* that the oracle at hand speaks of the last output of; NULL: none */
    bool have_base, have_repeat, have_truth, have_base_bound, have_constant, have_settings, have_many;
    struct trial_values base;       /* of the problem as it is */
    struct trial_values base_bound; /* of base, wherever it is */
    struct trial_truth truth;
    struct trial_own own;      /* where base is */
    struct memory_audit audit; /* of the base run */
    bool poison_shows;         /* a repeated run differs because of what stood in the output */
    bool undetermined;         /* a repeated run differs in any case */

    struct trial_values constant;                /* by the run with a constant v */
    struct oracle_report many;                   /* what many sequences say of `batch` and `lengths` (oracle_many.c) */
    struct oracle_report together;               /* what a launch with all changed at once says (oracle_together.h) */
    bool have_cut_and_shift, cut_and_shift_hold; /* `partition` and `bias_shift` at once (oracle_rounding.c) */
    bool settings_hold;                          /* a launch in all settings at once is as the base run */
    bool settings_matter;                        /* it is not */

    struct other_problem other;

    struct trial_values got; /* by the last run */
    struct trial_values expected, allowed, bound;
    struct trial_values tolerated; /* where `allowed` is infinite, how far a number may be from what is expected */
    struct oracle_usual usual;
};

/* To be cleared whatever the result. */
enum error_kind oracle_work_init(struct oracle_work *work, struct oracle_report *report,
                                 const struct oracle_inquiry *inquiry, struct error *error);
void oracle_work_clear(struct oracle_work *work);

/* Numbers of a result of the trial: out, and lse behind it. */
size_t oracle_values_count(const struct oracle_work *work);

void oracle_copy_values(struct oracle_work *work, struct trial_values *to, const struct trial_values *from);

void oracle_conclude(struct oracle_work *work, enum oracle oracle, enum oracle_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void oracle_hold(struct oracle_work *work, enum oracle oracle);

/* Whether an oracle can tell something of the subject; if not (without), for that reason, it does not apply. */
bool oracle_tells(struct oracle_work *work, enum oracle oracle, bool without, const char *why);

/* Whether the subject takes a problem, in a launch of so many sequences; if not, the oracle does not apply. */
bool oracle_takes(struct oracle_work *work, enum oracle oracle, const struct problem *problem, int num_sequences);

/* Concludes from work->got that the oracle holds, or names the first number that says otherwise: one farther than
 * allowed from expected (oracle_allowance.h); NULL: with other bits, NaN payloads aside. run_was: what was done, as in
 * "with ...". */
void oracle_expect(struct oracle_work *work, enum oracle oracle, const struct trial_values *expected,
                   const struct trial_values *allowed, const char *run_was);

/* The same for a problem of the trial's head_dim that has no more rows. */
void oracle_expect_of(struct oracle_work *work, enum oracle oracle, const struct problem *problem,
                      const struct trial_values *expected, const struct trial_values *allowed, const char *run_was);

/* ERROR_INTERRUPTED, if the inquiry is to end. */
enum error_kind oracle_check_cancelled(const struct oracle_work *work, struct error *error);

/* Runs a subject, that of the inquiry or one that is cut otherwise, on the trial as it is; the result is work->got. */
enum error_kind oracle_run(struct oracle_work *work, enum trial_poison poison, const struct subject *subject,
                           struct error *error);

/* The same under an audit, which settings ask for. */
enum error_kind oracle_run_audited(struct oracle_work *work, const struct subject *subject, struct memory_audit *audit,
                                   struct error *error);

/* The subject in a setting, on the reloaded trial. *had: the setting can be had. text[SUBJECT_TEXT_SIZE]: what it was,
 * or why it cannot. */
enum error_kind oracle_run_in(struct oracle_work *work, const struct launch_setting *setting, bool *had, char *text,
                              struct error *error);

/* A problem on the trial's tensors, with fewer keys or queries, by the inquiry's subject. */
enum error_kind oracle_run_problem(struct oracle_work *work, const struct problem *problem, struct error *error);

/* The inquiry's subject among other sequences of one launch (trial_run_in_batch): work->got is the first one's, *last
 * the last one's. Reloads the trial. */
enum error_kind oracle_run_in_batch(struct oracle_work *work, struct trial_values *last, struct error *error);

/* Index in out, lse behind it, of the first number of work->got that is farther than allowed from expected; NULL: that
 * has other bits, NaN payloads aside. -1: there is none. */
int64_t oracle_first_difference(const struct oracle_work *work, const struct trial_values *expected,
                                const struct trial_values *allowed);

/* The base run: base, audit. */
enum error_kind oracle_need_base(struct oracle_work *work, struct error *error);

/* The base run and a repeated one, which then is work->got: poison_shows, undetermined. */
enum error_kind oracle_need_repeat(struct oracle_work *work, struct error *error);

/* The logit of queries that outscore all rows of the base run (loud_query.h). */
double oracle_loud_logit(const struct oracle_work *work);

/* The base run, and one where all of v is trial_constant(): constant. */
enum error_kind oracle_need_constant_run(struct oracle_work *work, struct error *error);

/* A launch of ORACLE_MANY sequences, where the subject takes so many: many. */
#define ORACLE_MANY 17
#define ORACLE_MANY_TEXT "17"
enum error_kind oracle_need_many(struct oracle_work *work, struct error *error);

/* Takes what was seen of an oracle, whose first violation is what is told of it. */
void oracle_keep(struct oracle_report *report, const struct oracle_report *seen, enum oracle oracle);

/* Concludes an oracle from it; what it does not say stays. */
void oracle_tell_many(struct oracle_work *work, enum oracle oracle);

enum error_kind oracle_need_truth(struct oracle_work *work, struct error *error);

/* The base run and base_bound. */
enum error_kind oracle_need_base_bound(struct oracle_work *work, struct error *error);

/* Where the base run is, for trial_bound; NULL: within the bounds around the truth. After oracle_need_base_bound. */
const struct trial_own *oracle_own(const struct oracle_work *work);

#endif
