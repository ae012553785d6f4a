/* A .npy file: one tensor, without a name. */
#include <stdlib.h>
#include <string.h>

#include "harness/support/npy_read.h"
#include "harness/support/tensor_format.h"
#include "harness/support/tensor_mapping.h"

static enum error_kind open_npy(struct tensor_archive *archive, struct error *error)
{
    struct npy_header header;
    enum error_kind kind = npy_read_header(&header, &archive->file, error);
    if (kind)
        return kind;
    struct tensor_entry *entry = archive->entries = calloc(1, sizeof *entry);
    if (!entry)
        return error_memory(error, "a tensor's name", sizeof *entry);
    *entry = (struct tensor_entry){
        .name = "",
        .layout = npy_header_layout(&header),
        .start = header.data_offset,
        .size_bytes = header.file_size - header.data_offset,
    };
    archive->num_entries = 1;
    return ERROR_NONE;
}

static void close_npy(struct tensor_archive *archive)
{
    free(archive->entries);
}

static enum error_kind describe(struct tensor_layout *layout, const struct tensor_archive *archive,
                                const struct tensor_entry *entry, struct error *error)
{
    (void)archive, (void)error;
    *layout = entry->layout;
    return ERROR_NONE;
}

static enum error_kind map(struct tensor_file *tensor, const struct tensor_archive *archive,
                           const struct tensor_entry *entry, struct error *error)
{
    return tensor_map_anywhere(tensor, &archive->file, entry->start, error);
}

const struct tensor_format npy_format = {
    .suffix = ".npy",
    .writers = "what numpy.save writes",
    .open = open_npy,
    .close = close_npy,
    .describe = describe,
    .map = map,
};
