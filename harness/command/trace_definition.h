/*
 * Definitions of FlashInfer Trace (flashinfer-bench, docs/flashinfer-trace/definition.mdx; fi_trace of FlashInfer) and
 * of SOL-ExecBench (docs/definition.md), which has them from there: one JSON object with a name, axes, inputs and
 * outputs of an operator. Its Python code is not run: what an operator computes is known by op_type and the names of
 * its inputs, and what those leave open is asked for. Definitions of anything but attention are refused.
 */
#ifndef HARNESS_COMMAND_TRACE_DEFINITION_H
#define HARNESS_COMMAND_TRACE_DEFINITION_H

#include <jansson.h>

#include "harness/command/judge_options.h"
#include "harness/command/judge_shape.h"
#include "harness/command/trace_expression.h"
#include "harness/support/source.h"

enum trace_tensor_name {
    TRACE_Q,
    TRACE_K,
    TRACE_V,
    TRACE_QO_INDPTR,
    TRACE_KV_INDPTR,
    TRACE_KV_INDICES,
    TRACE_KV_LAST_PAGE_LEN,
    TRACE_SM_SCALE,
    TRACE_INPUT_COUNT,
    TRACE_OUT = TRACE_INPUT_COUNT,
    TRACE_LSE,
    TRACE_TENSOR_COUNT
};

struct trace_tensor {
    const char *name;       /* as the definition calls it; NULL: it has none */
    const json_t *shape;    /* an array of names of axes; NULL: a number */
    enum element_type type; /* ELEMENT_COUNT: not said */
};

struct trace_definition {
    json_t *json;     /* what all points into */
    const char *path; /* the caller's */
    const char *name; /* letters, digits and _ . - */
    struct trace_tensor tensors[TRACE_TENSOR_COUNT];
    bool is_causal;           /* it says that its mask is */
    bool has_pages;           /* k and v are pools of pages */
    enum judge_layout layout; /* LAYOUT_COUNT: its axes do not say */
    const char *lse_base;     /* "2"; NULL: it does not say */
};

/* Reads it. definition is overwritten; whatever the result, it is to be cleared. ERROR_USAGE with path, what is wrong
 * and what is allowed. */
enum error_kind trace_definition_open(struct trace_definition *definition, const char *path, struct error *error);
void trace_definition_clear(struct trace_definition *definition);

/* Where it speaks of what tensors do not say, and judge's options can: ERROR_USAGE unless the option has been given. */
enum error_kind trace_definition_check_words(const struct trace_definition *definition,
                                             const struct judge_options *options, struct error *error);

/* The option of judge that an input or output is, and its name there. */
extern const enum judge_option trace_options[TRACE_TENSOR_COUNT];

/* ---- axes ---- */

/* Axes whose values a workload has: values is its object, by name. */
struct trace_axes {
    const struct trace_definition *definition;
    const json_t *values;
    bool computing; /* the value of an axis of type expr: false */
};

/* The value of an axis, or of what a shape has in its place: 0 to 2^53. False if it is not known. */
bool trace_axis_value(int64_t *value, const struct trace_axes *axes, const char *text);

/* Every axis has a value, and every value is an axis's: ERROR_USAGE with `where` in front. */
enum error_kind trace_axes_check(const struct trace_axes *axes, const char *where, struct error *error);

/* The shape of a tensor that is no number. ERROR_USAGE with `where` in front. */
enum error_kind trace_shape(struct tensor_layout *layout, const struct trace_axes *axes, enum trace_tensor_name tensor,
                            const char *where, struct error *error);

#endif
