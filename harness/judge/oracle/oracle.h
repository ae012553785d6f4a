/*
 * Oracles beyond the numbers: what must hold of any sound kernel, whatever its accuracy, and what a comparison with the
 * truth does not see. Each runs the kernel again on a trial (trial.h): a copy of the problem, or of a part of bounded
 * cost, of which one thing is changed.
 *
 * An oracle accuses a kernel of what it does, not of how it rounds: results must be equal bit for bit where the
 * arithmetic is the same, and otherwise within the sum of both runs' error bounds (trial_bound.h). Where two runs on
 * the same inputs differ, which is `determinism`'s to say, bits say no more and the bounds take their place.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_H
#define HARNESS_JUDGE_ORACLE_ORACLE_H

#include "harness/judge/judgement.h"
#include "harness/judge/oracle/trial.h"
#include "reference/truth.h"

enum { ORACLE_DETAIL_SIZE = 160, ORACLE_SHIFT_KEYS = 7 };

struct oracle_work; /* oracle_work.h */

struct oracle_info {
    const char *about; /* what holds of a sound kernel, a sentence */
    enum error_kind (*check)(struct oracle_work *work, struct error *error);
};

extern const struct oracle_info oracles[ORACLE_COUNT];

enum oracle_outcome { ORACLE_NOT_RUN, ORACLE_HELD, ORACLE_VIOLATED, ORACLE_NOT_APPLICABLE, ORACLE_OUTCOME_COUNT };

extern const char *const oracle_outcome_names[ORACLE_OUTCOME_COUNT];

/* The kernel and the problem that it is put to. */
struct oracle_subject {
    trial_run_function *run;
    void *context; /* of run */
    enum kernel kernel;
    const struct kernel_options *options;
    const struct recipe *recipe;
    const struct problem *problem; /* not changed */
    const struct truth *truth;     /* of problem; NULL: computed where it is needed */
    int64_t max_elements;          /* of a trial (trial_init); 0: TRIAL_MAX_ELEMENTS */
    int threads;
    struct progress *progress; /* may be NULL */
};

struct oracle_report {
    enum oracle_outcome outcome[ORACLE_COUNT];
    char detail[ORACLE_COUNT][ORACLE_DETAIL_SIZE]; /* what was seen, or why the oracle does not apply; "" if it held */
};

/*
 * Puts the kernel to the oracles o with bit o of which set; the others are ORACLE_NOT_RUN. All of them take seven runs
 * of the kernel and one of a batch, two more if a repeated run differs. ERROR_SYSTEM if a run fails or memory is short,
 * ERROR_INTERRUPTED.
 */
enum error_kind oracles_run(struct oracle_report *report, const struct oracle_subject *subject, unsigned which,
                            struct error *error);

/* How many of them were violated. */
int oracles_violated(const struct oracle_report *report);

/* Bytes that oracles_run takes for a problem of this shape, at most; device memory excluded. */
double oracles_bytes(const struct problem *shape, int threads);

#endif
