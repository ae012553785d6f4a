#include "harness/command/trace_workload.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/support/file.h"
#include "harness/support/number.h"

enum { WORKLOADS_MAX_BYTES = 64 << 20, UUID_MAX_BYTES = 64 };

/* The workloads of a file, while one is looked for. */
struct search {
    struct trace_workload *workload;
    const char *asked; /* its uuid or number; NULL: nothing */
    int64_t number;    /* that asked is, -1: none */
    int64_t count;     /* workloads that were read */
    bool by_uuid;      /* what was found is called so */
};

static enum error_kind refuse(const struct trace_workload *workload, const char *what, const char *name,
                              const char *allowed, struct error *error)
{
    char quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: %s%s%s; allowed: %s", workload->where, what, name ? " " : "",
                     name ? quote(quoted, name, strlen(name)) : "", allowed);
}

/* ---- a line ------------------------------------------------------------------------------------------------------ */

static bool is_plain(const char *uuid)
{
    size_t size = uuid ? strlen(uuid) : 0;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)uuid[i]) && !strchr("_.-", uuid[i]))
            return false;
    return size > 0 && size <= UUID_MAX_BYTES;
}

/* The members of a line's object; json is the workload's own now. */
static enum error_kind take(struct trace_workload *workload, json_t *json, struct error *error)
{
    json_decref(workload->json);
    workload->json = json;
    const json_t *trace = json_object_get(json, "workload"), *of = trace && !json_is_null(trace) ? trace : json;
    const json_t *definition = json_object_get(json, "definition");
    workload->definition = json_string_value(definition);
    workload->uuid = json_string_value(json_object_get(of, "uuid"));
    workload->axes = json_object_get(of, "axes");
    workload->inputs = json_object_get(of, "inputs");
    if (!json_is_object(json) || !json_is_object(of))
        return refuse(workload, "is no workload", NULL, "a JSON object a line, with uuid, axes and inputs", error);
    if (definition && !json_is_null(definition) && !workload->definition)
        return refuse(workload, "\"definition\" is no text", NULL, "a definition's name", error);
    if (!is_plain(workload->uuid))
        return refuse(workload, workload->uuid ? "uuid is" : "has no uuid", workload->uuid,
                      "1 to 64 letters, digits, _ . or -", error);
    if (!json_is_object(workload->axes) || !json_is_object(workload->inputs))
        return refuse(workload, "has no axes or no inputs", NULL, "an object of each", error);
    return ERROR_NONE;
}

/* Whether two lines are of one workload: a file of traces has a line for each solution. */
static bool is_same(const struct trace_workload *a, const struct trace_workload *b)
{
    return json_equal((json_t *)(uintptr_t)a->axes, (json_t *)(uintptr_t)b->axes) &&
           json_equal((json_t *)(uintptr_t)a->inputs, (json_t *)(uintptr_t)b->inputs) &&
           (!a->definition) == (!b->definition) && (!a->definition || !strcmp(a->definition, b->definition));
}

/* A workload called as asked replaces one whose number that is, and nothing replaces it. */
static enum error_kind consider(struct search *search, struct trace_workload *line, struct error *error)
{
    struct trace_workload *found = search->workload;
    bool by_uuid = search->asked && !strcmp(line->uuid, search->asked);
    bool by_number = search->asked ? search->count == search->number : search->count == 0;
    search->count++;
    if (by_uuid && search->by_uuid)
        return is_same(line, found)
                   ? ERROR_NONE
                   : refuse(line, "has the uuid of another workload:", line->uuid, "each once, or its number", error);
    if (!by_uuid && (!by_number || search->by_uuid))
        return ERROR_NONE;
    json_t *before = found->json;
    char *path = found->path;
    *found = *line;
    found->path = path;
    search->by_uuid = by_uuid;
    line->json = before;
    return ERROR_NONE;
}

static enum error_kind read_line(struct search *search, struct trace_workload *line, const char *text, size_t size,
                                 struct error *error)
{
    json_error_t reason;
    char quoted[QUOTE_SIZE], path[PATH_QUOTE_SIZE];
    snprintf(line->where, sizeof line->where, "%s:%" PRId64, quote_path(path, search->workload->path), line->line);
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &reason);
    if (!json)
        return error_set(error, ERROR_USAGE, "%s:%d: is no JSON: %s; allowed: a workload a line", line->where,
                         reason.column, quote(quoted, reason.text, strlen(reason.text)));
    enum error_kind kind = take(line, json, error);
    return kind ? kind : consider(search, line, error);
}

static enum error_kind read_lines(struct search *search, const struct source *source, struct error *error)
{
    struct trace_workload line = {.line = 0};
    enum error_kind kind = ERROR_NONE;
    for (size_t first = 0, end; first < source->size && !kind; first = end + 1) {
        const char *newline = memchr(source->text + first, '\n', source->size - first);
        end = newline ? (size_t)(newline - source->text) : source->size;
        line.line++;
        if (strspn(source->text + first, " \t\r\n") < end - first)
            kind = read_line(search, &line, source->text + first, end - first, error);
    }
    json_decref(line.json);
    return kind;
}

/* ---- a file ------------------------------------------------------------------------------------------------------ */

/* The path, and what of the file is asked for: all of text where a file is called so. */
static enum error_kind split(struct search *search, const char *text, struct error *error)
{
    const char *colon = access(text, F_OK) == 0 ? NULL : strrchr(text, ':');
    uint64_t number;
    int negative;
    search->workload->path = colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
    search->asked = colon ? colon + 1 : NULL;
    search->number = -1;
    if (!search->workload->path)
        return error_memory(error, "a path", (double)strlen(text));
    if (colon && number_parse_whole(colon + 1, strlen(colon + 1), &number, &negative) == VALUE_SOUND && !negative &&
        number < INT64_MAX)
        search->number = (int64_t)number;
    return ERROR_NONE;
}

static enum error_kind check_found(const struct search *search, struct error *error)
{
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    quote_path(path, search->workload->path);
    if (search->count == 0)
        return error_set(error, ERROR_USAGE, "%s: has no workload; allowed: one a line", path);
    if (search->asked && !search->workload->json)
        return error_set(error, ERROR_USAGE,
                         "%s: has no workload %s; allowed: the uuid of one, or its number, 0 to %" PRId64, path,
                         quote(quoted, search->asked, strlen(search->asked)), search->count - 1);
    if (!search->asked && search->count > 1)
        return error_set(error, ERROR_USAGE,
                         "%s: has %" PRId64 " workloads; allowed: the uuid of one behind a colon, or its number, 0 to "
                         "%" PRId64,
                         path, search->count, search->count - 1);
    return ERROR_NONE;
}

enum error_kind trace_workload_open(struct trace_workload *workload, const char *text, struct error *error)
{
    struct search search = {.workload = workload};
    struct source source;
    *workload = (struct trace_workload){.path = NULL};
    enum error_kind kind = split(&search, text, error);
    if (!kind)
        kind = source_read(&source, workload->path, WORKLOADS_MAX_BYTES, error);
    if (kind)
        return kind;
    kind = read_lines(&search, &source, error);
    source_clear(&source);
    return kind ? kind : check_found(&search, error);
}

void trace_workload_clear(struct trace_workload *workload)
{
    json_decref(workload->json);
    free(workload->path);
    *workload = (struct trace_workload){.path = NULL};
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static enum error_kind read_scalar(struct trace_input *input, const struct trace_workload *workload, const char *name,
                                   const json_t *told, struct error *error)
{
    const json_t *value = json_object_get(told, "value");
    if (!json_is_number(value))
        return refuse(workload, "no number is the value of", name, "a number", error);
    input->value = json_number_value(value);
    return ERROR_NONE;
}

static enum error_kind read_safetensors(struct trace_input *input, const struct trace_workload *workload,
                                        const char *name, const json_t *told, struct error *error)
{
    input->path = json_string_value(json_object_get(told, "path"));
    input->tensor_key = json_string_value(json_object_get(told, "tensor_key"));
    if (!input->path || !*input->path || !input->tensor_key || !*input->tensor_key)
        return refuse(workload, "no file is told of", name, "\"path\" and \"tensor_key\", each a text", error);
    return ERROR_NONE;
}

enum error_kind trace_workload_input(struct trace_input *input, const struct trace_workload *workload, const char *name,
                                     struct error *error)
{
    static const char *const origins[] = {[TRACE_RANDOM] = "random",
                                          [TRACE_SCALAR] = "scalar",
                                          [TRACE_SAFETENSORS] = "safetensors",
                                          [TRACE_CUSTOM] = "custom"};
    const json_t *told = json_object_get(workload->inputs, name);
    const char *type = json_string_value(json_object_get(told, "type"));
    *input = (struct trace_input){.origin = TRACE_ABSENT};
    if (!told)
        return ERROR_NONE;
    for (int origin = TRACE_RANDOM; origin <= TRACE_CUSTOM; origin++)
        if (type && !strcmp(type, origins[origin]))
            input->origin = (enum trace_origin)origin;
    switch (input->origin) {
    case TRACE_ABSENT:
        return refuse(workload, "there is no such \"type\" of the input", name, "random, scalar, safetensors, custom",
                      error);
    case TRACE_SCALAR:
        return read_scalar(input, workload, name, told, error);
    case TRACE_SAFETENSORS:
        return read_safetensors(input, workload, name, told, error);
    default:
        return ERROR_NONE;
    }
}

/* ---- files of inputs --------------------------------------------------------------------------------------------- */

/* FOLDER/PATH if it is there, else NULL. */
static enum error_kind try_folder(char **found, const char *folder, const char *path, struct error *error)
{
    *found = file_join(folder, path);
    if (!*found)
        return error_memory(error, "a path", (double)(strlen(folder) + strlen(path)));
    if (access(*found, F_OK) != 0) {
        free(*found);
        *found = NULL;
    }
    return ERROR_NONE;
}

static bool is_topmost(const char *folder)
{
    struct stat here, top;
    return stat(folder, &here) != 0 || stat("/", &top) != 0 || (here.st_dev == top.st_dev && here.st_ino == top.st_ino);
}

/* The folder above one, as it is written: of "a/b" "a", of "a" ".", of "." "..". *folder, a string in memory, is
 * replaced; NULL: there is none above. */
static enum error_kind go_up(char **folder, struct error *error)
{
    char *slash = strrchr(*folder, '/'), *above = NULL;
    const char *last = slash ? slash + 1 : *folder;
    if (is_topmost(*folder)) {
        free(*folder);
        *folder = NULL;
        return ERROR_NONE;
    }
    if (!strcmp(last, ".."))
        above = file_join(*folder, "..");
    else if (!slash)
        above = strdup(strcmp(last, ".") ? "." : "..");
    else
        above = strndup(*folder, slash == *folder ? 1 : (size_t)(slash - *folder));
    free(*folder);
    *folder = above;
    return above ? ERROR_NONE : error_memory(error, "a path", 64);
}

/* The folder that a path is in. The file itself may be a link to elsewhere: in a cache of downloads it is. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

enum error_kind trace_workload_find(char **found, const struct trace_workload *workload, const char *path,
                                    const char *root, struct error *error)
{
    char *folder = NULL, quoted[PATH_QUOTE_SIZE], quoted_root[PATH_QUOTE_SIZE];
    enum error_kind kind = ERROR_NONE;
    *found = NULL;
    while (!strncmp(path, "./", 2)) /* as they are written, which messages do without */
        path += strspn(path + 1, "/") + 1;
    if (*path == '/') {
        *found = strdup(path);
        return *found ? ERROR_NONE : error_memory(error, "a path", (double)strlen(path));
    }
    if (root)
        kind = try_folder(found, root, path, error);
    else if (!(folder = folder_of(workload->path)))
        kind = error_memory(error, "a path", (double)strlen(workload->path));
    while (folder && !kind && !*found) {
        kind = try_folder(found, folder, path, error);
        if (!kind && !*found)
            kind = go_up(&folder, error);
    }
    free(folder);
    if (kind || *found)
        return kind;
    return error_set(error, ERROR_USAGE, "%s: there is no %s %s%s; allowed: --root DIR, the folder that paths begin at",
                     workload->where, quote_path(quoted, path), root ? "in " : "beside it or above",
                     root ? quote_path(quoted_root, root) : "");
}
