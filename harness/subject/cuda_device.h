/*
 * A GPU, for a kernel whose tensors are in its memory: by NVIDIA's driver, which is loaded where there is one. Nothing
 * is linked. The context is the device's primary one, which the runtime library of a plug-in takes, too.
 */
#ifndef HARNESS_SUBJECT_CUDA_DEVICE_H
#define HARNESS_SUBJECT_CUDA_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reference/error.h"

struct cuda_device;

enum { CUDA_DEVICE_NAME_SIZE = 128 };

/* The first device that can be seen (CUDA_VISIBLE_DEVICES). ERROR_USAGE, in one sentence, where there is none. */
enum error_kind cuda_device_open(struct cuda_device **device, struct error *error);
void cuda_device_close(struct cuda_device *device); /* accepts NULL */

/* "NVIDIA H100 80GB HBM3, driver 13.0" */
const char *cuda_device_name(const struct cuda_device *device);

/* The stream that a kernel is launched on, a CUstream; and the device's number. */
void *cuda_device_stream(const struct cuda_device *device);
int cuda_device_number(const struct cuda_device *device);

/* What follows is ERROR_SUBJECT where the driver says no, with the call, the driver's name of the error, and what it
 * was for, and ERROR_SYSTEM where what it says is of the GPU or of who else is on it: its memory is full, or broken. An
 * error of which the context does not recover (a kernel that read where there is nothing) fails all later calls: the
 * device is lost. */

/* New memory that holds so many bytes of this process's. *address 0: there is none. */
enum error_kind cuda_device_put(struct cuda_device *device, uint64_t *address, const void *bytes, size_t size_bytes,
                                struct error *error);
enum error_kind cuda_device_get(struct cuda_device *device, void *bytes, uint64_t address, size_t size_bytes,
                                struct error *error);
void cuda_device_release(struct cuda_device *device, uint64_t address); /* accepts 0 */

/* Waits for all that was launched, on any stream. */
enum error_kind cuda_device_wait(struct cuda_device *device, struct error *error);

bool cuda_device_is_lost(struct cuda_device *device);

#endif
