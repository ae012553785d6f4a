/*
 * `alibicheck hunt`: the subject opened, the hunt let loose, its finds printed and written.
 */
#ifndef HARNESS_COMMAND_HUNTER_H
#define HARNESS_COMMAND_HUNTER_H

#include "harness/command/hunt_options.h"
#include "reference/progress.h"

/* As run (run.h): the exit code. options' settings may get what a start without a case needs. */
int hunter(struct hunt_options *options, struct progress *progress, struct error *error);

#endif
