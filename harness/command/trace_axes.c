#include "harness/command/trace_axes.h"

#include <string.h>

#include "harness/command/trace_expression.h"

static bool find_axis(const void *context, const char *name, size_t size, bool last, int64_t *value)
{
    struct trace_axes axes = *(const struct trace_axes *)context;
    const json_t *axis = NULL, *given = NULL;
    char text[TRACE_NAME_MAX_BYTES + 1];
    if (last || size > TRACE_NAME_MAX_BYTES)
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
    return trace_expression_value(value, text, &of_axes) && *value >= 0 && *value <= TRACE_AXIS_MAX;
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
