/*
 * One or two sentences on an explanation: the cause that most of an element's error comes from, with its numbers, and
 * what to do about it.
 */
#ifndef HARNESS_COMMAND_DIAGNOSIS_H
#define HARNESS_COMMAND_DIAGNOSIS_H

#include "harness/command/findings.h"

struct diagnosis diagnose(const struct point *point, const struct evaluation *evaluation,
                          const struct explanation *explanation);

#endif
