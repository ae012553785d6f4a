#include "harness/command/trace_definition.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFINITION_MAX_BYTES = 16 << 20, NAME_MAX_BYTES = 128 };
static const int64_t axis_max = INT64_C(1) << 53;

/* ---- what is known of attention ---------------------------------------------------------------------------------- */

const enum judge_option trace_options[TRACE_TENSOR_COUNT] = {
    [TRACE_Q] = GIVEN_Q,
    [TRACE_K] = GIVEN_K,
    [TRACE_V] = GIVEN_V,
    [TRACE_QO_INDPTR] = GIVEN_QO_INDPTR,
    [TRACE_KV_INDPTR] = GIVEN_KV_INDPTR,
    [TRACE_KV_INDICES] = GIVEN_KV_INDICES,
    [TRACE_KV_LAST_PAGE_LEN] = GIVEN_KV_LAST_PAGE_LEN,
    [TRACE_SM_SCALE] = GIVEN_SCALE,
    [TRACE_OUT] = GIVEN_OUT,
    [TRACE_LSE] = GIVEN_LSE,
};

/* What definitions call tensors. */
static const struct {
    const char *name;
    enum trace_tensor_name tensor;
} names[] = {
    {"q", TRACE_Q},
    {"k", TRACE_K},
    {"k_cache", TRACE_K},
    {"v", TRACE_V},
    {"v_cache", TRACE_V},
    {"qo_indptr", TRACE_QO_INDPTR},
    {"kv_indptr", TRACE_KV_INDPTR},
    {"kv_indices", TRACE_KV_INDICES},
    {"kv_last_page_len", TRACE_KV_LAST_PAGE_LEN},
    {"sm_scale", TRACE_SM_SCALE},
    {"output", TRACE_OUT},
    {"out", TRACE_OUT},
    {"lse", TRACE_LSE},
};

/* Inputs that do not change what is computed. */
static const char *const idle_inputs[] = {"return_lse"};

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

#define ATTENTION                                                                                                 \
    "attention: gqa_paged (q, k_cache, v_cache, kv_indptr, kv_indices, qo_indptr of prefill, kv_last_page_len), " \
    "gqa_ragged (q, k, v, qo_indptr, kv_indptr), gqa, single_decode or single_prefill (q, k, v), each with sm_scale"

/* What a definition may speak of and no input says: the option that states it. */
static const struct {
    const char *word;
    enum judge_option option;
} words[] = {
    {"alibi", GIVEN_SLOPES},      {"soft_cap", GIVEN_SOFT_CAP}, {"soft cap", GIVEN_SOFT_CAP},
    {"soft-cap", GIVEN_SOFT_CAP}, {"softcap", GIVEN_SOFT_CAP},  {"sink", GIVEN_SINK_LOGITS},
    {"window", GIVEN_MASK},       {"sliding", GIVEN_MASK},
};

static const struct {
    const char *name;
    enum element_type type;
} types[] = {
    {"float64", ELEMENT_F64},   {"float32", ELEMENT_F32},        {"float16", ELEMENT_F16},
    {"bfloat16", ELEMENT_BF16}, {"float8_e4m3fn", ELEMENT_E4M3}, {"float8_e5m2", ELEMENT_E5M2},
    {"int64", ELEMENT_I64},     {"int32", ELEMENT_I32},          {"int16", ELEMENT_I16},
    {"int8", ELEMENT_I8},       {"bool", ELEMENT_BOOL},          {"unknown", ELEMENT_COUNT},
};
enum { NUM_TYPES = sizeof types / sizeof *types };

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static enum error_kind refuse(const struct trace_definition *definition, const char *what, const char *name,
                              const char *allowed, struct error *error)
{
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: %s%s%s; allowed: %s", quote_path(path, definition->path), what,
                     name ? " " : "", name ? quote(quoted, name, strlen(name)) : "", allowed);
}

static enum error_kind refuse_member(const struct trace_definition *definition, const char *of, const char *name,
                                     const char *what, const char *allowed, struct error *error)
{
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: %s %s %s; allowed: %s", quote_path(path, definition->path), of,
                     quote(quoted, name, strlen(name)), what, allowed);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static enum error_kind parse(struct trace_definition *definition, struct error *error)
{
    struct source source;
    json_error_t reason;
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    enum error_kind kind = source_read(&source, definition->path, DEFINITION_MAX_BYTES, error);
    if (kind)
        return kind;
    definition->json = json_loadb(source.text, source.size, JSON_REJECT_DUPLICATES, &reason);
    source_clear(&source);
    if (!definition->json)
        return error_set(error, ERROR_USAGE, "%s:%d:%d: is no JSON: %s; allowed: a definition, one JSON object",
                         quote_path(path, definition->path), reason.line, reason.column,
                         quote(quoted, reason.text, strlen(reason.text)));
    return json_is_object(definition->json) ? ERROR_NONE
                                            : refuse(definition, "is no definition", NULL,
                                                     "one JSON object with name, axes, inputs, outputs", error);
}

static enum error_kind read_name(struct trace_definition *definition, struct error *error)
{
    const char *name = json_string_value(json_object_get(definition->json, "name"));
    size_t size = name ? strlen(name) : 0;
    bool plain = size > 0 && size <= NAME_MAX_BYTES;
    for (size_t i = 0; i < size && plain; i++)
        plain = isalnum((unsigned char)name[i]) || strchr("_.-", name[i]);
    definition->name = name;
    return plain ? ERROR_NONE
                 : refuse(definition, name ? "is called" : "has no name", name,
                          "a name of 1 to 128 letters, digits, _ . or -", error);
}

static bool is_of_name(char character)
{
    return isalnum((unsigned char)character) || character == '_';
}

static bool is_plain_name(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++)
        if (!is_of_name(name[i]))
            return false;
    return size > 0 && size <= NAME_MAX_BYTES && !isdigit((unsigned char)name[0]);
}

static enum error_kind check_axis(const struct trace_definition *definition, const char *name, const json_t *axis,
                                  struct error *error)
{
    static const char allowed[] = "{\"type\": \"const\", \"value\": 0 to 2^53}, {\"type\": \"var\"} or {\"type\": "
                                  "\"expr\", \"expression\": \"...\"}";
    const char *type = json_string_value(json_object_get(axis, "type"));
    const json_t *value = json_object_get(axis, "value");
    if (!is_plain_name(name))
        return refuse_member(definition, "axis", name, "is called so", "letters, digits and _, no digit first", error);
    if (type && !strcmp(type, "const") && json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) <= axis_max)
        return ERROR_NONE;
    if (type && !strcmp(type, "expr") && json_is_string(json_object_get(axis, "expression")))
        return ERROR_NONE;
    if (type && !strcmp(type, "var"))
        return ERROR_NONE;
    return refuse_member(definition, "axis", name, "is none", allowed, error);
}

static enum error_kind read_axes(const struct trace_definition *definition, struct error *error)
{
    json_t *axes = json_object_get(definition->json, "axes"), *axis;
    const char *name;
    enum error_kind kind = json_is_object(axes)
                               ? ERROR_NONE
                               : refuse(definition, "has no axes", NULL, "an object of them, by name", error);
    json_object_foreach(axes, name, axis)
    {
        if (!kind)
            kind = check_axis(definition, name, axis, error);
    }
    return kind;
}

static enum error_kind read_shape(struct trace_tensor *tensor, const struct trace_definition *definition,
                                  const json_t *spec, struct error *error)
{
    static const char allowed[] = "null for a number, or a list of at most 8 names of axes";
    const json_t *shape = json_object_get(spec, "shape");
    tensor->shape = json_is_array(shape) ? shape : NULL;
    if (!shape || (!json_is_null(shape) && !tensor->shape) || json_array_size(shape) > TENSOR_AXES_MAX)
        return refuse_member(definition, "the shape of", tensor->name, "is none", allowed, error);
    for (size_t i = 0; i < json_array_size(shape); i++)
        if (!json_is_string(json_array_get(shape, i)))
            return refuse_member(definition, "the shape of", tensor->name, "is none", allowed, error);
    return ERROR_NONE;
}

static enum error_kind read_tensor(struct trace_definition *definition, const char *name, const json_t *spec,
                                   bool is_output, struct error *error)
{
    const char *dtype = json_string_value(json_object_get(spec, "dtype")), *of = is_output ? "output" : "input";
    struct trace_tensor *tensor = NULL;
    size_t type = 0;
    for (size_t i = 0; i < sizeof idle_inputs / sizeof *idle_inputs && !is_output; i++)
        if (!strcmp(name, idle_inputs[i]))
            return ERROR_NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names && !tensor; i++)
        if (!strcmp(name, names[i].name) && is_output == (names[i].tensor >= TRACE_INPUT_COUNT))
            tensor = &definition->tensors[names[i].tensor];
    if (!tensor)
        return refuse_member(definition, of, name, "is none of attention that is judged",
                             is_output ? "output, lse" : "inputs of " ATTENTION, error);
    if (tensor->name)
        return refuse_member(definition, of, name, "is there under another name already", "one of them", error);
    tensor->name = name;
    while (dtype && type < NUM_TYPES && strcmp(dtype, types[type].name) != 0)
        type++;
    if (!dtype || type == NUM_TYPES)
        return refuse_member(definition, "the dtype of", name, "is none that is read",
                             "float64, float32, float16, bfloat16, float8_e4m3fn, float8_e5m2, int64, int32, int16, "
                             "int8, bool",
                             error);
    tensor->type = types[type].type;
    return read_shape(tensor, definition, spec, error);
}

static enum error_kind read_tensors(struct trace_definition *definition, const char *member, bool is_output,
                                    struct error *error)
{
    json_t *tensors = json_object_get(definition->json, member), *spec;
    const char *name;
    enum error_kind kind = json_is_object(tensors) ? ERROR_NONE
                                                   : refuse(definition, is_output ? "has no outputs" : "has no inputs",
                                                            NULL, "an object of them, by name", error);
    json_object_foreach(tensors, name, spec)
    {
        if (!kind)
            kind = read_tensor(definition, name, spec, is_output, error);
    }
    return kind;
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

static const char *text_of(const struct trace_definition *definition, const char *member)
{
    const char *text = json_string_value(json_object_get(definition->json, member));
    return text ? text : "";
}

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
static enum error_kind check_tensors(const struct trace_definition *definition, struct error *error)
{
    const struct trace_tensor *tensors = definition->tensors;
    static const enum trace_tensor_name needed[] = {TRACE_Q, TRACE_K, TRACE_V, TRACE_OUT};
    static const char *const missing_names[] = {"q", "k", "v", "output"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!tensors[needed[i]].name)
            return refuse(definition, "is not attention: it has no", missing_names[i], ATTENTION, error);
    for (int t = 0; t < TRACE_TENSOR_COUNT; t++) {
        bool is_list = t >= TRACE_QO_INDPTR && t <= TRACE_KV_LAST_PAGE_LEN;
        if (!tensors[t].name)
            continue;
        if (t == TRACE_SM_SCALE ? tensors[t].shape != NULL : !tensors[t].shape)
            return refuse_member(definition, "input", tensors[t].name, "has a shape that it does not have in attention",
                                 t == TRACE_SM_SCALE ? "null: a number" : "a list of names of axes", error);
        if (is_list && json_array_size(tensors[t].shape) != 1)
            return refuse_member(definition, "input", tensors[t].name, "has another number of axes", "one", error);
    }
    return ERROR_NONE;
}

static enum error_kind find_operator(struct trace_definition *definition, struct error *error)
{
    const char *op_type = json_string_value(json_object_get(definition->json, "op_type"));
    const struct attention *found = NULL;
    for (int i = 0; i < NUM_OPERATORS && !found; i++)
        if (is_of_type(&operators[i], op_type) && is_operator(definition, &operators[i]))
            found = &operators[i];
    if (!found)
        return refuse(definition, "its inputs and their axes are of none of the operators that are judged", NULL,
                      ATTENTION, error);
    definition->is_causal =
        says_causal(definition->name) || strcasestr(text_of(definition, "description"), "causal mask is applied");
    definition->has_pages = found->has & HAS(TRACE_KV_INDICES);
    if (found->many_queries && !definition->is_causal)
        return refuse(definition,
                      "does not say that its mask is causal, and a query that sees the keys of later ones is "
                      "not judged",
                      NULL, "\"causal\" in its name, or \"causal mask is applied\" in its description", error);
    return ERROR_NONE;
}

/* op_type is asked before inputs are: one sentence for all that is no attention. */
static enum error_kind check_op_type(const struct trace_definition *definition, struct error *error)
{
    const json_t *op_type = json_object_get(definition->json, "op_type");
    bool known = !op_type || json_is_null(op_type);
    for (int i = 0; i < NUM_OPERATORS && !known && json_is_string(op_type); i++)
        known = is_of_type(&operators[i], json_string_value(op_type));
    if (known)
        return ERROR_NONE;
    return refuse(definition, "op_type is not that of attention that is judged:",
                  json_is_string(op_type) ? json_string_value(op_type) : "no text", ATTENTION, error);
}

/* The layout, by where KV heads and pages are among the axes of k. */
static void find_layout(struct trace_definition *definition)
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

static void find_lse_base(struct trace_definition *definition)
{
    const json_t *lse = json_object_get(json_object_get(definition->json, "outputs"), "lse");
    const char *about = json_string_value(json_object_get(lse, "description"));
    static const char *const ways[] = {"2-based", "base-2", "base 2", "log2"};
    for (size_t i = 0; about && i < sizeof ways / sizeof *ways; i++)
        if (strcasestr(about, ways[i]))
            definition->lse_base = "2";
}

/* Whether a name stands in a text by itself. */
static bool has_name(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = strstr(text, name); at; at = strstr(at + 1, name))
        if ((at == text || !is_of_name(at[-1])) && !is_of_name(at[size]))
            return true;
    return false;
}

static bool is_axis_of(const json_t *shape, const char *name)
{
    for (size_t i = 0; i < json_array_size(shape); i++)
        if (has_name(json_string_value(json_array_get(shape, i)), name))
            return true;
    return false;
}

static bool constraint_has(const struct trace_definition *definition, const char *name)
{
    const json_t *constraints = json_object_get(definition->json, "constraints");
    for (size_t i = 0; i < json_array_size(constraints); i++)
        if (has_name(json_string_value(json_array_get(constraints, i)), name))
            return true;
    return false;
}

static bool is_used(const struct trace_definition *definition, const char *name)
{
    json_t *axes = json_object_get(definition->json, "axes"), *axis;
    const char *other;
    bool used = constraint_has(definition, name);
    for (int t = 0; t < TRACE_TENSOR_COUNT && !used; t++)
        used = is_axis_of(definition->tensors[t].shape, name);
    json_object_foreach(axes, other, axis)
    {
        const char *expression = json_string_value(json_object_get(axis, "expression"));
        used = used || (expression && has_name(expression, name));
    }
    return used;
}

/* A constant that no shape has is one of the operator's: a window, say, that its code alone knows of. */
static enum error_kind check_constants(const struct trace_definition *definition, struct error *error)
{
    json_t *axes = json_object_get(definition->json, "axes"), *axis;
    const char *name;
    json_object_foreach(axes, name, axis)
    {
        if (json_object_get(axis, "value") && !is_used(definition, name))
            return refuse_member(definition, "axis", name, "is in no shape: what it means, its code alone says",
                                 "axes of shapes, and tensors by --q, --k, --v, --out", error);
    }
    return ERROR_NONE;
}

static enum error_kind check_constraints(const struct trace_definition *definition, struct error *error)
{
    const json_t *constraints = json_object_get(definition->json, "constraints");
    bool sound = !constraints || json_is_null(constraints) || json_is_array(constraints);
    for (size_t i = 0; i < json_array_size(constraints); i++)
        sound = sound && json_is_string(json_array_get(constraints, i));
    return sound ? ERROR_NONE : refuse(definition, "constraints are none", NULL, "a list of texts", error);
}

enum error_kind trace_definition_open(struct trace_definition *definition, const char *path, struct error *error)
{
    *definition = (struct trace_definition){.path = path};
    enum error_kind kind = parse(definition, error);
    if (!kind)
        kind = read_name(definition, error);
    if (!kind)
        kind = check_op_type(definition, error);
    if (!kind)
        kind = read_axes(definition, error);
    if (!kind)
        kind = check_constraints(definition, error);
    if (!kind)
        kind = read_tensors(definition, "inputs", false, error);
    if (!kind)
        kind = read_tensors(definition, "outputs", true, error);
    if (!kind)
        kind = check_tensors(definition, error);
    if (!kind)
        kind = find_operator(definition, error);
    if (!kind)
        kind = check_constants(definition, error);
    if (kind)
        return kind;
    find_layout(definition);
    find_lse_base(definition);
    return ERROR_NONE;
}

void trace_definition_clear(struct trace_definition *definition)
{
    json_decref(definition->json);
    *definition = (struct trace_definition){.path = NULL};
}

enum error_kind trace_definition_check_words(const struct trace_definition *definition,
                                             const struct judge_options *options, struct error *error)
{
    const json_t *tags = json_object_get(definition->json, "tags");
    char path[PATH_QUOTE_SIZE], option[JUDGE_NAME_SIZE];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool said = strcasestr(definition->name, words[i].word) ||
                    strcasestr(text_of(definition, "description"), words[i].word);
        for (size_t t = 0; t < json_array_size(tags) && !said; t++) {
            const char *tag = json_string_value(json_array_get(tags, t));
            said = tag && strcasestr(tag, words[i].word);
        }
        if (said && !options->values[words[i].option])
            return error_set(
                error, ERROR_USAGE, "%s: speaks of '%s', which no input says; allowed: with %s, which does",
                quote_path(path, definition->path), words[i].word, judge_option_name(option, words[i].option));
    }
    return ERROR_NONE;
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static bool find_axis(const void *context, const char *name, size_t size, bool last, int64_t *value)
{
    struct trace_axes axes = *(const struct trace_axes *)context;
    const json_t *axis = NULL, *given = NULL;
    char text[NAME_MAX_BYTES + 1];
    if (last || size > NAME_MAX_BYTES)
        return false;
    memcpy(text, name, size);
    text[size] = '\0';
    axis = json_object_get(json_object_get(axes.definition->json, "axes"), text);
    const char *type = json_string_value(json_object_get(axis, "type"));
    if (!type)
        return false;
    if (!strcmp(type, "expr")) { /* of axes that are not computed themselves */
        if (axes.computing)
            return false;
        axes.computing = true;
        const struct trace_names of_axes = {find_axis, &axes};
        return trace_expression_value(value, json_string_value(json_object_get(axis, "expression")), &of_axes);
    }
    given = !strcmp(type, "const") ? json_object_get(axis, "value") : json_object_get(axes.values, text);
    *value = json_integer_value(given);
    return json_is_integer(given);
}

bool trace_axis_value(int64_t *value, const struct trace_axes *axes, const char *text)
{
    const struct trace_names of_axes = {find_axis, axes};
    return trace_expression_value(value, text, &of_axes) && *value >= 0 && *value <= axis_max;
}

enum error_kind trace_axes_check(const struct trace_axes *axes, const char *where, struct error *error)
{
    json_t *of_definition = json_object_get(axes->definition->json, "axes"), *axis;
    char quoted[QUOTE_SIZE];
    const char *name;
    int64_t value;
    json_object_foreach(of_definition, name, axis)
    {
        if (!trace_axis_value(&value, axes, name))
            return error_set(error, ERROR_USAGE, "%s: axis %s has no value; allowed: a whole number, 0 to 2^53", where,
                             quote(quoted, name, strlen(name)));
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)axes->values); at;
         at = json_object_iter_next((json_t *)(uintptr_t)axes->values, at)) {
        const json_t *given = json_object_iter_value(at);
        name = json_object_iter_key(at);
        if (!json_object_get(of_definition, name) || !trace_axis_value(&value, axes, name) || !json_is_integer(given) ||
            json_integer_value(given) != value)
            return error_set(error, ERROR_USAGE,
                             "%s: axis %s is not one of the definition's, or has another value there; allowed: its "
                             "axes of type var",
                             where, quote(quoted, name, strlen(name)));
    }
    return ERROR_NONE;
}

enum error_kind trace_shape(struct tensor_layout *layout, const struct trace_axes *axes, enum trace_tensor_name tensor,
                            const char *where, struct error *error)
{
    const struct trace_tensor *of = &axes->definition->tensors[tensor];
    char quoted[QUOTE_SIZE];
    *layout = (struct tensor_layout){.type = of->type, .num_axes = (int)json_array_size(of->shape)};
    for (int i = 0; i < TENSOR_AXES_MAX; i++) {
        const char *name = json_string_value(json_array_get(of->shape, (size_t)i));
        layout->shape[i] = 1;
        if (name && !trace_axis_value(&layout->shape[i], axes, name))
            return error_set(error, ERROR_USAGE, "%s: %s, an axis of %s, has no value; allowed: axes of the definition",
                             where, quote(quoted, name, strlen(name)), of->name);
    }
    if (!tensor_count_elements(&layout->num_elements, layout->num_axes, layout->shape))
        return error_set(error, ERROR_USAGE, "%s: %s has more elements than can be counted; allowed: up to 2^60", where,
                         of->name);
    return ERROR_NONE;
}
