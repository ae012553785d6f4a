#include "harness/command/trace_operator.h"

#include <stdio.h>
#include <string.h>

#define HAS(tensor) (1u << (tensor))

/* The operators: the axes of q and of k, what inputs they have beside q, k and v, and of them those that may be
 * missing. One query to a sequence sees all keys; of several, the mask has to be causal. */
static const struct attention {
    const char *const op_types[3]; /* NULL at the end */
    const char *inputs;            /* for messages */
    size_t q_axes, k_axes;
    unsigned has, may_have;
    bool many_queries;
} operators[] = {
    {{"gqa_paged"},
     "q, k_cache, v_cache, kv_indptr, kv_indices",
     3,
     4,
     HAS(TRACE_KV_INDPTR) | HAS(TRACE_KV_INDICES),
     HAS(TRACE_KV_LAST_PAGE_LEN),
     false},
    {{"gqa_paged"},
     "q, k_cache, v_cache, qo_indptr, kv_indptr, kv_indices",
     3,
     4,
     HAS(TRACE_QO_INDPTR) | HAS(TRACE_KV_INDPTR) | HAS(TRACE_KV_INDICES),
     HAS(TRACE_KV_LAST_PAGE_LEN),
     true},
    {{"gqa_ragged"}, "q, k, v, qo_indptr, kv_indptr", 3, 3, HAS(TRACE_QO_INDPTR) | HAS(TRACE_KV_INDPTR), 0, true},
    {{"single_decode"}, "q [heads, head_dim], k, v", 2, 3, 0, 0, false},
    {{"single_prefill"}, "q [queries, heads, head_dim], k, v", 3, 3, 0, 0, true},
    {{"gqa", "gqa_ragged"}, "q [sequences, queries, heads, head_dim], k, v", 4, 4, 0, 0, true},
};

enum { NUM_OPERATORS = sizeof operators / sizeof *operators };

/* Whether a name has "causal" in it, and no "non" before it. */
static bool says_causal(const char *name)
{
    const char *at = strcasestr(name, "causal");
    if (!at)
        return false;
    while (at > name && strchr("_-. ", at[-1]))
        at--;
    return at - name < 3 || strncasecmp(at - 3, "non", 3) != 0;
}

static bool is_of_type(const struct attention *attention, const char *op_type)
{
    for (int i = 0; i < 3 && attention->op_types[i]; i++)
        if (!op_type || !strcmp(op_type, attention->op_types[i]))
            return true;
    return false;
}

/* op_type is asked before inputs are: one sentence for all that is no attention. */
enum error_kind trace_check_op_type(const struct trace_definition *definition, struct error *error)
{
    const json_t *op_type = json_object_get(definition->json, "op_type");
    bool known = !op_type || json_is_null(op_type);
    for (int i = 0; i < NUM_OPERATORS && !known && json_is_string(op_type); i++)
        known = is_of_type(&operators[i], json_string_value(op_type));
    if (known)
        return ERROR_NONE;
    return trace_refuse(definition, "op_type is not that of attention that is judged:",
                        json_is_string(op_type) ? json_string_value(op_type) : "no text", TRACE_ATTENTION, error);
}

static bool is_operator(const struct trace_definition *definition, const struct attention *attention)
{
    const struct trace_tensor *tensors = definition->tensors;
    unsigned has = 0;
    for (int t = TRACE_QO_INDPTR; t <= TRACE_KV_LAST_PAGE_LEN; t++)
        has |= tensors[t].name ? HAS(t) : 0;
    return (has & ~attention->may_have) == attention->has &&
           json_array_size(tensors[TRACE_Q].shape) == attention->q_axes &&
           json_array_size(tensors[TRACE_K].shape) == attention->k_axes;
}

/* What inputs it has, one dimension each; sm_scale, and none else, is a number. */
enum error_kind trace_check_tensors(const struct trace_definition *definition, struct error *error)
{
    const struct trace_tensor *tensors = definition->tensors;
    static const enum trace_tensor_name needed[] = {TRACE_Q, TRACE_K, TRACE_V, TRACE_OUT};
    static const char *const missing_names[] = {"q", "k", "v", "output"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!tensors[needed[i]].name)
            return trace_refuse(definition, "is not attention: it has no", missing_names[i], TRACE_ATTENTION, error);
    for (int t = 0; t < TRACE_TENSOR_COUNT; t++) {
        bool is_list = t >= TRACE_QO_INDPTR && t <= TRACE_KV_LAST_PAGE_LEN;
        if (!tensors[t].name)
            continue;
        if (t == TRACE_SM_SCALE ? tensors[t].shape != NULL : !tensors[t].shape)
            return trace_refuse_member(definition, "input", tensors[t].name,
                                       "has a shape that it does not have in attention",
                                       t == TRACE_SM_SCALE ? "null: a number" : "a list of names of axes", error);
        if (is_list && json_array_size(tensors[t].shape) != 1)
            return trace_refuse_member(definition, "input", tensors[t].name, "has another number of axes", "one",
                                       error);
    }
    return ERROR_NONE;
}

enum error_kind trace_find_operator(struct trace_definition *definition, struct error *error)
{
    const char *op_type = json_string_value(json_object_get(definition->json, "op_type"));
    const struct attention *found = NULL;
    for (int i = 0; i < NUM_OPERATORS && !found; i++)
        if (is_of_type(&operators[i], op_type) && is_operator(definition, &operators[i]))
            found = &operators[i];
    if (!found)
        return trace_refuse(definition, "its inputs and their axes are of none of the operators that are judged", NULL,
                            TRACE_ATTENTION, error);
    definition->is_causal =
        says_causal(definition->name) || strcasestr(trace_text(definition, "description"), "causal mask is applied");
    definition->has_pages = found->has & HAS(TRACE_KV_INDICES);
    if (found->many_queries && !definition->is_causal)
        return trace_refuse(definition,
                            "does not say that its mask is causal, and a query that sees the keys of later ones is "
                            "not judged",
                            NULL, "\"causal\" in its name, or \"causal mask is applied\" in its description", error);
    return ERROR_NONE;
}

/* The layout, by where KV heads and pages are among the axes of k. */
void trace_find_layout(struct trace_definition *definition)
{
    const json_t *shape = definition->tensors[TRACE_K].shape;
    size_t num_axes = json_array_size(shape), heads = num_axes, slots = num_axes;
    for (size_t i = 0; i < num_axes; i++) {
        const char *name = json_string_value(json_array_get(shape, i));
        if (!strcmp(name, "num_kv_heads") || !strcmp(name, "H_kv"))
            heads = i;
        if (!strcmp(name, "page_size"))
            slots = i;
    }
    definition->layout = LAYOUT_COUNT;
    if (definition->has_pages && heads + slots == 3 && heads != 0 && slots != 0)
        definition->layout = heads == 2 ? LAYOUT_NHD : LAYOUT_HND;
    if (num_axes == 3 && heads <= 1)
        definition->layout = heads == 1 ? LAYOUT_NHD : LAYOUT_HND;
    if (num_axes == 4 && !definition->has_pages && (heads == 1 || heads == 2))
        definition->layout = heads == 2 ? LAYOUT_BSHD : LAYOUT_BHSD;
}

void trace_find_lse_base(struct trace_definition *definition)
{
    const json_t *lse = json_object_get(json_object_get(definition->json, "outputs"), "lse");
    const char *about = json_string_value(json_object_get(lse, "description"));
    static const char *const ways[] = {"2-based", "base-2", "base 2", "log2"};
    for (size_t i = 0; about && i < sizeof ways / sizeof *ways; i++)
        if (strcasestr(about, ways[i]))
            definition->lse_base = "2";
}
