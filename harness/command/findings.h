/*
 * What a diagnosis (diagnosis.h) is made from, and how it says it.
 */
#ifndef HARNESS_COMMAND_FINDINGS_H
#define HARNESS_COMMAND_FINDINGS_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/command/explanation.h"

struct diagnosis {
    const char *cause; /* a word for scripts: "exact", "bias", "logit", "output", ..., "recipe", "kernel", "device" */
    double share;      /* of the error */
    bool is_rounding;
    char text[1536];
};

/* What sentences are made from. */
struct findings {
    const struct point *point;
    const struct recipe *recipe; /* for the problem's dtype */
    const struct evaluation *evaluation;
    const struct explanation *explanation;
    int head, dim;
};

/* Appends to a diagnosis's text. */
static inline void say(struct diagnosis *diagnosis, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void say(struct diagnosis *diagnosis, const char *format, ...)
{
    size_t used = strlen(diagnosis->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(diagnosis->text + used, sizeof diagnosis->text - used, format, arguments);
    va_end(arguments);
}

/* printf would show a NaN's sign. */
static inline double without_sign(double value)
{
    return isnan(value) ? NAN : value;
}

/* Units a nat of the logits as they are formed, and of those that maxima are taken of. */
static inline double formed_a_nat(const struct findings *findings)
{
    return findings->recipe->log2e == LOG2E_FOLDED ? M_LOG2E : 1;
}

static inline double taken_a_nat(const struct findings *findings)
{
    return findings->recipe->log2e == LOG2E_EXPONENTIAL ? 1 : M_LOG2E;
}

static inline const char *units_of(double units_a_nat)
{
    return units_a_nat == 1 ? "natural units" : "base 2";
}

/* The maximum that the row begins with, in nats; -infinity where it is below every logit. */
static inline double initial_max_of(const struct findings *findings)
{
    const struct recipe *recipe = findings->recipe;
    double max = -INFINITY;
    if (recipe->initial_max == INITIAL_MAX_VALUE)
        max = (double)recipe->initial_max_value;
    else if (recipe->initial_max == INITIAL_MAX_AS_SENTINEL && recipe->sentinel.policy == SENTINEL_VALUE)
        max = (double)recipe->sentinel.value;
    if (recipe->guards == GUARDS_ZERO_MAX)
        max = 0;
    return max / taken_a_nat(findings);
}

/* Whether weights are subnormal numbers, below 2^-126: against a maximum that no logit of the row reaches. */
static inline bool underflows(const struct findings *findings)
{
    return initial_max_of(findings) - findings->evaluation->judged.truth.lse[findings->head] > 126 * M_LN2 - 8;
}

#endif
