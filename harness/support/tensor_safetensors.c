/*
 * A .safetensors file (github.com/huggingface/safetensors): 8 bytes little-endian, the size of a header in JSON, the
 * header, elements in C order. The header has an object for each tensor, dtype, shape and data_offsets, which count
 * from behind it, and perhaps "__metadata__" with texts.
 *
 * The format's own reader demands that each byte behind the header is of one tensor; here no byte is of two.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/source.h"
#include "harness/support/tensor_format.h"
#include "harness/support/tensor_mapping.h"
#include "harness/support/text.h"

enum { PREAMBLE_BYTES = 8, HEADER_BYTES_MAX = 100000000 };
static const char metadata_key[] = "__metadata__";

/* The header while it is read. */
struct reading {
    struct tensor_archive *archive;
    const char *path; /* quoted */
    int64_t data_start, data_bytes;
    struct error *error;
};

static enum error_kind refuse(const struct reading *reading, const char *name, const char *what)
{
    char quoted[QUOTE_SIZE];
    return error_set(reading->error, ERROR_USAGE, "%s: tensor %s %s", reading->path, quote(quoted, name, strlen(name)),
                     what);
}

/* A whole number from 0 on. */
static bool take_length(int64_t *length, const json_t *value)
{
    *length = json_integer_value(value);
    return json_is_integer(value) && *length >= 0;
}

static enum error_kind read_shape(struct tensor_layout *layout, const struct reading *reading, const char *name,
                                  const json_t *shape)
{
    layout->num_axes = 0;
    for (int i = 0; i < TENSOR_AXES_MAX; i++)
        layout->shape[i] = 1;
    if (!json_is_array(shape) || json_array_size(shape) > TENSOR_AXES_MAX)
        return refuse(reading, name, "has no shape that is known; allowed: \"shape\", a list of 0 to 8 lengths");
    for (; (size_t)layout->num_axes < json_array_size(shape); layout->num_axes++)
        if (!take_length(&layout->shape[layout->num_axes], json_array_get(shape, (size_t)layout->num_axes)))
            return refuse(reading, name, "has an axis without a length; allowed: whole numbers from 0 on");
    if (!tensor_count_elements(&layout->num_elements, layout->num_axes, layout->shape))
        return refuse(reading, name, "has more elements than can be counted; allowed: fewer than 2^60");
    return ERROR_NONE;
}

static enum error_kind read_offsets(struct tensor_entry *entry, const struct reading *reading, const json_t *offsets)
{
    char text[160];
    int64_t first, end;
    if (json_array_size(offsets) != 2 || !take_length(&first, json_array_get(offsets, 0)) ||
        !take_length(&end, json_array_get(offsets, 1)) || first > end || end > reading->data_bytes) {
        snprintf(text, sizeof text, "has no place in the file; allowed: \"data_offsets\", [first, end], 0 to %lld",
                 (long long)reading->data_bytes);
        return refuse(reading, entry->name, text);
    }
    entry->start = reading->data_start + first;
    entry->size_bytes = end - first;
    if (entry->layout.type == ELEMENT_COUNT || tensor_layout_bytes(&entry->layout) == entry->size_bytes)
        return ERROR_NONE;
    snprintf(text, sizeof text, "has %lld bytes; allowed: %lld, which its shape asks for", (long long)entry->size_bytes,
             (long long)tensor_layout_bytes(&entry->layout));
    return refuse(reading, entry->name, text);
}

static enum error_kind read_tensor(struct tensor_entry *entry, const struct reading *reading, const char *name,
                                   json_t *value)
{
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    const json_t *shape = json_object_get(value, "shape"), *offsets = json_object_get(value, "data_offsets");
    *entry = (struct tensor_entry){.name = name, .type_name = dtype};
    /* A field that is not known could say that the elements stand otherwise. */
    if (!dtype || !shape || !offsets || json_object_size(value) != 3)
        return refuse(reading, name, "is not described; allowed: \"dtype\", \"shape\" and \"data_offsets\"");
    entry->layout.type = element_type_from_safetensors(dtype);
    enum error_kind kind = read_shape(&entry->layout, reading, name, shape);
    return kind ? kind : read_offsets(entry, reading, offsets);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct tensor_entry *)a)->name, ((const struct tensor_entry *)b)->name);
}

static int compare_starts(const void *a, const void *b)
{
    const struct tensor_entry *left = a, *right = b;
    int by_start = (left->start > right->start) - (left->start < right->start);
    return by_start ? by_start : (left->size_bytes > right->size_bytes) - (left->size_bytes < right->size_bytes);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct tensor_metadata *)a)->key, ((const struct tensor_metadata *)b)->key);
}

static enum error_kind read_tensors(struct reading *reading, json_t *header)
{
    struct tensor_archive *archive = reading->archive;
    const char *name;
    json_t *value;
    archive->entries = calloc(json_object_size(header) + 1, sizeof *archive->entries);
    if (!archive->entries)
        return error_memory(reading->error, "the tensors' names",
                            (double)json_object_size(header) * sizeof *archive->entries);
    json_object_foreach(header, name, value)
    {
        if (strcmp(name, metadata_key) == 0)
            continue;
        enum error_kind kind = read_tensor(&archive->entries[archive->num_entries], reading, name, value);
        if (kind)
            return kind;
        archive->num_entries++;
    }
    if (archive->num_entries > 1)
        qsort(archive->entries, archive->num_entries, sizeof *archive->entries, compare_starts);
    for (size_t i = 1; i < archive->num_entries; i++)
        if (archive->entries[i].start < archive->entries[i - 1].start + archive->entries[i - 1].size_bytes)
            return refuse(reading, archive->entries[i].name,
                          "stands where another one does; allowed: a place of its own for each");
    if (archive->num_entries > 1)
        qsort(archive->entries, archive->num_entries, sizeof *archive->entries, compare_names);
    return ERROR_NONE;
}

static enum error_kind read_metadata(struct reading *reading, json_t *header)
{
    struct tensor_archive *archive = reading->archive;
    json_t *metadata = json_object_get(header, metadata_key), *value;
    const char *key;
    if (!metadata)
        return ERROR_NONE;
    if (!json_is_object(metadata))
        return error_set(reading->error, ERROR_USAGE, "%s: \"__metadata__\" is no object; allowed: texts by name",
                         reading->path);
    archive->metadata = calloc(json_object_size(metadata) + 1, sizeof *archive->metadata);
    if (!archive->metadata)
        return error_memory(reading->error, "metadata", (double)json_object_size(metadata) * sizeof *archive->metadata);
    json_object_foreach(metadata, key, value)
    {
        char quoted[QUOTE_SIZE];
        if (!json_is_string(value))
            return error_set(reading->error, ERROR_USAGE, "%s: %s of \"__metadata__\" is no text; allowed: texts",
                             reading->path, quote(quoted, key, strlen(key)));
        archive->metadata[archive->num_metadata++] = (struct tensor_metadata){key, json_string_value(value)};
    }
    if (archive->num_metadata > 1)
        qsort(archive->metadata, archive->num_metadata, sizeof *archive->metadata, compare_keys);
    return ERROR_NONE;
}

static enum error_kind parse(struct reading *reading, const char *text, size_t size)
{
    json_error_t fault;
    if (*text != '{')
        return error_set(reading->error, ERROR_USAGE,
                         "%s: its header does not begin with '{'; allowed: JSON, an object", reading->path);
    json_t *header = json_loadb(text, size, JSON_REJECT_DUPLICATES, &fault);
    reading->archive->state = header;
    if (!header && json_error_code(&fault) == json_error_out_of_memory)
        return error_memory(reading->error, "a header", (double)size);
    if (!header) {
        char *said = text_line(fault.text, JSON_ERROR_TEXT_LENGTH); /* it quotes the text as it is */
        enum error_kind kind = error_set(reading->error, ERROR_USAGE,
                                         "%s: its header is no JSON: byte %d: %s; allowed: what safetensors writes",
                                         reading->path, fault.position, said ? said : "?");
        free(said);
        return kind;
    }
    enum error_kind kind = read_metadata(reading, header);
    return kind ? kind : read_tensors(reading, header);
}

static enum error_kind open_safetensors(struct tensor_archive *archive, struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    uint8_t preamble[PREAMBLE_BYTES];
    uint64_t size = 0;
    quote_path(path, archive->path);
    if (archive->file.size < PREAMBLE_BYTES)
        return error_set(error, ERROR_USAGE, "%s: is no .safetensors file; allowed: what safetensors writes", path);
    enum error_kind kind = regular_file_read(&archive->file, preamble, sizeof preamble, 0, error);
    if (kind)
        return kind;
    for (int i = 0; i < PREAMBLE_BYTES; i++)
        size |= (uint64_t)preamble[i] << (8 * i);
    if (size < 2 || size > HEADER_BYTES_MAX)
        return error_set(error, ERROR_USAGE, "%s: its header takes %llu bytes; allowed: 2 to %d", path,
                         (unsigned long long)size, HEADER_BYTES_MAX);
    if ((int64_t)size > archive->file.size - PREAMBLE_BYTES)
        return error_set(error, ERROR_USAGE, "%s: ends within its header; allowed: what safetensors writes", path);
    char *text = malloc(size);
    if (!text)
        return error_memory(error, "a header", (double)size);
    struct reading reading = {
        .archive = archive,
        .path = path,
        .data_start = PREAMBLE_BYTES + (int64_t)size,
        .data_bytes = archive->file.size - PREAMBLE_BYTES - (int64_t)size,
        .error = error,
    };
    kind = regular_file_read(&archive->file, text, size, PREAMBLE_BYTES, error);
    if (!kind)
        kind = parse(&reading, text, size);
    free(text);
    return kind;
}

static void close_safetensors(struct tensor_archive *archive)
{
    json_decref(archive->state);
    free(archive->entries);
    free(archive->metadata);
}

static enum error_kind describe(struct tensor_layout *layout, const struct tensor_archive *archive,
                                const struct tensor_entry *entry, struct error *error)
{
    char path[PATH_QUOTE_SIZE], name[QUOTE_SIZE], type[QUOTE_SIZE];
    *layout = entry->layout;
    if (layout->type != ELEMENT_COUNT)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "%s: tensor %s has elements %s; allowed: F64, F32, F16, BF16, F8_E4M3, F8_E5M2, F8_E4M3FNUZ, I64, "
                     "I32, I16, I8, U64, U32, U16, U8, BOOL",
                     quote_path(path, archive->path), quote(name, entry->name, strlen(entry->name)),
                     quote(type, entry->type_name, strlen(entry->type_name)));
}

static enum error_kind map(struct tensor_file *tensor, const struct tensor_archive *archive,
                           const struct tensor_entry *entry, struct error *error)
{
    return tensor_map_anywhere(tensor, &archive->file, entry->start, error);
}

const struct tensor_format safetensors_format = {
    .suffix = ".safetensors",
    .is_container = true,
    .writers = "what safetensors writes",
    .open = open_safetensors,
    .close = close_safetensors,
    .describe = describe,
    .map = map,
};
