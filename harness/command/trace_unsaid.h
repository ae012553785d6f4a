/*
 * What a definition may mean and no input says: words in its texts, constants that its code alone knows.
 */
#ifndef HARNESS_COMMAND_TRACE_UNSAID_H
#define HARNESS_COMMAND_TRACE_UNSAID_H

#include "harness/command/trace_definition.h"

/* Where it speaks of what tensors do not say, and judge's options can: ERROR_USAGE unless the option has been given. */
enum error_kind trace_check_words(const struct trace_definition *definition, const struct judge_options *options,
                                  struct error *error);

/* A constant that no shape has is one of the operator's: a window, say, that its code alone knows of. ERROR_USAGE. */
enum error_kind trace_check_constants(const struct trace_definition *definition, struct error *error);

#endif
