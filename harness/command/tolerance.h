/*
 * `alibicheck tolerance`: what a tolerance has to be, and what a rule lets pass.
 */
#ifndef HARNESS_COMMAND_TOLERANCE_H
#define HARNESS_COMMAND_TOLERANCE_H

#include "harness/judge/rule/rule.h"
#include "harness/run/selection.h"
#include "reference/progress.h"

enum { TOLERANCE_MAX_POINTS = 64, TOLERANCE_SEEDS_MAX = 1000 };

struct tolerance_options {
    struct selection_options selection;
    struct rule rule;
    bool has_tolerances; /* else those of the point */
    int seeds;           /* how many the point's own kernel is run on, to see what its error is */
    bool json;
};

/* Prints on stdout. The exit code: 0 if the rule refuses every fault of every point and accepts what is sound, 1 if
 * not, or an enum error_kind with *error. */
int tolerance(const struct tolerance_options *options, struct progress *progress, struct error *error);

#endif
