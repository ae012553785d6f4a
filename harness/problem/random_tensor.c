#include "harness/problem/random_tensor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/support/source.h"
#include "harness/support/tensor_mapping.h"
#include "reference/computing_environment.h"

enum { BLOCK = 256 * 1024 }; /* elements that are drawn, rounded and written at a time: a multiple of GENERATOR_BLOCK */

bool random_tensor_may_be(enum element_type type)
{
    return element_type_dtype(type) < DTYPE_COUNT_WITH_FP8;
}

/* Room for it on the disk, or the reason why there is none. What the file system cannot do at once is left to writing.
 */
static enum error_kind reserve(int descriptor, const struct tensor_file *tensor, struct error *error)
{
    char name[PATH_QUOTE_SIZE];
    int64_t bytes = tensor_layout_bytes(&tensor->layout);
    if (bytes == 0 || fallocate(descriptor, 0, 0, bytes) == 0 || errno == EOPNOTSUPP)
        return ERROR_NONE;
    return error_set(error, ERROR_SYSTEM, "%s: takes %.3g GB, for which there is no room in $TMPDIR, or /var/tmp: %s",
                     quote_path(name, tensor->name), (double)bytes * 1e-9, strerror(errno));
}

static enum error_kind draw(int descriptor, const struct tensor_file *tensor, enum tensor drawn_as, uint64_t seed,
                            const struct progress *progress, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    enum dtype dtype = element_type_dtype(tensor->layout.type);
    size_t count = (size_t)tensor->layout.num_elements;
    float *values = malloc(BLOCK * sizeof *values);
    void *rounded = malloc(BLOCK * dtypes[dtype].size_bytes);
    enum error_kind kind = values && rounded
                               ? ERROR_NONE
                               : error_memory(error, "a block of elements", (double)(2 * BLOCK * sizeof *values));
    for (size_t first = 0; first < count && !kind; first += BLOCK) {
        size_t now = count - first < BLOCK ? count - first : BLOCK;
        input_stream(values, &input_spec_default, seed, drawn_as, first, now);
        dtype_narrow(dtype, rounded, 0, now, values);
        kind = scratch_file_write(descriptor, rounded, now * dtypes[dtype].size_bytes, error);
        if (!kind && progress_cancelled(progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted while making inputs");
    }
    free(values);
    free(rounded);
    return kind;
}

enum error_kind random_tensor_make(struct tensor_file *tensor, const char *name, const struct tensor_layout *layout,
                                   enum tensor drawn_as, uint64_t seed, const struct progress *progress,
                                   struct error *error)
{
    struct stat status;
    *tensor = (struct tensor_file){.name = strdup(name), .layout = *layout, .file = {.descriptor = -1}};
    if (!tensor->name)
        return error_memory(error, "a tensor's name", (double)strlen(name));
    tensor->file.path = tensor->name;
    enum error_kind kind = scratch_file_open(&tensor->file.descriptor, error);
    if (!kind)
        kind = reserve(tensor->file.descriptor, tensor, error);
    if (!kind)
        kind = draw(tensor->file.descriptor, tensor, drawn_as, seed, progress, error);
    if (!kind)
        kind = tensor_map(tensor, tensor->file.descriptor, 0, error);
    if (!kind && fstat(tensor->file.descriptor, &status) != 0)
        kind = error_set(error, ERROR_SYSTEM, "%s: cannot be looked at: %s", tensor->name, strerror(errno));
    if (kind) {
        tensor_close(tensor);
        return kind;
    }
    tensor->file.size = status.st_size;
    tensor->file.modified = status.st_mtim;
    return ERROR_NONE;
}
