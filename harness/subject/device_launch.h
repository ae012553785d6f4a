/*
 * A launch's buffers in a device's memory: copied there before it and back after it. Whoever made them goes on with
 * this process's, which then hold what the device's do.
 */
#ifndef HARNESS_SUBJECT_DEVICE_LAUNCH_H
#define HARNESS_SUBJECT_DEVICE_LAUNCH_H

#include "harness/subject/cuda_device.h"

/* A buffer of this process and its twin on the device. */
struct device_twin {
    char *bytes;
    size_t size_bytes;
    uint64_t address;
};

struct device_launch {
    struct cuda_device *device;
    struct device_twin *twins; /* [num_twins] */
    size_t num_twins, capacity;
};

/* device_launch_clear releases, whatever the result of the others. ERROR_SYSTEM, and ERROR_SUBJECT by the driver. */
enum error_kind device_launch_init(struct device_launch *launch, struct cuda_device *device, size_t max_twins,
                                   struct error *error);
void device_launch_clear(struct device_launch *launch);

/* Copies a buffer there. bytes NULL: nothing. Of no more than max_twins. */
enum error_kind device_launch_put(struct device_launch *launch, void *bytes, size_t size_bytes, struct error *error);

/* Copies all of them back. */
enum error_kind device_launch_get(struct device_launch *launch, struct error *error);

/* Where on the device what is at a place within a buffer is; NULL for what is in none. */
void *device_launch_place(const struct device_launch *launch, const void *place);

/* The twin of a buffer is the caller's from here on; 0: it has none. */
uint64_t device_launch_take(struct device_launch *launch, const void *bytes);

#endif
