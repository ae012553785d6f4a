#include "harness/command/trace_read.h"

#include <ctype.h>
#include <string.h>

#include "harness/command/trace_operator.h"
#include "harness/command/trace_unsaid.h"

enum { DEFINITION_MAX_BYTES = 16 << 20 };

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
                                            : trace_refuse(definition, "is no definition", NULL,
                                                           "one JSON object with name, axes, inputs, outputs", error);
}

static enum error_kind read_name(struct trace_definition *definition, struct error *error)
{
    const char *name = json_string_value(json_object_get(definition->json, "name"));
    size_t size = name ? strlen(name) : 0;
    bool plain = size > 0 && size <= TRACE_NAME_MAX_BYTES;
    for (size_t i = 0; i < size && plain; i++)
        plain = isalnum((unsigned char)name[i]) || strchr("_.-", name[i]);
    definition->name = name;
    return plain ? ERROR_NONE
                 : trace_refuse(definition, name ? "is called" : "has no name", name,
                                "a name of 1 to 128 letters, digits, _ . or -", error);
}

static bool is_plain_name(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++)
        if (!trace_is_of_name(name[i]))
            return false;
    return size > 0 && size <= TRACE_NAME_MAX_BYTES && !isdigit((unsigned char)name[0]);
}

static enum error_kind check_axis(const struct trace_definition *definition, const char *name, const json_t *axis,
                                  struct error *error)
{
    static const char allowed[] = "{\"type\": \"const\", \"value\": 0 to 2^53}, {\"type\": \"var\"} or {\"type\": "
                                  "\"expr\", \"expression\": \"...\"}";
    const char *type = json_string_value(json_object_get(axis, "type"));
    const json_t *value = json_object_get(axis, "value");
    if (!is_plain_name(name))
        return trace_refuse_member(definition, "axis", name, "is called so", "letters, digits and _, no digit first",
                                   error);
    if (type && !strcmp(type, "const") && json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) <= TRACE_AXIS_MAX)
        return ERROR_NONE;
    if (type && !strcmp(type, "expr") && json_is_string(json_object_get(axis, "expression")))
        return ERROR_NONE;
    if (type && !strcmp(type, "var"))
        return ERROR_NONE;
    return trace_refuse_member(definition, "axis", name, "is none", allowed, error);
}

static enum error_kind read_axes(const struct trace_definition *definition, struct error *error)
{
    json_t *axes = json_object_get(definition->json, "axes"), *axis;
    const char *name;
    enum error_kind kind = json_is_object(axes)
                               ? ERROR_NONE
                               : trace_refuse(definition, "has no axes", NULL, "an object of them, by name", error);
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
        return trace_refuse_member(definition, "the shape of", tensor->name, "is none", allowed, error);
    for (size_t i = 0; i < json_array_size(shape); i++)
        if (!json_is_string(json_array_get(shape, i)))
            return trace_refuse_member(definition, "the shape of", tensor->name, "is none", allowed, error);
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
        return trace_refuse_member(definition, of, name, "is none of attention that is judged",
                                   is_output ? "output, lse" : "inputs of " TRACE_ATTENTION, error);
    if (tensor->name)
        return trace_refuse_member(definition, of, name, "is there under another name already", "one of them", error);
    tensor->name = name;
    while (dtype && type < NUM_TYPES && strcmp(dtype, types[type].name) != 0)
        type++;
    if (!dtype || type == NUM_TYPES)
        return trace_refuse_member(
            definition, "the dtype of", name, "is none that is read",
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
    enum error_kind kind = json_is_object(tensors)
                               ? ERROR_NONE
                               : trace_refuse(definition, is_output ? "has no outputs" : "has no inputs", NULL,
                                              "an object of them, by name", error);
    json_object_foreach(tensors, name, spec)
    {
        if (!kind)
            kind = read_tensor(definition, name, spec, is_output, error);
    }
    return kind;
}

static enum error_kind check_constraints(const struct trace_definition *definition, struct error *error)
{
    const json_t *constraints = json_object_get(definition->json, "constraints");
    bool sound = !constraints || json_is_null(constraints) || json_is_array(constraints);
    for (size_t i = 0; i < json_array_size(constraints); i++)
        sound = sound && json_is_string(json_array_get(constraints, i));
    return sound ? ERROR_NONE : trace_refuse(definition, "constraints are none", NULL, "a list of texts", error);
}

enum error_kind trace_definition_open(struct trace_definition *definition, const char *path, struct error *error)
{
    *definition = (struct trace_definition){.path = path};
    enum error_kind kind = parse(definition, error);
    if (!kind)
        kind = read_name(definition, error);
    if (!kind)
        kind = trace_check_op_type(definition, error);
    if (!kind)
        kind = read_axes(definition, error);
    if (!kind)
        kind = check_constraints(definition, error);
    if (!kind)
        kind = read_tensors(definition, "inputs", false, error);
    if (!kind)
        kind = read_tensors(definition, "outputs", true, error);
    if (!kind)
        kind = trace_check_tensors(definition, error);
    if (!kind)
        kind = trace_find_operator(definition, error);
    if (!kind)
        kind = trace_check_constants(definition, error);
    if (kind)
        return kind;
    trace_find_layout(definition);
    trace_find_lse_base(definition);
    return ERROR_NONE;
}
