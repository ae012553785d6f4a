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

/* What is judged, for messages. */
#define TRACE_ATTENTION                                                                                           \
    "attention: gqa_paged (q, k_cache, v_cache, kv_indptr, kv_indices, qo_indptr of prefill, kv_last_page_len), " \
    "gqa_ragged (q, k, v, qo_indptr, kv_indptr), gqa, single_decode or single_prefill (q, k, v), each with sm_scale"

enum { TRACE_NAME_MAX_BYTES = 128 };
#define TRACE_AXIS_MAX (INT64_C(1) << 53)

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

void trace_definition_clear(struct trace_definition *definition);

/* The option of judge that an input or output is, and its name there. */
extern const enum judge_option trace_options[TRACE_TENSOR_COUNT];

/* The text of a member; "" where it has none. */
const char *trace_text(const struct trace_definition *definition, const char *member);

/* Whether it may stand in a name of an axis. */
bool trace_is_of_name(char character);

/* ERROR_USAGE: "PATH: what 'name'; allowed: ..." (name NULL: without), and "PATH: of 'name' what; allowed: ...". */
enum error_kind trace_refuse(const struct trace_definition *definition, const char *what, const char *name,
                             const char *allowed, struct error *error);
enum error_kind trace_refuse_member(const struct trace_definition *definition, const char *of, const char *name,
                                    const char *what, const char *allowed, struct error *error);

#endif
