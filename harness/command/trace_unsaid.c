#include "harness/command/trace_unsaid.h"

#include <string.h>

/* What a definition may speak of and no input says: the option that states it. */
static const struct {
    const char *word;
    enum judge_option option;
} words[] = {
    {"alibi", GIVEN_SLOPES},      {"soft_cap", GIVEN_SOFT_CAP}, {"soft cap", GIVEN_SOFT_CAP},
    {"soft-cap", GIVEN_SOFT_CAP}, {"softcap", GIVEN_SOFT_CAP},  {"sink", GIVEN_SINK_LOGITS},
    {"window", GIVEN_MASK},       {"sliding", GIVEN_MASK},
};

enum error_kind trace_check_words(const struct trace_definition *definition, const struct judge_options *options,
                                  struct error *error)
{
    const json_t *tags = json_object_get(definition->json, "tags");
    char path[PATH_QUOTE_SIZE], option[JUDGE_NAME_SIZE];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool said = strcasestr(definition->name, words[i].word) ||
                    strcasestr(trace_text(definition, "description"), words[i].word);
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

/* Whether a name stands in a text by itself. */
static bool has_name(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = strstr(text, name); at; at = strstr(at + 1, name))
        if ((at == text || !trace_is_of_name(at[-1])) && !trace_is_of_name(at[size]))
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
enum error_kind trace_check_constants(const struct trace_definition *definition, struct error *error)
{
    json_t *axes = json_object_get(definition->json, "axes"), *axis;
    const char *name;
    json_object_foreach(axes, name, axis)
    {
        if (json_object_get(axis, "value") && !is_used(definition, name))
            return trace_refuse_member(definition, "axis", name, "is in no shape: what it means, its code alone says",
                                       "axes of shapes, and tensors by --q, --k, --v, --out", error);
    }
    return ERROR_NONE;
}
