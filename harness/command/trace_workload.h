/*
 * Workloads of FlashInfer Trace (flashinfer-bench, docs/flashinfer-trace/workload.mdx) and of SOL-ExecBench
 * (docs/workload.md): a line of a JSON Lines file, by itself or under "workload" of a trace. A workload says what the
 * axes of a definition are and where each input comes from.
 */
#ifndef HARNESS_COMMAND_TRACE_WORKLOAD_H
#define HARNESS_COMMAND_TRACE_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/support/source.h"

struct trace_workload {
    json_t *json;                     /* what all points into */
    char *path;                       /* of the file */
    int64_t line;                     /* from 1 */
    const char *uuid;                 /* letters, digits and _ . - */
    const char *definition;           /* whose it is; NULL: it does not say */
    const json_t *axes, *inputs;      /* objects */
    char where[PATH_QUOTE_SIZE + 32]; /* "FILE:LINE", for messages */
};

/*
 * Reads one. text is FILE, FILE:UUID or FILE:NUMBER, which counts from 0; a file of one does without. workload is
 * overwritten; whatever the result, it is to be cleared. ERROR_USAGE with the file's line, what is wrong and what is
 * allowed: every line is looked at.
 */
enum error_kind trace_workload_open(struct trace_workload *workload, const char *text, struct error *error);
void trace_workload_clear(struct trace_workload *workload);

/* Where an input comes from. */
enum trace_origin { TRACE_ABSENT, TRACE_RANDOM, TRACE_SCALAR, TRACE_SAFETENSORS, TRACE_CUSTOM };

struct trace_input {
    enum trace_origin origin;
    double value;                  /* of TRACE_SCALAR */
    const char *path, *tensor_key; /* of TRACE_SAFETENSORS */
};

/* What is said of the input called name. */
enum error_kind trace_workload_input(struct trace_input *input, const struct trace_workload *workload, const char *name,
                                     struct error *error);

/*
 * Where the file of an input is, as a new string: an absolute path as it is, else from root; without a root from the
 * folder of the workload's file, or the nearest one above it from which there is a file. ERROR_USAGE if there is none.
 */
enum error_kind trace_workload_find(char **found, const struct trace_workload *workload, const char *path,
                                    const char *root, struct error *error);

#endif
