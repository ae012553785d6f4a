#include "harness/support/safetensors_write.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/json_value.h"
#include "harness/support/replacement.h"
#include "harness/support/source.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are written as they lie in memory");

enum { PREAMBLE_BYTES = 8, ALIGNMENT = 64, HEADER_BYTES_MAX = 100000000 };
static const char metadata_key[] = "__metadata__";

/* A tensor and what it takes in the file, counted from behind the header. */
struct placed {
    const struct safetensors_tensor *tensor;
    int64_t first, end;
};

static enum error_kind refuse(const char *path, const char *name, const char *what, struct error *error)
{
    char quoted_path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: %s %s", quote_path(quoted_path, path), quote(quoted, name, strlen(name)),
                     what);
}

static int compare_tensors(const void *a, const void *b)
{
    const struct safetensors_tensor *left = ((const struct placed *)a)->tensor;
    const struct safetensors_tensor *right = ((const struct placed *)b)->tensor;
    size_t left_bytes = element_types[left->type].size_bytes, right_bytes = element_types[right->type].size_bytes;
    if (left_bytes != right_bytes)
        return left_bytes < right_bytes ? 1 : -1;
    return strcmp(left->name, right->name);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct tensor_metadata *)a)->key, ((const struct tensor_metadata *)b)->key);
}

/* Puts the tensors one behind the other. */
static enum error_kind place(struct placed *placed, const struct safetensors_tensor *tensors, size_t count,
                             const char *path, struct error *error)
{
    int64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (tensors[i].type >= ELEMENT_COUNT || !element_types[tensors[i].type].safetensors)
            return refuse(path, tensors[i].name, "has elements without a meaning; allowed: types of safetensors",
                          error);
        placed[i].tensor = &tensors[i];
    }
    if (count > 1)
        qsort(placed, count, sizeof *placed, compare_tensors);
    for (size_t i = 0; i < count; i++) {
        const struct safetensors_tensor *tensor = placed[i].tensor;
        int64_t num_elements, size = (int64_t)element_types[tensor->type].size_bytes;
        placed[i].first = at;
        if (!tensor_count_elements(&num_elements, tensor->num_axes, tensor->shape) ||
            __builtin_add_overflow(at, num_elements * size, &at))
            return refuse(path, tensor->name, "has more elements than can be counted; allowed: fewer than 2^60", error);
        placed[i].end = at;
    }
    return ERROR_NONE;
}

static json_t *describe(const struct placed *placed)
{
    const struct safetensors_tensor *tensor = placed->tensor;
    json_t *shape = json_array();
    int failed = !shape;
    for (int i = 0; i < tensor->num_axes && !failed; i++)
        failed = json_array_append_new(shape, json_integer(tensor->shape[i]));
    if (failed) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", element_types[tensor->type].safetensors, "shape", shape,
                     "data_offsets", (json_int_t)placed->first, (json_int_t)placed->end);
}

/* Whether a text of which jansson makes no string is one, for want of memory. */
static bool is_text(const char *name)
{
    struct source source;
    struct error unused;
    return source_init(&source, "", name, strlen(name), true, &unused) == ERROR_NONE;
}

/* Adds a member whose name is not there yet; takes value. */
static enum error_kind add(json_t *object, const char *name, json_t *value, const char *path, struct error *error)
{
    json_t *text = json_string(name);
    bool is_utf8 = text;
    json_decref(text);
    if (is_utf8 && !json_object_get(object, name))
        return json_put(object, name, value) ? ERROR_NONE : error_memory(error, "a header", (double)strlen(name));
    json_decref(value);
    if (!is_utf8 && is_text(name))
        return error_memory(error, "a header", (double)strlen(name));
    return refuse(path, name,
                  is_utf8 ? "is there twice; allowed: names, each once" : "is no UTF-8; allowed: names in UTF-8",
                  error);
}

static enum error_kind add_metadata(json_t *header, const struct tensor_metadata *metadata, size_t count,
                                    const char *path, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct tensor_metadata *sorted = calloc(count + 1, sizeof *sorted);
    json_t *object = json_object();
    if (!sorted || !object)
        kind = error_memory(error, "metadata", (double)count * sizeof *sorted);
    if (!kind && count > 0) {
        memcpy(sorted, metadata, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, compare_keys);
    }
    for (size_t i = 0; i < count && !kind; i++)
        kind = add(object, sorted[i].key, json_from_text(sorted[i].value), path, error);
    if (!kind && !json_put(header, metadata_key, json_incref(object)))
        kind = error_memory(error, "metadata", (double)count * sizeof *sorted);
    json_decref(object);
    free(sorted);
    return kind;
}

/* The header's text, which json_print allocated. */
static enum error_kind make_header(char **text, const struct placed *placed, size_t count,
                                   const struct tensor_metadata *metadata, size_t num_metadata, const char *path,
                                   struct error *error)
{
    json_t *header = json_object();
    *text = NULL;
    if (!header)
        return error_memory(error, "a header", 1);
    enum error_kind kind = add_metadata(header, metadata, num_metadata, path, error);
    for (size_t i = 0; i < count && !kind; i++)
        kind = add(header, placed[i].tensor->name, describe(&placed[i]), path, error);
    if (!kind && !(*text = json_print(header, JSON_COMPACT)))
        kind = error_memory(error, "a header", (double)count);
    json_decref(header);
    return kind;
}

/* 8 bytes, the header's text and blanks up to where elements begin. */
static enum error_kind frame(struct safetensors_plan *plan, const char *text, const char *path, struct error *error)
{
    size_t size = strlen(text), padding = (ALIGNMENT - (PREAMBLE_BYTES + size) % ALIGNMENT) % ALIGNMENT;
    if (size + padding > HEADER_BYTES_MAX)
        return refuse(path, metadata_key, "and names take more than 100 MB; allowed: what a header can hold", error);
    plan->header_bytes = PREAMBLE_BYTES + size + padding;
    plan->header = malloc(plan->header_bytes);
    if (!plan->header)
        return error_memory(error, "a header", (double)plan->header_bytes);
    for (int i = 0; i < PREAMBLE_BYTES; i++)
        plan->header[i] = (char)((uint64_t)(size + padding) >> (8 * i) & 0xff);
    memcpy(plan->header + PREAMBLE_BYTES, text, size);
    memset(plan->header + PREAMBLE_BYTES + size, ' ', padding);
    return ERROR_NONE;
}

static enum error_kind list_pieces(struct safetensors_plan *plan, const struct placed *placed, size_t count,
                                   struct error *error)
{
    plan->pieces = calloc(count + 1, sizeof *plan->pieces);
    if (!plan->pieces)
        return error_memory(error, "the tensors' places", (double)count * sizeof *plan->pieces);
    plan->size_bytes = plan->header_bytes;
    for (size_t i = 0; i < count; i++) {
        size_t size = (size_t)(placed[i].end - placed[i].first);
        plan->pieces[plan->num_pieces++] = (struct safetensors_piece){placed[i].tensor->elements, size};
        plan->size_bytes += size;
    }
    return ERROR_NONE;
}

enum error_kind safetensors_plan(struct safetensors_plan *plan, const char *path,
                                 const struct safetensors_tensor *tensors, size_t num_tensors,
                                 const struct tensor_metadata *metadata, size_t num_metadata, struct error *error)
{
    char *text = NULL;
    struct placed *placed = calloc(num_tensors + 1, sizeof *placed);
    *plan = (struct safetensors_plan){.header = NULL};
    if (!placed)
        return error_memory(error, "the tensors' places", (double)num_tensors * sizeof *placed);
    enum error_kind kind = place(placed, tensors, num_tensors, path, error);
    if (!kind)
        kind = make_header(&text, placed, num_tensors, metadata, num_metadata, path, error);
    if (!kind)
        kind = frame(plan, text, path, error);
    if (!kind)
        kind = list_pieces(plan, placed, num_tensors, error);
    free(text);
    free(placed);
    return kind;
}

void safetensors_plan_clear(struct safetensors_plan *plan)
{
    free(plan->header);
    free(plan->pieces);
    *plan = (struct safetensors_plan){.header = NULL};
}

static enum error_kind write_file(const char *path, const struct safetensors_plan *plan, struct error *error)
{
    struct replacement file;
    enum error_kind kind = replacement_open(&file, path, error);
    if (kind)
        return kind;
    kind = file_write(file.descriptor, path, plan->header, plan->header_bytes, error);
    for (size_t i = 0; i < plan->num_pieces && !kind; i++)
        kind = file_write(file.descriptor, path, plan->pieces[i].elements, plan->pieces[i].size_bytes, error);
    if (!kind)
        return replacement_keep(&file, error);
    replacement_drop(&file);
    return kind;
}

enum error_kind safetensors_write(const char *path, const struct safetensors_tensor *tensors, size_t num_tensors,
                                  const struct tensor_metadata *metadata, size_t num_metadata, struct error *error)
{
    struct safetensors_plan plan;
    enum error_kind kind = safetensors_plan(&plan, path, tensors, num_tensors, metadata, num_metadata, error);
    if (!kind)
        kind = write_file(path, &plan, error);
    safetensors_plan_clear(&plan);
    return kind;
}
