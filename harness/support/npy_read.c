#include "harness/support/npy_read.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/support/regular_file.h"
#include "harness/support/source.h"

enum error_kind npy_read_header(struct npy_header *header, const struct regular_file *file, struct error *error)
{
    char reason[NPY_REASON_SIZE], path[PATH_QUOTE_SIZE];
    size_t size = file->size < NPY_HEADER_MAX ? (size_t)file->size : NPY_HEADER_MAX;
    uint8_t *bytes = malloc(NPY_HEADER_MAX);
    if (!bytes)
        return error_memory(error, "a header", NPY_HEADER_MAX);
    enum error_kind kind = regular_file_read(file, bytes, size, 0, error);
    if (!kind && !npy_header_parse(header, bytes, size, reason))
        kind = error_set(error, ERROR_USAGE, "%s: %s", quote_path(path, file->path), reason);
    if (!kind && header->file_size != file->size)
        kind = error_set(error, ERROR_USAGE, "%s: has %lld bytes; allowed: %lld, which its header asks for",
                         quote_path(path, file->path), (long long)file->size, (long long)header->file_size);
    free(bytes);
    return kind;
}

/* What a dump has. */
static enum error_kind check_header(const struct npy_file *file, struct error *error)
{
    static const char *const types[] = {"<f2", "<u2", "<f4", "<f8", "|u1"};
    const struct npy_header *header = &file->header;
    char path[PATH_QUOTE_SIZE];
    bool known = false;
    quote_path(path, file->path);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        known |= strcmp(header->type, types[i]) == 0;
    if (!known)
        return error_set(error, ERROR_USAGE, "%s: its elements are '%s'; allowed: '<f2', '<u2', '<f4', '<f8', '|u1'",
                         path, header->type);
    if (header->num_axes < 1 || header->num_axes > NPY_AXES_MAX)
        return error_set(error, ERROR_USAGE, "%s: has %d axes; allowed: 1 to 3", path, header->num_axes);
    if (header->num_elements == 0)
        return error_set(error, ERROR_USAGE, "%s: an axis of its shape is 0; allowed: at least 1", path);
    return ERROR_NONE;
}

enum error_kind npy_open(struct npy_file *file, const char *path, struct error *error)
{
    struct regular_file opened;
    enum error_kind kind = regular_file_open(&opened, path, ".npy files", error);
    *file = (struct npy_file){.path = path, .descriptor = opened.descriptor};
    if (!kind)
        kind = npy_read_header(&file->header, &opened, error);
    if (!kind)
        kind = check_header(file, error);
    if (kind)
        npy_close(file);
    return kind;
}

void npy_close(struct npy_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
}

enum error_kind npy_read(const struct npy_file *file, int64_t first, size_t count, void *elements, struct error *error)
{
    size_t element_bytes = npy_element_bytes(&file->header);
    const struct regular_file opened = {.path = file->path, .descriptor = file->descriptor};
    return regular_file_read(&opened, elements, count * element_bytes,
                             file->header.data_offset + first * (int64_t)element_bytes, error);
}
