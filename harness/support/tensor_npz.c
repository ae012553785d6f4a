/* A .npz file: a zip file whose member NAME.npy is the tensor NAME, stored or deflated. Other members are no tensors.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/support/npy_header.h"
#include "harness/support/source.h"
#include "harness/support/tensor_format.h"
#include "harness/support/tensor_mapping.h"
#include "harness/support/zip_member.h"

static const char npy_suffix[] = ".npy";

struct npz {
    struct zip_directory directory;
    char *names; /* of tensors */
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct tensor_entry *)a)->name, ((const struct tensor_entry *)b)->name);
}

static enum error_kind list_tensors(struct tensor_archive *archive, struct npz *npz, struct error *error)
{
    size_t count = npz->directory.num_members, names_size = 1;
    for (size_t i = 0; i < count; i++)
        names_size += strlen(npz->directory.members[i].name);
    char *name = npz->names = malloc(names_size);
    archive->entries = calloc(count + 1, sizeof *archive->entries);
    if (!npz->names || !archive->entries)
        return error_memory(error, "the tensors' names", (double)names_size);
    for (size_t i = 0; i < count; i++) {
        const struct zip_member *member = &npz->directory.members[i];
        size_t size = strlen(member->name), suffix_size = strlen(npy_suffix);
        if (size < suffix_size || strcmp(member->name + size - suffix_size, npy_suffix) != 0)
            continue;
        memcpy(name, member->name, size - suffix_size);
        name[size - suffix_size] = '\0';
        archive->entries[archive->num_entries++] = (struct tensor_entry){
            .name = name,
            .layout.type = ELEMENT_COUNT,
            .start = member->start,
            .size_bytes = member->packed_size,
            .index = i,
        };
        name += size - suffix_size + 1;
    }
    if (archive->num_entries > 1)
        qsort(archive->entries, archive->num_entries, sizeof *archive->entries, compare_names);
    return ERROR_NONE;
}

static enum error_kind open_npz(struct tensor_archive *archive, struct error *error)
{
    struct npz *npz = archive->state = calloc(1, sizeof *npz);
    if (!npz)
        return error_memory(error, "a directory", sizeof *npz);
    enum error_kind kind = zip_directory_read(&npz->directory, &archive->file, error);
    return kind ? kind : list_tensors(archive, npz, error);
}

static void close_npz(struct tensor_archive *archive)
{
    struct npz *npz = archive->state;
    if (npz) {
        zip_directory_clear(&npz->directory);
        free(npz->names);
    }
    free(npz);
    free(archive->entries);
}

static const struct zip_member *member_of(const struct tensor_archive *archive, const struct tensor_entry *entry)
{
    const struct npz *npz = archive->state;
    return &npz->directory.members[entry->index];
}

static enum error_kind read_header(struct npy_header *header, const struct tensor_archive *archive,
                                   const struct tensor_entry *entry, struct error *error)
{
    char reason[NPY_REASON_SIZE], path[PATH_QUOTE_SIZE], name[QUOTE_SIZE];
    const struct zip_member *member = member_of(archive, entry);
    size_t count;
    uint8_t *bytes = malloc(NPY_HEADER_MAX);
    if (!bytes)
        return error_memory(error, "a header", NPY_HEADER_MAX);
    enum error_kind kind = zip_member_begin(member, &archive->file, bytes, NPY_HEADER_MAX, &count, error);
    quote_path(path, archive->path);
    quote(name, member->name, strlen(member->name));
    if (!kind && !npy_header_parse(header, bytes, count, reason))
        kind = error_set(error, ERROR_USAGE, "%s: member %s: %s", path, name, reason);
    if (!kind && header->file_size != member->size)
        kind = error_set(error, ERROR_USAGE, "%s: member %s has %lld bytes; allowed: %lld, which its header asks for",
                         path, name, (long long)member->size, (long long)header->file_size);
    free(bytes);
    return kind;
}

static enum error_kind describe(struct tensor_layout *layout, const struct tensor_archive *archive,
                                const struct tensor_entry *entry, struct error *error)
{
    struct npy_header header;
    enum error_kind kind = read_header(&header, archive, entry, error);
    if (!kind)
        *layout = npy_header_layout(&header);
    return kind;
}

/* Unpacked, into a temporary file. */
static enum error_kind map_copy(struct tensor_file *tensor, const struct tensor_archive *archive,
                                const struct zip_member *member, int64_t data_offset, struct error *error)
{
    struct regular_file scratch = {.path = archive->path, .size = member->size};
    enum error_kind kind = scratch_file_open(&scratch.descriptor, error);
    if (!kind)
        kind = zip_member_unpack(member, &archive->file, scratch.descriptor, error);
    if (!kind)
        kind = tensor_map_anywhere(tensor, &scratch, data_offset, error);
    regular_file_close(&scratch); /* what is mapped stays */
    return kind;
}

static enum error_kind map(struct tensor_file *tensor, const struct tensor_archive *archive,
                           const struct tensor_entry *entry, struct error *error)
{
    struct npy_header header;
    const struct zip_member *member = member_of(archive, entry);
    enum error_kind kind = read_header(&header, archive, entry, error);
    if (kind)
        return kind;
    int64_t offset = member->start + header.data_offset;
    if (member->method != ZIP_STORED || offset % (int64_t)npy_element_bytes(&header) != 0)
        return map_copy(tensor, archive, member, header.data_offset, error);
    kind = zip_member_unpack(member, &archive->file, -1, error);
    return kind ? kind : tensor_map(tensor, archive->file.descriptor, offset, error);
}

const struct tensor_format npz_format = {
    .suffix = ".npz",
    .is_container = true,
    .writers = "what numpy.savez writes",
    .open = open_npz,
    .close = close_npz,
    .describe = describe,
    .map = map,
};
