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

#include "harness/judge/oracle/oracle_report.h"

enum { ORACLE_SHIFT_KEYS = 7 };

struct oracle_work; /* oracle_work.h */

struct oracle_info {
    const char *about; /* what holds of a sound kernel, a sentence */
    enum error_kind (*check)(struct oracle_work *work, struct error *error);
    bool of_no_output; /* it speaks of memory, or of launches that nobody watches: not of the last output watched */
};

extern const struct oracle_info oracles[ORACLE_COUNT];

/*
 * Puts the subject to the oracles o with bit o of which set; the others are ORACLE_NOT_RUN. All of them take some 13
 * times the trial's work of a sound kernel of ours, of another one up to twice as much, and 14 runs more if a repeated
 * run differs. ERROR_SYSTEM if a run fails or memory is short, ERROR_INTERRUPTED.
 */
enum error_kind oracles_run(struct oracle_report *report, const struct oracle_inquiry *inquiry, unsigned which,
                            struct error *error);

/* Bytes that oracles_run takes for a problem of this shape, at most; device memory excluded. */
double oracles_bytes(const struct problem *shape, int threads);

#endif
