/*
 * Which operator a definition is of, by op_type and by the names and axes of its inputs.
 */
#ifndef HARNESS_COMMAND_TRACE_OPERATOR_H
#define HARNESS_COMMAND_TRACE_OPERATOR_H

#include "harness/command/trace_definition.h"

/* op_type is asked before inputs are: one sentence for all that is no attention. ERROR_USAGE. */
enum error_kind trace_check_op_type(const struct trace_definition *definition, struct error *error);

/* What inputs it has, one dimension each; sm_scale, and none else, is a number. ERROR_USAGE. */
enum error_kind trace_check_tensors(const struct trace_definition *definition, struct error *error);

/* is_causal and has_pages. ERROR_USAGE if it is none of the operators. */
enum error_kind trace_find_operator(struct trace_definition *definition, struct error *error);

/* The layout, by where KV heads and pages are among the axes of k. */
void trace_find_layout(struct trace_definition *definition);

/* lse_base, by what is said of lse. */
void trace_find_lse_base(struct trace_definition *definition);

#endif
