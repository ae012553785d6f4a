/*
 * `alibicheck run`: cases in, every point run, judged and handed to the sinks.
 */
#ifndef HARNESS_COMMAND_RUN_H
#define HARNESS_COMMAND_RUN_H

#include "harness/command/outputs.h"
#include "reference/progress.h"

/* What the command line asks for; strings belong to the caller. */
struct run_options {
    struct selection_options selection;
    struct outputs outputs;
};

/*
 * Runs. progress->cancelled may be set at any time, by a signal handler too: the point in work is given up, what was
 * done stays. Returns the exit code; *error has the reason where that is not 0 or 1.
 */
int run(const struct run_options *options, struct progress *progress, struct error *error);

#endif
