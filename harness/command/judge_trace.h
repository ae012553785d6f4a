/*
 * A workload of FlashInfer Trace or SOL-ExecBench (trace_definition.h, trace_workload.h) as the options of
 * `alibicheck judge` that say the same: its tensors in files, its sm_scale, the layout that its axes have, attention
 * without ALiBi, and lse in the base that the definition says. Inputs that are random there are drawn here.
 */
#ifndef HARNESS_COMMAND_JUDGE_TRACE_H
#define HARNESS_COMMAND_JUDGE_TRACE_H

#include "harness/command/judge_bundle.h"

/* Whether options name one. */
bool judge_trace_is(const struct judge_options *options);

/*
 * Reads it into a bundle, and holds every tensor against the shape and type that the definition has for it; constraints
 * as far as trace_expression.h goes. Whatever the result, the bundle is to be cleared. ERROR_USAGE with the file, what
 * is wrong and what is allowed.
 */
enum error_kind judge_trace_open(struct judge_bundle *bundle, const struct judge_options *options, struct error *error);

/* Writes all inputs of the workload to the file of --write-inputs, under the definition's names, and says which they
 * are on standard output. */
enum error_kind judge_trace_write(const struct judge_options *options, struct error *error);

#endif
