#include "harness/support/tensor_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/support/source.h"
#include "harness/support/tensor_format.h"

#define FORMAT_ROW(name) &(name),
static const struct tensor_format *const formats[] = {TENSOR_FORMATS(FORMAT_ROW)};
enum {
    NUM_FORMATS = sizeof formats / sizeof formats[0],
    AROUND_BYTES = 2 << 20, /* of Linux's ways to map more than was asked for, the one that maps most */
    LISTED_MAX = 16,
    LIST_SIZE = LISTED_MAX * (QUOTE_SIZE + 2) + 32
};
#define ALLOWED_NAMES "FILE.npy, FILE.npz:NAME, FILE.safetensors:NAME"

/* The format of a path[0, size) by its end; NULL if it is none. */
static const struct tensor_format *format_of(const char *path, size_t size)
{
    for (int i = 0; i < NUM_FORMATS; i++) {
        size_t suffix_size = strlen(formats[i]->suffix);
        if (size > suffix_size && memcmp(path + size - suffix_size, formats[i]->suffix, suffix_size) == 0)
            return formats[i];
    }
    return NULL;
}

/* ---- all of a file ----------------------------------------------------------------------------------------------- */

enum error_kind tensor_archive_open(struct tensor_archive *archive, const char *path, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE], allowed[64];
    const struct tensor_format *format = format_of(path, strlen(path));
    *archive = (struct tensor_archive){.path = path, .format = format, .file = {.descriptor = -1}};
    if (!format)
        return error_set(error, ERROR_USAGE, "%s: is no tensor by its name; allowed: " ALLOWED_NAMES,
                         quote_path(quoted, path));
    snprintf(allowed, sizeof allowed, "%s files", format->suffix);
    enum error_kind kind = regular_file_open(&archive->file, path, allowed, error);
    if (!kind)
        kind = format->open(archive, error);
    if (kind)
        tensor_archive_close(archive);
    return kind;
}

enum error_kind tensor_archive_in_memory(struct tensor_archive *archive, const char *name, const void *bytes,
                                         size_t size, struct error *error)
{
    *archive = (struct tensor_archive){
        .path = name, .format = &safetensors_format, .file = regular_file_in_memory(name, bytes, size)};
    enum error_kind kind = archive->format->open(archive, error);
    if (kind)
        tensor_archive_close(archive);
    return kind;
}

void tensor_archive_close(struct tensor_archive *archive)
{
    if (!archive->format)
        return;
    archive->format->close(archive);
    regular_file_close(&archive->file);
    *archive = (struct tensor_archive){.file = {.descriptor = -1}};
}

static int compare_entry(const void *name, const void *entry)
{
    return strcmp(name, ((const struct tensor_entry *)entry)->name);
}

const struct tensor_entry *tensor_archive_find(const struct tensor_archive *archive, const char *name)
{
    if (archive->num_entries == 0)
        return NULL;
    return bsearch(name, archive->entries, archive->num_entries, sizeof *archive->entries, compare_entry);
}

/* The first names, with commas between them. list: LIST_SIZE characters, returned. */
static const char *list_names(char *list, const struct tensor_archive *archive)
{
    char quoted[QUOTE_SIZE];
    size_t used = 0, shown = archive->num_entries < LISTED_MAX ? archive->num_entries : LISTED_MAX - 1;
    *list = '\0';
    for (size_t i = 0; i < shown; i++) {
        const char *name = archive->entries[i].name;
        used +=
            (size_t)snprintf(list + used, LIST_SIZE - used, "%s%s", i ? ", " : "", quote(quoted, name, strlen(name)));
    }
    if (shown < archive->num_entries)
        snprintf(list + used, LIST_SIZE - used, " and %zu more", archive->num_entries - shown);
    return list;
}

enum error_kind tensor_archive_choose(const struct tensor_entry **entry, const struct tensor_archive *archive,
                                      const char *name, struct error *error)
{
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE], list[LIST_SIZE];
    quote_path(path, archive->path);
    *entry = name ? tensor_archive_find(archive, name) : archive->num_entries == 1 ? archive->entries : NULL;
    if (*entry)
        return ERROR_NONE;
    if (archive->num_entries == 0)
        return error_set(error, ERROR_USAGE, "%s: has no tensor; allowed: %s", path, archive->format->writers);
    list_names(list, archive);
    if (name)
        return error_set(error, ERROR_USAGE, "%s: has no tensor %s; allowed: %s", path,
                         quote(quoted, name, strlen(name)), list);
    return error_set(error, ERROR_USAGE, "%s: has %zu tensors; allowed: the name of one behind a colon: %s", path,
                     archive->num_entries, list);
}

enum error_kind tensor_archive_describe(struct tensor_layout *layout, const struct tensor_archive *archive,
                                        const struct tensor_entry *entry, struct error *error)
{
    return archive->format->describe(layout, archive, entry, error);
}

/* "FILE" or "FILE:NAME". */
static char *join_name(const char *path, const char *name)
{
    char *joined;
    if (!*name)
        return strdup(path);
    return asprintf(&joined, "%s:%s", path, name) < 0 ? NULL : joined;
}

enum error_kind tensor_archive_tensor(struct tensor_file *tensor, const struct tensor_archive *archive,
                                      const struct tensor_entry *entry, struct error *error)
{
    *tensor = (struct tensor_file){.name = join_name(archive->path, entry->name), .file = archive->file};
    if (!tensor->name)
        return error_memory(error, "a tensor's name", (double)strlen(archive->path));
    tensor->file.path = tensor->name;
    tensor->file.descriptor = fcntl(archive->file.descriptor, F_DUPFD_CLOEXEC, 0);
    enum error_kind kind = ERROR_NONE;
    if (tensor->file.descriptor < 0)
        kind = error_set(error, ERROR_SYSTEM, "%s: cannot be opened: %s", tensor->name, strerror(errno));
    if (!kind)
        kind = archive->format->describe(&tensor->layout, archive, entry, error);
    if (!kind)
        kind = archive->format->map(tensor, archive, entry, error);
    if (kind)
        tensor_close(tensor);
    return kind;
}

enum error_kind tensor_archive_copy(void *to, const struct tensor_archive *archive, const struct tensor_entry *entry,
                                    struct error *error)
{
    return regular_file_read(&archive->file, to, (size_t)entry->size_bytes, entry->start, error);
}

const char *tensor_archive_metadata(const struct tensor_archive *archive, const char *key)
{
    for (size_t i = 0; i < archive->num_metadata; i++)
        if (strcmp(archive->metadata[i].key, key) == 0)
            return archive->metadata[i].value;
    return NULL;
}

/* ---- one tensor -------------------------------------------------------------------------------------------------- */

/* Where the last colon is behind the name of a container; NULL: all of name is a path. */
static const char *find_colon(const char *name)
{
    for (size_t size = strlen(name); size > 0; size--) {
        const struct tensor_format *format = name[size] == ':' ? format_of(name, size) : NULL;
        if (format && format->is_container)
            return name + size;
    }
    return NULL;
}

enum error_kind tensor_open(struct tensor_file *tensor, const char *name, struct error *error)
{
    struct tensor_archive archive;
    const struct tensor_entry *entry;
    const char *colon = find_colon(name);
    char *path = colon ? strndup(name, (size_t)(colon - name)) : strdup(name);
    *tensor = (struct tensor_file){.file = {.descriptor = -1}};
    if (!path)
        return error_memory(error, "a path", (double)strlen(name));
    enum error_kind kind = tensor_archive_open(&archive, path, error);
    if (!kind)
        kind = tensor_archive_choose(&entry, &archive, colon ? colon + 1 : NULL, error);
    if (!kind)
        kind = tensor_archive_tensor(tensor, &archive, entry, error);
    tensor_archive_close(&archive);
    free(path);
    return kind;
}

void tensor_close(struct tensor_file *tensor)
{
    if (!tensor->name)
        return;
    if (tensor->mapping)
        munmap(tensor->mapping, tensor->mapping_bytes);
    regular_file_close(&tensor->file);
    free(tensor->name);
    *tensor = (struct tensor_file){.file = {.descriptor = -1}};
}

enum error_kind tensor_reinterpret(struct tensor_file *tensor, enum element_type type, struct error *error)
{
    char name[PATH_QUOTE_SIZE], text[TENSOR_LAYOUT_TEXT_SIZE];
    const struct element_type_info *found = &element_types[tensor->layout.type], *told = &element_types[type];
    if (type == tensor->layout.type)
        return ERROR_NONE;
    quote_path(name, tensor->name);
    tensor_layout_text(text, &tensor->layout);
    if (!found->is_raw && !found->may_be_bits)
        return error_set(error, ERROR_USAGE, "%s: has %s, which is not %s; allowed: %s", name, text, told->name,
                         found->name);
    if (found->size_bytes != told->size_bytes)
        return error_set(error, ERROR_USAGE, "%s: has %s, which is not %s; allowed: types of %zu bytes", name, text,
                         told->name, found->size_bytes);
    if (told->is_raw || (!found->is_raw && !told->is_float))
        return error_set(error, ERROR_USAGE, "%s: has %s, which is not %s; allowed: %s, or floats of %zu bytes", name,
                         text, told->name, found->name, found->size_bytes);
    tensor->layout.type = type;
    return ERROR_NONE;
}

void tensor_forget(const struct tensor_file *tensor, int64_t first, int64_t count)
{
    if (!tensor->mapping || count <= 0)
        return;
    size_t element_bytes = element_types[tensor->layout.type].size_bytes, page = (size_t)sysconf(_SC_PAGESIZE);
    size_t offset = (size_t)(tensor->elements - (const uint8_t *)tensor->mapping);
    size_t start = offset + (size_t)first * element_bytes, end = start + (size_t)count * element_bytes;
    /* Reading a page brings pages around it, too, those of an element before that were forgotten among them. */
    start = start < AROUND_BYTES ? 0 : (start - AROUND_BYTES) / page * page;
    /* Whole pages: what else they hold is read again, too. Where it fails the memory is merely kept. */
    (void)madvise((char *)tensor->mapping + start, end - start, MADV_DONTNEED);
}

enum error_kind tensor_check_unchanged(const struct tensor_file *tensor, struct error *error)
{
    return regular_file_check_unchanged(&tensor->file, error);
}
