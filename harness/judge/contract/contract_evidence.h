/*
 * Whether an output, or what another contract makes of it, is beyond what its problem and a class of arithmetic allow.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_EVIDENCE_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_EVIDENCE_H

#include "harness/judge/class/class_rounding.h"
#include "harness/judge/contract/contract_trial.h"
#include "harness/judge/exhibit.h"
#include "reference/progress.h"

/* What speaks against an exhibit, or some heads of it after others. */
struct contract_off {
    int64_t elements; /* off by more than 8 times the bound of a set of roundings; of a row of zeros none is */
    int rows, lses;   /* with such elements; the same of lse */
};

/* Counts those of an exhibit on. Criterion and bounds are not read. ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED.
 */
enum error_kind contract_count_off(struct contract_off *off, const struct exhibit *exhibit, class_set set, int threads,
                                   struct progress *progress, struct error *error);

/* At least 64 elements in 2 rows, or 2 lse. */
bool contract_is_enough(const struct contract_off *off);

/* Whether a row of an exhibit is off by a factor of its own, and by next to nothing else: another divisor, which is
 * none of what contracts are about, and no rounding, however much a set of roundings allows for. */
bool contract_leaves_factor(const struct exhibit *exhibit);

/* The same of a factor, or a constant, that was taken for that of all rows: whether a row is off by one of its own,
 * beside the trial's, that a set of roundings does not make. The exhibit's truth is that of the trial's output. */
bool contract_leaves_own_number(const struct exhibit *exhibit, const struct contract_trial *trial, class_set set);

/* Whether what an exhibit's truth leaves of its output is half of that at most, over all its rows: what is small as the
 * truth is, and has not its shape, is covered by a class that allows for as much, and explained by nothing. */
bool contract_has_shape(const struct exhibit *exhibit);

/* Whether the lse of all rows, of which there is one, are off by one number, which anything may have added. */
bool contract_lse_is_moved(const struct exhibit *exhibit);

/* Whether an output tells a trial from thousands of others. A row that is the value of one key tells which of its keys
 * that is, and no more. Of a problem in parts it is taken to. */
bool contract_is_told(const struct contract_trial *trial);

/* *differs: what is right under a trial's contract, with that problem's truth, is not what is right as it was stated,
 * by more than a set of roundings may be off: of an element or of an lse. Where the trial reads the output otherwise,
 * what that changes is taken off. ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED. */
enum error_kind contract_differs(bool *differs, const struct contract_trial *trial, const struct truth *truth,
                                 class_set set, int threads, struct progress *progress, struct error *error);

#endif
