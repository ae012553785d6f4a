/*
 * Whether an output is far beyond what its problem and a class of arithmetic allow.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_EVIDENCE_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_EVIDENCE_H

#include "harness/judge/class/class_rounding.h"
#include "harness/judge/exhibit.h"
#include "reference/progress.h"

/* *enough: at least 64 elements in 2 rows, or 2 lse, are off by more than 8 times the bound of a set of roundings; of a
 * row of zeros none is. Criterion and bounds are not read. ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED. */
enum error_kind contract_evidence(bool *enough, const struct exhibit *exhibit, class_set set, int threads,
                                  struct progress *progress, struct error *error);

#endif
