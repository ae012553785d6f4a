#include "harness/command/recorded_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/recorded_places.h"
#include "harness/support/file.h"
#include "harness/support/number.h"
#include "harness/support/source.h"

enum { LINE_MAX_BYTES = 16 << 20 };

enum error_kind recorded_call_refuse(const struct recorded_call *call, const char *what, const char *allowed,
                                     struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: %s; allowed: %s", quote_path(path, call->folder), what, allowed);
}

/* The last of the lines that say something. name: the file's. */
static enum error_kind read_lines(struct recorded_call *call, const struct source *source, const char *name,
                                  struct error *error)
{
    json_error_t reason;
    char quoted[PATH_QUOTE_SIZE], text[QUOTE_SIZE];
    size_t line = 1;
    for (size_t first = 0, end; first < source->size; first = end + 1, line++) {
        const char *newline = memchr(source->text + first, '\n', source->size - first);
        end = newline ? (size_t)(newline - source->text) : source->size;
        if (strspn(source->text + first, " \t\r\n") >= end - first)
            continue;
        json_decref(call->record);
        call->record = json_loadb(source->text + first, end - first, JSON_REJECT_DUPLICATES, &reason);
        if (!call->record)
            return error_set(error, ERROR_USAGE,
                             "%s:%zu:%d: is no JSON: %s; allowed: what the flight recorder wrote, a record a line",
                             quote_path(quoted, name), line, reason.column,
                             quote(text, reason.text, strlen(reason.text)));
    }
    return ERROR_NONE;
}

static enum error_kind read_record(struct recorded_call *call, struct error *error)
{
    struct source source;
    char *path = file_join(call->folder, "metadata.jsonl");
    enum error_kind kind = path ? source_read(&source, path, LINE_MAX_BYTES, error)
                                : error_memory(error, "a path", (double)strlen(call->folder));
    if (!kind) {
        kind = read_lines(call, &source, path, error);
        source_clear(&source);
    }
    free(path);
    return kind;
}

static enum error_kind check_record(struct recorded_call *call, struct error *error)
{
    static const char known[] =
        "single_decode_with_kv_cache, single_prefill_with_kv_cache, and run() of BatchDecodeWithPagedKVCacheWrapper, "
        "BatchPrefillWithPagedKVCacheWrapper and BatchPrefillWithRaggedKVCacheWrapper, with its plan() as --plan; of "
        "others, name its tensors with --q, --k, --v, --out";
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    const char *function = json_string_value(json_object_get(call->record, "function_name"));
    const char *status = json_string_value(json_object_get(call->record, "execution_status"));
    if (!function)
        return recorded_call_refuse(call, "is not a call of a function that is understood here", known, error);
    call->function = recorded_function_find(function);
    if (!call->function)
        return error_set(error, ERROR_USAGE, "%s: is a call of %s; allowed: %s", quote_path(path, call->folder),
                         quote(quoted, function, strlen(function)), known);
    if (!status || strcmp(status, "completed") != 0)
        return recorded_call_refuse(call, "the call did not end", "one with \"execution_status\": \"completed\"",
                                    error);
    return ERROR_NONE;
}

static enum error_kind refuse_argument(const struct recorded_call *call, const char *key, const char *what,
                                       const char *allowed, struct error *error)
{
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: its argument %s %s; allowed: %s", quote_path(path, call->folder),
                     quote(quoted, key, strlen(key)), what, allowed);
}

/* One of what is recorded; value NULL: a tensor. */
static enum error_kind add_argument(struct recorded_call *call, const struct recorded_places *places, const char *key,
                                    const json_t *value, struct error *error)
{
    struct recorded_argument *argument = &call->arguments[call->num_arguments];
    bool by_name = !strncmp(key, "kwarg_", 6);
    const char *name = by_name ? key + 6 : NULL;
    uint64_t place = 0;
    int negative = 0;
    if (!strncmp(key, "arg_", 4) && number_parse_whole(key + 4, strlen(key + 4), &place, &negative) == VALUE_SOUND &&
        !negative && place < (uint64_t)places->count)
        name = places->names[place];
    if (!name && json_is_null(value))
        return ERROR_NONE;
    if (!name)
        return refuse_argument(call, key,
                               "has no name: versions differ in what stands there, and the record does not "
                               "say it",
                               "arguments by name, or by position up to where all versions agree", error);
    const struct recorded_parameter *parameter = recorded_parameter_find(call->function, name);
    if (!parameter && json_is_null(value))
        return ERROR_NONE;
    if (!parameter)
        return refuse_argument(call, key, "is not understood here, and may change the result",
                               "None; else name its tensors with --q, --k, --v, --out", error);
    for (int i = 0; i < call->num_arguments; i++)
        if (call->arguments[i].parameter == parameter)
            return refuse_argument(call, key, "is there twice", "once", error);
    if (call->num_arguments == RECORDED_ARGUMENTS_MAX || strlen(key) >= RECORDED_KEY_SIZE)
        return refuse_argument(call, key, "is one too many", "as many as the function has", error);
    *argument = (struct recorded_argument){.parameter = parameter, .value = value, .by_name = by_name};
    snprintf(argument->key, sizeof argument->key, "%s", key);
    call->num_arguments++;
    return ERROR_NONE;
}

static enum error_kind read_arguments(struct recorded_call *call, struct error *error)
{
    struct recorded_places places;
    const char *key;
    json_t *value, *metadata = json_object_get(call->record, "input_metadata");
    enum error_kind kind = recorded_places_read(
        &places, call->function->places, json_string_value(json_object_get(call->record, "function_signature")), error);
    json_object_foreach(metadata, key, value) if (!kind) kind = add_argument(call, &places, key, value, error);
    for (size_t i = 0; i < call->archive.num_entries && !kind; i++)
        if (!strstr(call->archive.entries[i].name, "__")) /* those are in tuples, which the metadata have */
            kind = add_argument(call, &places, call->archive.entries[i].name, NULL, error);
    recorded_places_clear(&places);
    return kind;
}

enum error_kind recorded_call_open(struct recorded_call *call, const char *folder, struct error *error)
{
    *call = (struct recorded_call){.folder = folder};
    call->inputs = file_join(folder, "inputs.safetensors");
    enum error_kind kind =
        call->inputs ? read_record(call, error) : error_memory(error, "a path", (double)strlen(folder));
    if (!kind)
        kind = check_record(call, error);
    if (!kind)
        kind = tensor_archive_open(&call->archive, call->inputs, error);
    return kind ? kind : read_arguments(call, error);
}

void recorded_call_close(struct recorded_call *call)
{
    tensor_archive_close(&call->archive);
    json_decref(call->record);
    free(call->inputs);
    *call = (struct recorded_call){.folder = NULL};
}

const struct recorded_argument *recorded_call_tensor(const struct recorded_call *call, enum judge_option option)
{
    for (int i = 0; i < call->num_arguments; i++) {
        const struct recorded_argument *argument = &call->arguments[i];
        if (argument->parameter->kind == RECORDED_TENSOR && argument->parameter->option == option && !argument->value)
            return argument;
    }
    return NULL;
}

bool recorded_call_has(const struct recorded_call *call, const struct recorded_parameter *parameter)
{
    for (int i = 0; i < call->num_arguments; i++)
        if (call->arguments[i].parameter == parameter)
            return !json_is_null(call->arguments[i].value);
    return false;
}

static bool same_number(const struct recorded_call *call, const struct recorded_call *run, const char *name)
{
    const json_t *mine = json_object_get(call->record, name), *other = json_object_get(run->record, name);
    return json_is_integer(mine) && json_is_integer(other) && json_equal(mine, other);
}

enum error_kind recorded_call_check_kin(const struct recorded_call *call, const struct recorded_call *run,
                                        struct error *error)
{
    const char *mine = json_string_value(json_object_get(call->record, "timestamp"));
    const char *other = json_string_value(json_object_get(run->record, "timestamp"));
    bool of_process = json_object_get(call->record, "process_id") || json_object_get(run->record, "process_id");
    if (!same_number(call, run, "self_id"))
        return recorded_call_refuse(call, "is of another object than the run()", "the same self_id in both", error);
    if (of_process && !same_number(call, run, "process_id"))
        return recorded_call_refuse(call, "is of another process than the run(), and so of another object",
                                    "the same process_id in both", error);
    if (mine && other && strcmp(mine, other) > 0)
        return recorded_call_refuse(call, "was called after the run()", "the last one before it", error);
    return ERROR_NONE;
}
