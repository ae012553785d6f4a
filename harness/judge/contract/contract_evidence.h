/*
 * Whether an output, or what another contract makes of it, is beyond what its problem and a class of arithmetic allow.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_EVIDENCE_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_EVIDENCE_H

#include "harness/judge/class/class_rounding.h"
#include "harness/judge/contract/contract_trial.h"
#include "harness/judge/exhibit.h"
#include "reference/progress.h"

/* *enough: at least 64 elements in 2 rows, or 2 lse, are off by more than 8 times the bound of a set of roundings; of a
 * row of zeros none is. Criterion and bounds are not read. ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED. */
enum error_kind contract_evidence(bool *enough, const struct exhibit *exhibit, class_set set, int threads,
                                  struct progress *progress, struct error *error);

/* *differs: what is right under a trial's contract, with that problem's truth, is not what is right as it was stated,
 * by more than a set of roundings may be off: of an element or of an lse. Where the trial reads the output otherwise,
 * what that changes is taken off. ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED. */
enum error_kind contract_differs(bool *differs, const struct contract_trial *trial, const struct truth *truth,
                                 class_set set, int threads, struct progress *progress, struct error *error);

#endif
