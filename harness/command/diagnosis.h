/*
 * One or two sentences on an explanation: the cause that most of an element's error comes from, with its numbers, and
 * what to do about it.
 */
#ifndef HARNESS_COMMAND_DIAGNOSIS_H
#define HARNESS_COMMAND_DIAGNOSIS_H

#include "harness/command/explanation.h"

struct diagnosis {
    const char *cause; /* a word for scripts: "exact", "bias", "logit", "output", ..., "recipe", "kernel", "device" */
    double share;      /* of the error */
    bool is_rounding;
    char text[1536];
};

struct diagnosis diagnose(const struct point *point, const struct evaluation *evaluation,
                          const struct explanation *explanation);

#endif
