#include "harness/command/trace_definition.h"

#include <ctype.h>
#include <string.h>

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

void trace_definition_clear(struct trace_definition *definition)
{
    json_decref(definition->json);
    *definition = (struct trace_definition){.path = NULL};
}

bool trace_is_of_name(char character)
{
    return isalnum((unsigned char)character) || character == '_';
}

enum error_kind trace_refuse(const struct trace_definition *definition, const char *what, const char *name,
                             const char *allowed, struct error *error)
{
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: %s%s%s; allowed: %s", quote_path(path, definition->path), what,
                     name ? " " : "", name ? quote(quoted, name, strlen(name)) : "", allowed);
}

enum error_kind trace_refuse_member(const struct trace_definition *definition, const char *of, const char *name,
                                    const char *what, const char *allowed, struct error *error)
{
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: %s %s %s; allowed: %s", quote_path(path, definition->path), of,
                     quote(quoted, name, strlen(name)), what, allowed);
}

const char *trace_text(const struct trace_definition *definition, const char *member)
{
    const char *text = json_string_value(json_object_get(definition->json, member));
    return text ? text : "";
}
