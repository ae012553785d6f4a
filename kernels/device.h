/*
 * What a kind of device provides; used by device.c and the devices alone.
 */
#ifndef KERNELS_DEVICE_H
#define KERNELS_DEVICE_H

#include "kernels/launch.h"

enum { DEVICE_NAME_SIZE = 320 };

struct device_ops {
    /* Opens the device: fills state and the name that records show. */
    enum error_kind (*open)(void **state, char *name, const struct device_options *options, struct error *error);
    /* Runs a plan: inputs to the device, launches, output back. */
    enum error_kind (*run)(void *state, struct launch_plan *plan, const struct problem *problem, struct output *output,
                           double *seconds, struct error *error);
    void (*close)(void *state);
};

extern const struct device_ops device_host_ops, device_cuda_ops;

#endif
