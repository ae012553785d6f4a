#include "kernels/device/device_keys.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/device/device.h"
#include "kernels/random/made_elements.h"
#include "reference/recent_keys.h"

enum { STAGING_BYTES = 64 << 20, COMPARED_BYTES = 256 << 10 };

/* Of a device's free memory: for its runtime, what a launch takes that is too small to be counted, and holes. */
static const double kept_free_bytes = 256 << 20, kept_free_share = 1.0 / 32;

/* Rows of a cache that is laid out anew; 0 where it is read as it is. */
static double laid_out_rows(const struct kernel_options *options, const struct recipe *recipe,
                            const struct problem *shape)
{
    bool past_end = recipe->masked_values == MASKED_VALUES_READ_PAST_END;
    int64_t slots = shape->seq_len + recipe->contract.keys_past_end + (past_end ? WARP_SIZE : 0);
    int64_t page = options->page_size, pages = page ? (slots + page - 1) / page : 0;
    if (page == 0)
        return slots > shape->seq_len ? (double)slots : 0;
    return (double)(pages > options->pool_pages ? pages : options->pool_pages) * (double)page;
}

double device_keys_own_bytes(const struct problem *shape)
{
    return 2 * (double)shape->seq_len * (double)kv_row_bytes(shape) + STAGING_BYTES;
}

double device_keys_bytes(enum kernel kernel, const struct kernel_options *options, const struct recipe *recipe,
                         const struct problem *shape)
{
    return device_keys_own_bytes(shape) + 2 * laid_out_rows(options, recipe, shape) * (double)kv_row_bytes(shape) +
           (double)shape->seq_len /* the mask */ +
           kernel_workspace_bytes(kernel, options, shape->seq_len, shape->num_heads, shape->head_dim);
}

double device_room(const struct device *device)
{
    struct error ignored;
    size_t size_bytes = 0;
    if (!device->ops->room || device->ops->room(device->state, &size_bytes, &ignored))
        return 0;
    return fmax(0, (double)size_bytes * (1 - kept_free_share) - kept_free_bytes);
}

enum error_kind device_keys_open(struct device_keys *keys, struct device *device, const struct problem *shape,
                                 struct error *error)
{
    const struct device_ops *ops = device->ops;
    size_t row = kv_row_bytes(shape), size = (size_t)shape->seq_len * row, staging = size;
    if (staging > STAGING_BYTES)
        staging = row < STAGING_BYTES ? STAGING_BYTES : row;
    *keys = (struct device_keys){
        .device = device,
        .staging_bytes = staging,
        .seq_len = shape->seq_len,
        .num_kv_heads = shape->num_kv_heads,
        .head_dim = shape->head_dim,
        .head_bytes = row / (size_t)shape->num_kv_heads,
        .row_bytes = row,
    };
    enum error_kind kind = ops->allocate(device->state, &keys->k, size, error);
    if (!kind)
        kind = ops->allocate(device->state, &keys->v, size, error);
    if (!kind)
        kind = ops->allocate(device->state, &keys->staging, staging, error);
    if (kind)
        device_keys_close(keys);
    return kind;
}

void device_keys_close(struct device_keys *keys)
{
    void *const memory[] = {keys->k, keys->v, keys->staging};
    for (int i = 0; i < 3 && keys->device; i++)
        keys->device->ops->release(keys->device->state, memory[i]);
    *keys = (struct device_keys){.device = NULL};
}

/* k or v of a part. */
static enum error_kind put_tensor(struct device_keys *keys, char *to, const char *from, size_t part_row,
                                  struct error *error)
{
    struct device *device = keys->device;
    size_t rows = (size_t)keys->seq_len, at_once = keys->staging_bytes / part_row;
    enum error_kind kind = ERROR_NONE;
    for (size_t row = 0; row < rows && !kind; row += at_once) {
        size_t count = rows - row < at_once ? rows - row : at_once;
        const struct row_copy copy = {
            to + row * keys->row_bytes, keys->staging, keys->row_bytes, part_row, part_row, count};
        kind = device->ops->copy_in(device->state, keys->staging, from + row * part_row, count * part_row, error);
        if (!kind)
            kind = device->ops->copy_rows(device->state, &copy, error);
    }
    return kind;
}

enum error_kind device_keys_put(struct device_keys *keys, const struct problem *part, int kv_head, struct error *error)
{
    size_t row = kv_row_bytes(part), first = (size_t)kv_head * keys->head_bytes;
    enum error_kind kind = put_tensor(keys, (char *)keys->k + first, part->k, row, error);
    return kind ? kind : put_tensor(keys, (char *)keys->v + first, part->v, row, error);
}

bool device_keys_can_make(const struct device *device, const struct problem *shape)
{
    const struct device_ops *ops = device->ops;
    return ops->make_elements && ops->sum_blocks && ops->find_maxima && shape->head_dim % LANE_DIMS == 0;
}

enum error_kind device_keys_make(struct device_keys *keys, const struct key_source *source, int kv_head,
                                 int num_kv_heads, struct error *error)
{
    const struct device *device = keys->device;
    uint64_t dim = (uint64_t)keys->head_dim, row = (uint64_t)keys->num_kv_heads * dim;
    struct made_elements made = {.source = source->k,
                                 .first = (uint64_t)source->first_key * row,
                                 .begin = (uint64_t)kv_head * dim,
                                 .run = (uint64_t)num_kv_heads * dim,
                                 .stride = row,
                                 .runs = (uint64_t)keys->seq_len};
    if (made.runs == 0 || made.run == 0)
        return ERROR_NONE;
    enum error_kind kind = device->ops->make_elements(device->state, keys->k, &made, error);
    made.source = source->v;
    return kind ? kind : device->ops->make_elements(device->state, keys->v, &made, error);
}

/* The first of the newest keys that all heads of the part have and that COMPARED_BYTES hold. */
static int64_t compared_from(const struct device_keys *keys, const struct problem *part)
{
    int64_t from = keys->seq_len - (int64_t)(COMPARED_BYTES / keys->row_bytes) - 1;
    for (int head = 0; part->recent && head < part->num_kv_heads; head++)
        from = part->recent->first[head] > from ? part->recent->first[head] : from;
    return from > 0 ? from : 0;
}

/* rows: those of all KV heads, from key `from` on. */
static bool same_rows(const struct device_keys *keys, const struct problem *part, const void *tensor, int kv_head,
                      const char *rows, int64_t from)
{
    size_t part_row = kv_row_bytes(part), first = (size_t)kv_head * keys->head_bytes;
    for (int64_t key = from; key < keys->seq_len; key++)
        if (memcmp((const char *)tensor + (size_t)key * part_row, rows + (size_t)(key - from) * keys->row_bytes + first,
                   part_row) != 0)
            return false;
    return true;
}

enum error_kind device_keys_compare(bool *same, const struct device_keys *keys, const struct problem *part, int kv_head,
                                    struct error *error)
{
    struct device *device = keys->device;
    int64_t from = compared_from(keys, part);
    size_t offset = (size_t)from * keys->row_bytes, size = (size_t)(keys->seq_len - from) * keys->row_bytes;
    char *rows = malloc(size > 0 ? size : 1);
    *same = false;
    if (!rows)
        return error_memory(error, "keys to compare", (double)size);
    enum error_kind kind = device->ops->copy_out(device->state, rows, (char *)keys->k + offset, size, error);
    bool of_k = !kind && same_rows(keys, part, part->k, kv_head, rows, from);
    if (!kind)
        kind = device->ops->copy_out(device->state, rows, (char *)keys->v + offset, size, error);
    *same = of_k && !kind && same_rows(keys, part, part->v, kv_head, rows, from);
    free(rows);
    return kind;
}
