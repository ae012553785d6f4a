/*
 * `alibicheck tolerance`: what a tolerance has to be, and what a rule lets pass.
 */
#ifndef HARNESS_COMMAND_TOLERANCE_H
#define HARNESS_COMMAND_TOLERANCE_H

#include "harness/command/tolerance_options.h"
#include "reference/progress.h"

/* Prints on stdout. The exit code: 0 if the rule refuses every fault of every point and accepts what is sound, 1 if
 * not, or an enum error_kind with *error: ERROR_USAGE if nothing was asked, because no fault changes a point's result.
 */
int tolerance(const struct tolerance_options *options, struct progress *progress, struct error *error);

#endif
