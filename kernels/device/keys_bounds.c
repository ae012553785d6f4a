#include "kernels/device/keys_bounds.h"

#include <stdlib.h>

#include "kernels/device/device.h"
#include "kernels/digest/row_maxima.h"

enum { THREADS_AT_ONCE = 1 << 18 }; /* that a GPU keeps busy, one a word of a group */

/* Groups for which there is room in the staging, and a row more, where those of the groups end. */
static uint64_t groups_of(const struct device_keys *keys)
{
    uint64_t words = keys->row_bytes / sizeof(uint32_t), rows = (uint64_t)keys->seq_len;
    uint64_t room = keys->staging_bytes / keys->row_bytes, groups = (THREADS_AT_ONCE + words - 1) / words;
    groups = groups < room ? groups : room > 1 ? room - 1 : 1;
    return groups < rows ? groups : rows;
}

/* k or v; row[Hkv * D] is the host's. */
static enum error_kind find_bounds(float *bounds, void *row, const struct device_keys *keys, const void *tensor,
                                   const uint8_t *visible, enum dtype dtype, struct error *error)
{
    const struct device *device = keys->device;
    const uint64_t words = keys->row_bytes / sizeof(uint32_t);
    uint32_t *of_groups = keys->staging, *of_all = of_groups;
    struct row_maxima find = {tensor, words, (uint64_t)keys->seq_len, groups_of(keys), visible, dtype};
    enum error_kind kind = device->ops->find_maxima(device->state, of_groups, &find, error);
    if (find.num_groups > 1) {
        of_all = of_groups + find.num_groups * words;
        find = (struct row_maxima){of_groups, words, find.num_groups, 1, NULL, dtype};
        kind = kind ? kind : device->ops->find_maxima(device->state, of_all, &find, error);
    }
    if (!kind)
        kind = device->ops->copy_out(device->state, row, of_all, keys->row_bytes, error);
    if (!kind)
        dtype_widen(dtype, row, 0, (size_t)keys->num_kv_heads * (size_t)keys->head_dim, bounds);
    return kind;
}

enum error_kind keys_bounds(struct tensor_bounds *bounds, const struct device_keys *keys, const struct problem *whole,
                            struct error *error)
{
    const struct device *device = keys->device;
    const size_t mask_bytes = whole->visible ? (size_t)keys->seq_len : 0;
    void *row = malloc(keys->row_bytes), *visible = NULL;
    enum error_kind kind = row ? ERROR_NONE : error_memory(error, "the bounds of keys", (double)keys->row_bytes);
    if (!kind && mask_bytes)
        kind = device->ops->allocate(device->state, &visible, mask_bytes, error);
    if (!kind && mask_bytes)
        kind = device->ops->copy_in(device->state, visible, whole->visible, mask_bytes, error);
    if (!kind)
        kind = find_bounds(bounds->k, row, keys, keys->k, visible, problem_kv_dtype(whole), error);
    if (!kind)
        kind = find_bounds(bounds->v, row, keys, keys->v, visible, problem_kv_dtype(whole), error);
    device->ops->release(device->state, visible);
    free(row);
    return kind;
}
