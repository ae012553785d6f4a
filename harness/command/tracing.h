/*
 * A workload (judge_trace.h), while it is read.
 */
#ifndef HARNESS_COMMAND_TRACING_H
#define HARNESS_COMMAND_TRACING_H

#include "harness/command/judge_bundle.h"
#include "harness/command/trace_axes.h"
#include "harness/command/trace_workload.h"

_Static_assert(TRACE_Q == 0 && TRACE_K == 1 && TRACE_V == 2, "those that bundle->made has");

struct tracing {
    struct judge_bundle *bundle;
    const struct judge_options *options; /* the command line's */
    struct trace_definition definition;
    struct trace_workload workload;
    struct trace_axes axes;
    bool is_random[TRACE_INPUT_COUNT];
    struct tensor_file files[TRACE_TENSOR_COUNT]; /* those that are in files, open */
};

/* Where the elements of a tensor are, drawn or in a file; NULL: it is none that is there. */
const struct tensor_file *tracing_file(const struct tracing *tracing, int tensor);

/* What the workload says of each input, as options; and that it says nothing of others. ERROR_USAGE. */
enum error_kind tracing_say_inputs(struct tracing *tracing, struct error *error);
enum error_kind tracing_check_inputs(const struct tracing *tracing, struct error *error);

/* The inputs that are random, once all else has been found right. */
enum error_kind tracing_draw(struct tracing *tracing, struct error *error);

#endif
