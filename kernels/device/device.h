/*
 * What a kind of device provides: memory, and launches. device.c runs plans on it; used by device.c, the devices and
 * their tests alone.
 */
#ifndef KERNELS_DEVICE_DEVICE_H
#define KERNELS_DEVICE_DEVICE_H

#include "kernels/device/launch.h"

enum { DEVICE_NAME_SIZE = 384 };

struct device_ops {
    /* Opens the device: fills state and the name that records show. */
    enum error_kind (*open)(void **state, char *name, const struct device_options *options, struct error *error);
    void (*close)(void *state);

    /* Memory of the device, aligned to 64 bytes at least; release accepts NULL. */
    enum error_kind (*allocate)(void *state, void **memory, size_t size_bytes, struct error *error);
    void (*release)(void *state, void *memory);
    enum error_kind (*copy_in)(void *state, void *to_device, const void *from, size_t size_bytes, struct error *error);
    enum error_kind (*copy_out)(void *state, void *to, const void *from_device, size_t size_bytes, struct error *error);
    bool shares_memory; /* kernels can work in the caller's memory */
    bool plain_alone;   /* plain forms are the fastest even where heads share no rows */

    /* What a launch can be asked for; NULL: misplaced and nan_zones, which are device.c's. */
    struct launch_setting (*settings)(void);

    /* Whether its special functions are known to have the bits of the models by which the host device has them
     * (kernels/fidelity.h); NULL: they are the models. */
    bool (*has_models)(const void *state);

    /* Blocks that keep all of the device busy. */
    unsigned (*enough_blocks)(const void *state);

    /* Runs the plan's launches, whose buffers are bound, to their end. *seconds is theirs alone. */
    enum error_kind (*launch)(void *state, const struct launch_plan *plan, double *seconds, struct error *error);
};

extern const struct device_ops device_host_ops, device_cuda_ops;

/* device_open with operations of the caller's, which outlive the device. */
enum error_kind device_open_with(struct device **device, enum device_kind kind, const struct device_ops *ops,
                                 const struct device_options *options, struct error *error);

#endif
