/*
 * What a run writes to: files that are neither each other nor what the run reads.
 */
#ifndef HARNESS_COMMAND_OUTPUTS_H
#define HARNESS_COMMAND_OUTPUTS_H

#include "harness/command/run.h"

/* To be called before an output is opened. ERROR_USAGE, naming both, if two outputs are one file. */
enum error_kind outputs_check(const struct run_options *options, struct error *error);

#endif
