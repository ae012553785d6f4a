/* Times work on a GPU: repetitions captured into a graph, which is replayed between events. */
#ifndef KERNELS_TESTS_GPU_TIMING_H
#define KERNELS_TESTS_GPU_TIMING_H

#include "kernels/device/device_cuda.h"

/* Work that is timed: repetition i, put on a stream that may be under capture. */
struct gpu_work {
    enum error_kind (*enqueue)(void *context, int repetition, cudaStream_t stream, struct error *error);
    void *context;
    int rotation; /* repetitions until one works on the same memory again, >= 1 */
};

enum { GPU_MAX_REPLAYS = 1000 };

struct gpu_timing {
    int replays;     /* 1 .. GPU_MAX_REPLAYS; fewer, but 3, where they would take longer than max_s */
    double replay_s; /* a replay has so many whole rotations that it takes this long at least */
    double max_s;
};

struct gpu_times {
    double median_s, min_s; /* of one repetition: over replays, of a replay's mean */
    int replays, repetitions;
};

/* Replays are enqueued one behind the other, so that none waits for the host. */
enum error_kind gpu_time(struct gpu_times *times, const struct gpu_work *work, const struct gpu_timing *timing,
                         cudaStream_t stream, struct error *error);

/* Bytes a second of a copy on the device, those read and those written, and of a kernel that only reads. */
struct gpu_bandwidth {
    double copy_bytes_s, read_bytes_s;
};

/* from and to are two buffers of size_bytes, a multiple of 16, that no cache holds; multiprocessors: the GPU's. */
enum error_kind gpu_bandwidth(struct gpu_bandwidth *bandwidth, const void *from, void *to, size_t size_bytes,
                              int multiprocessors, const struct gpu_timing *timing, cudaStream_t stream,
                              struct error *error);

#endif
