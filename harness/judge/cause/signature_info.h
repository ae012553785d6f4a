/*
 * What is said of a signature, and which one is named where several explain a failure equally well.
 */
#ifndef HARNESS_JUDGE_CAUSE_SIGNATURE_INFO_H
#define HARNESS_JUDGE_CAUSE_SIGNATURE_INFO_H

#include "harness/judge/judgement.h"

/* One sentence each: what the signature means, and what to change in the kernel. */
const char *signature_meaning(enum signature signature);
const char *signature_remedy(enum signature signature);

/* Where a signature stands in the order of preference, 0 first. */
int signature_preference(enum signature signature);

#endif
