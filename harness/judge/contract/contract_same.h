/*
 * Whether two contracts are one.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_SAME_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_SAME_H

#include "harness/judge/contract/contract_trial.h"

/* Whether two trials of an output are one to all that it can tell: the same numbers, those of scales and slopes to
 * 2^-10, in whatever order the heads stand. */
bool contract_same(const struct contract_trial *x, const struct contract_trial *y);

#endif
