#include "harness/support/tensor_mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/support/source.h"

enum { BLOCK_BYTES = 1 << 20 };

enum error_kind tensor_map(struct tensor_file *tensor, int descriptor, int64_t offset, struct error *error)
{
    static const uint64_t nothing = 0;
    char name[PATH_QUOTE_SIZE];
    int64_t size = tensor_layout_bytes(&tensor->layout), before = offset % sysconf(_SC_PAGESIZE);
    tensor->elements = (const uint8_t *)&nothing;
    if (size == 0)
        return ERROR_NONE;
    void *mapping = mmap(NULL, (size_t)(size + before), PROT_READ, MAP_SHARED, descriptor, offset - before);
    if (mapping == MAP_FAILED)
        return error_set(error, ERROR_SYSTEM, "%s: cannot be mapped: %s", quote_path(name, tensor->name),
                         strerror(errno));
    tensor->mapping = mapping;
    tensor->mapping_bytes = (size_t)(size + before);
    tensor->elements = (const uint8_t *)mapping + before;
    return ERROR_NONE;
}

static enum error_kind copy(int destination, const struct regular_file *file, int64_t offset, int64_t size,
                            struct error *error)
{
    void *block = malloc(BLOCK_BYTES);
    enum error_kind kind = block ? ERROR_NONE : error_memory(error, "a block of elements", BLOCK_BYTES);
    for (int64_t done = 0; !kind && done < size; done += BLOCK_BYTES) {
        size_t now = size - done < BLOCK_BYTES ? (size_t)(size - done) : BLOCK_BYTES;
        kind = regular_file_read(file, block, now, offset + done, error);
        if (!kind)
            kind = scratch_file_write(destination, block, now, error);
    }
    free(block);
    return kind;
}

enum error_kind tensor_map_anywhere(struct tensor_file *tensor, const struct regular_file *file, int64_t offset,
                                    struct error *error)
{
    if (offset % (int64_t)element_types[tensor->layout.type].size_bytes == 0)
        return tensor_map(tensor, file->descriptor, offset, error);
    int scratch;
    enum error_kind kind = scratch_file_open(&scratch, error);
    if (!kind)
        kind = copy(scratch, file, offset, tensor_layout_bytes(&tensor->layout), error);
    if (!kind)
        kind = tensor_map(tensor, scratch, 0, error);
    if (scratch >= 0)
        close(scratch); /* what is mapped stays */
    return kind;
}
