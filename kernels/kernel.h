/*
 * The kernels under test and the devices that run them.
 *
 * A kernel is one CUDA C source (*.cu) compiled for each device. It computes out[H, D] in the problem's dtype and
 * lse[H] in f32, natural logarithm; an invisible row gives out 0 and lse -inf where its recipe promises that.
 */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include "kernels/recipe.h"
#include "reference/progress.h"

enum kernel { KERNEL_SINGLE_PASS, KERNEL_SPLIT_KV, KERNEL_TWO_PASS, KERNEL_COUNT };

enum { HEAD_DIM_MIN = 64, HEAD_DIM_MAX = 256, HEAD_DIM_STEP = 16, CHUNK_LEN_MIN = 32, CHUNK_LEN_DEFAULT = 1024 };

struct kernel_info {
    const char *name;
    const char *about;
    bool uses_chunk_len; /* the kernel's arithmetic depends on chunk_len */
};

extern const struct kernel_info kernels[KERNEL_COUNT];

/* The kernel called name, or KERNEL_COUNT. */
enum kernel kernel_from_name(const char *name);

struct kernel_options {
    int64_t chunk_len;  /* keys a partition, >= CHUNK_LEN_MIN; kernels that do not split ignore it */
    int page_size;      /* keys a page of the KV cache; 0: k and v are contiguous */
    uint64_t page_seed; /* what the page table is shuffled from */
};

/* A kernel's result, in buffers of the caller's. */
struct output {
    void *out;  /* [H, D] in the problem's dtype */
    float *lse; /* [H] */
};

enum device_kind { DEVICE_CUDA, DEVICE_HOST, DEVICE_COUNT };

extern const char *const device_kind_names[DEVICE_COUNT];

struct device; /* opaque */

struct device_options {
    int threads; /* host: CPU threads over which blocks are spread, >= 1 */
};

/* ERROR_SYSTEM if the device is absent, with the runtime's reason. *device is freed by device_close. */
enum error_kind device_open(struct device **device, enum device_kind kind, const struct device_options *options,
                            struct error *error);
void device_close(struct device *device);

enum device_kind device_kind(const struct device *device);

/* What ran: "NVIDIA H200 (sm_90, CUDA 13.0)" or "host (2 threads, fibers: x86-64)". Lives as long as the device. */
const char *device_name(const struct device *device);

/*
 * Runs a kernel on a problem. *seconds is the time of the launches alone, copies excluded. ERROR_SYSTEM with the call
 * that failed, or with file and line of a divergent shuffle or barrier.
 */
enum error_kind device_run(struct device *device, enum kernel kernel, const struct kernel_options *options,
                           const struct recipe *recipe, const struct problem *problem, struct output *output,
                           double *seconds, struct error *error);

/* Bytes of device memory that the run takes beyond the problem's q, k, v and the output. */
double kernel_workspace_bytes(enum kernel kernel, const struct kernel_options *options, int64_t seq_len, int num_heads,
                              int head_dim);

#endif
