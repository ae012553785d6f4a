/*
 * What the CUDA device is to programs that time its launches. Built where nvcc is; device_cuda.c and the benchmarks on
 * a GPU alone.
 */
#ifndef KERNELS_DEVICE_DEVICE_CUDA_H
#define KERNELS_DEVICE_DEVICE_CUDA_H

#include <cuda_runtime_api.h>

#include "kernels/device/launch.h"

/* Runs a CUDA call; on failure reports it by name in `kind` and `error`, and goes to out. The runtime forgets it,
 * unless the context is lost: who goes on with something else is not told of it by cudaGetLastError() behind a launch.
 */
#define TRY(call) TRY_OF(call, #call)
#define TRY_OF(call, name)                                                                                      \
    do {                                                                                                        \
        cudaError_t result = (call);                                                                            \
        if (result != cudaSuccess) {                                                                            \
            kind = error_set(error, ERROR_SYSTEM, "device cuda: %s: %s (%s)", name, cudaGetErrorString(result), \
                             cudaGetErrorName(result));                                                         \
            (void)cudaGetLastError();                                                                           \
            goto out;                                                                                           \
        }                                                                                                       \
    } while (0)

/* Loads a plan's functions and lets them have their shared memory, which would count as time of the first launch. */
enum error_kind cuda_prepare(const struct launch_plan *plan, struct error *error);

/* Puts the launches of a plan that is prepared, whose buffers are bound, on a stream, which may be under capture. Does
 * not wait for them. */
enum error_kind cuda_enqueue(const struct launch_plan *plan, cudaStream_t stream, struct error *error);

/* What a launch's function takes of a multiprocessor. */
struct cuda_usage {
    int registers;   /* a thread */
    int local_bytes; /* a thread: stack and spills */
    int shared_bytes;
    int blocks_per_multiprocessor; /* that are resident at once */
};

enum error_kind cuda_usage_of(struct cuda_usage *usage, const struct launch *launch, struct error *error);

#endif
