/*
 * What a run writes to: files that are neither each other nor what the run reads.
 */
#ifndef HARNESS_COMMAND_OUTPUTS_H
#define HARNESS_COMMAND_OUTPUTS_H

#include "harness/command/run.h"

/* To be called before an output is opened. ERROR_USAGE, with the option, if one is the file of another or of a case, a
 * recipe or a mask. */
enum error_kind outputs_check(const struct run_options *options, const struct selection *selection,
                              struct error *error);

#endif
