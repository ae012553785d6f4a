/*
 * Reads a definition: its members one by one, then what operator it is.
 */
#ifndef HARNESS_COMMAND_TRACE_READ_H
#define HARNESS_COMMAND_TRACE_READ_H

#include "harness/command/trace_definition.h"

/* Reads it. definition is overwritten; whatever the result, it is to be cleared. ERROR_USAGE with path, what is wrong
 * and what is allowed. */
enum error_kind trace_definition_open(struct trace_definition *definition, const char *path, struct error *error);

#endif
