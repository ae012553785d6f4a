/*
 * The oracles at work: the trial, and what several of them need, made when the first one asks. What
 * oracle.c is written in.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_WORK_H
#define HARNESS_JUDGE_ORACLE_ORACLE_WORK_H

#include "harness/judge/oracle/oracle_report.h"
#include "harness/judge/oracle/trial_bound.h"

struct oracle_work {
    const struct oracle_inquiry *inquiry;
    struct oracle_report *report;
    struct trial trial;

    bool have_base, have_repeat, have_truth, have_base_bound;
    struct trial_values base;       /* of the problem as it is */
    struct trial_values base_bound; /* of base */
    struct trial_truth truth;
    struct memory_audit audit; /* of the base run */
    bool poison_shows;         /* a repeated run differs because of what stood in the output */
    bool undetermined;         /* a repeated run differs in any case */

    struct trial_values got; /* by the last run */
    struct trial_values expected, allowed, bound;
};

/* To be cleared whatever the result. */
enum error_kind oracle_work_init(struct oracle_work *work, struct oracle_report *report,
                                 const struct oracle_inquiry *inquiry, struct error *error);
void oracle_work_clear(struct oracle_work *work);

void oracle_copy_values(struct oracle_work *work, struct trial_values *to, const struct trial_values *from);

void oracle_conclude(struct oracle_work *work, enum oracle oracle, enum oracle_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void oracle_hold(struct oracle_work *work, enum oracle oracle);

/* Concludes from work->got that the oracle holds, or names the first number that says otherwise: one farther than
 * allowed from expected; NULL: with other bits, NaN payloads aside. run_was: what was done, as in "with ...". */
void oracle_expect(struct oracle_work *work, enum oracle oracle, const struct trial_values *expected,
                   const struct trial_values *allowed, const char *run_was);

/* Runs a subject, that of the inquiry or one that is cut otherwise, on the trial as it is; the result is work->got. */
enum error_kind oracle_run(struct oracle_work *work, enum trial_poison poison, const struct subject *subject,
                           struct error *error);

/* The inquiry's subject among other sequences of one launch (trial_run_in_batch). */
enum error_kind oracle_run_in_batch(struct oracle_work *work, struct error *error);

/* The base run: base, audit. */
enum error_kind oracle_need_base(struct oracle_work *work, struct error *error);

/* The base run and a repeated one, which then is work->got: poison_shows, undetermined. */
enum error_kind oracle_need_repeat(struct oracle_work *work, struct error *error);

enum error_kind oracle_need_truth(struct oracle_work *work, struct error *error);

/* work->allowed = the base run's bounds plus those of a run of subject with a query `shift` keys earlier. */
enum error_kind oracle_allow_both_bounds(struct oracle_work *work, const struct subject *subject, int shift,
                                         struct error *error);

/* *allowed = NULL, bit for bit, for a kernel whose runs can be compared so, otherwise twice the base run's bounds. */
enum error_kind oracle_allow_no_difference(struct oracle_work *work, const struct trial_values **allowed,
                                           struct error *error);

#endif
