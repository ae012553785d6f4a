/*
 * What a kind of device provides: memory, and launches. device.c runs plans on it; used by device.c, device_keys.c, the
 * devices and tests that have a device of their own.
 */
#ifndef KERNELS_DEVICE_DEVICE_H
#define KERNELS_DEVICE_DEVICE_H

#include "kernels/device/launch.h"

struct block_rows;    /* kernels/digest/block_sums.h */
struct made_elements; /* kernels/random/made_elements.h */
struct row_maxima;    /* kernels/digest/row_maxima.h */

enum { DEVICE_NAME_SIZE = 384 };

/* Rows within the device's memory, of row_bytes each, so many bytes from one to the next. */
struct row_copy {
    void *to;
    const void *from;
    size_t to_stride, from_stride, row_bytes, rows;
};

struct device_ops {
    /* Opens the device: fills state and the name that records show. */
    enum error_kind (*open)(void **state, char *name, const struct device_options *options, struct error *error);
    void (*close)(void *state);

    /* Memory of the device, aligned to 64 bytes at least; release accepts NULL. */
    enum error_kind (*allocate)(void *state, void **memory, size_t size_bytes, struct error *error);
    void (*release)(void *state, void *memory);
    enum error_kind (*copy_in)(void *state, void *to_device, const void *from, size_t size_bytes, struct error *error);
    enum error_kind (*copy_out)(void *state, void *to, const void *from_device, size_t size_bytes, struct error *error);
    enum error_kind (*copy_rows)(void *state, const struct row_copy *copy, struct error *error);
    enum error_kind (*fill)(void *state, void *memory, int byte, size_t size_bytes, struct error *error);
    bool shares_memory; /* kernels can work in the caller's memory */

    /* Bytes that can be allocated now, of a device that keys are handed to in parts (device_keys.h); NULL: it is not,
     * since its memory is the caller's. */
    enum error_kind (*room)(void *state, size_t *size_bytes, struct error *error);

    /* Of a device that has room: makes elements of the tensor at memory, and of what stands in its memory the sums of
     * blocks, sums[num_blocks][DIGEST_LANES], and the maxima of rows, maxima[num_groups][row_words], which stand there,
     * too. There is something to make. NULL: it cannot. */
    enum error_kind (*make_elements)(void *state, void *memory, const struct made_elements *made, struct error *error);
    enum error_kind (*sum_blocks)(void *state, uint64_t *sums, const struct block_rows *blocks, struct error *error);
    enum error_kind (*find_maxima)(void *state, uint32_t *maxima, const struct row_maxima *find, struct error *error);

    bool plain_alone; /* plain forms are the fastest even where heads share no rows */

    /* What a launch can be asked for; NULL: misplaced and nan_zones, which are device.c's. */
    struct launch_setting (*settings)(void);

    /* Whether its special functions are known to have the bits of the models by which the host device has them
     * (kernels/fidelity.h); NULL: they are the models. */
    bool (*has_models)(const void *state);

    /* Blocks that keep all of the device busy. */
    unsigned (*enough_blocks)(const void *state);

    /* Bytes of shared memory that a block may have; NULL: there is no limit. */
    size_t (*shared_room)(const void *state);

    /* Runs the plan's launches, whose buffers are bound, to their end. *seconds is theirs alone. */
    enum error_kind (*launch)(void *state, const struct launch_plan *plan, double *seconds, struct error *error);
};

extern const struct device_ops device_host_ops, device_cuda_ops;

struct device {
    enum device_kind kind;
    const struct device_ops *ops;
    void *state;
    enum kernel_form form;
    char name[DEVICE_NAME_SIZE];
    struct kept_workspace {
        void *memory;
        size_t size_bytes;
    } kept[MAX_WORKSPACE_BUFFERS]; /* by WORKSPACE_KEEP and WORKSPACE_KEPT */
};

/* device_open with operations of the caller's, which outlive the device. */
enum error_kind device_open_with(struct device **device, enum device_kind kind, const struct device_ops *ops,
                                 const struct device_options *options, struct error *error);

#endif
