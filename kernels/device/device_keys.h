/*
 * Keys in a device's memory: k and v of a problem that are put there some KV heads at a time, so that a kernel can be
 * launched on all heads at once while the caller has no more than a part of them.
 */
#ifndef KERNELS_DEVICE_DEVICE_KEYS_H
#define KERNELS_DEVICE_DEVICE_KEYS_H

#include "kernels/kernel.h"

struct key_source; /* kernels/random/made_elements.h */

struct device_keys {
    struct device *device; /* the caller's; NULL: there are none */
    void *k, *v;           /* [N, Hkv, D], of the whole problem; the device's memory, for batches of keys_on_device */
    void *staging;         /* where what was copied there waits, side by side, for its place among the other heads */
    size_t staging_bytes;
    int64_t seq_len;
    int num_kv_heads, head_dim;
    size_t head_bytes, row_bytes; /* of a key: one KV head's, and all */
};

/* Bytes of the device's memory that the keys of a problem take there, and that a launch on all its heads takes at most,
 * k and v and their layout included. */
double device_keys_own_bytes(const struct problem *shape);
double device_keys_bytes(enum kernel kernel, const struct kernel_options *options, const struct recipe *recipe,
                         const struct problem *shape);

/* Bytes that may be asked of a device in this way: what it has free, but for a little that others may want. 0 for one
 * that works in the caller's memory, and where it does not tell. */
double device_room(const struct device *device);

/* Room for the keys of a problem of this shape. ERROR_SYSTEM if there is none. keys is overwritten; device_keys_close
 * frees, and accepts a zeroed one. */
enum error_kind device_keys_open(struct device_keys *keys, struct device *device, const struct problem *shape,
                                 struct error *error);
void device_keys_close(struct device_keys *keys);

/* Puts the keys of a part there: all its KV heads, the first of which is kv_head of the whole. */
enum error_kind device_keys_put(struct device_keys *keys, const struct problem *part, int kv_head, struct error *error);

/* Whether keys of this shape can be made on the device, digested (keys_digest.h) and bounded there (keys_bounds.h): it
 * takes whole lanes. */
bool device_keys_can_make(const struct device *device, const struct problem *shape);

/* Makes the keys of KV heads kv_head .. kv_head + num_kv_heads where they belong, on a device that can; source is of
 * the dtype of the shape. It waits for nothing: what the device is asked for behind it finds them made. */
enum error_kind device_keys_make(struct device_keys *keys, const struct key_source *source, int kv_head,
                                 int num_kv_heads, struct error *error);

/* Whether the newest keys there are those of a part, the first of whose KV heads is kv_head of the whole: a few of all,
 * or of the newest ones where the part has no others (recent_keys.h). */
enum error_kind device_keys_compare(bool *same, const struct device_keys *keys, const struct problem *part, int kv_head,
                                    struct error *error);

#endif
