/*
 * `alibicheck run` and `sweep`: points chosen, run, judged and handed to the sinks.
 */
#ifndef HARNESS_COMMAND_RUN_H
#define HARNESS_COMMAND_RUN_H

#include "harness/command/run_options.h"
#include "reference/progress.h"

/*
 * Runs. progress->cancelled may be set at any time, by a signal handler too: the point in work is given up, what was
 * done stays. Returns the exit code; *error has the reason where that is not 0 or 1.
 */
int run(const struct run_options *options, struct progress *progress, struct error *error);

#endif
