/*
 * Faults, planted in exact results: what a kernel with one of them, and exact otherwise, would answer. What a rule that
 * tests go by makes of these tells what the rule is worth.
 */
#ifndef HARNESS_JUDGE_CONTRACT_PLANTED_H
#define HARNESS_JUDGE_CONTRACT_PLANTED_H

#include "harness/judge/contract/contract_screen.h"

struct planted_fault {
    const char *name, *about;
    /* Changes the problem of a trial into that which the kernel solves. False: the problem has no such fault. NULL: it
     * stays, and its output is changed. */
    bool (*make)(struct contract_trial *trial);
    /* Changes the exact output of a row of the trial's problem, out[D] and its natural lse, whose logits screen has.
     * NULL: it stays. */
    void (*spoil)(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out,
                  double *lse);
};

extern const struct planted_fault planted_faults[];
extern const int num_planted_faults;

/* out[R, D] and lse[R] of the stated problem with the fault, in double precision. *is_none: the problem has no such
 * fault. One that it has may still leave its result what it is. ERROR_SYSTEM if memory is short. */
enum error_kind planted_answer(double *out, double *lse, bool *is_none, const struct planted_fault *fault,
                               const struct exhibit *stated, struct error *error);

#endif
