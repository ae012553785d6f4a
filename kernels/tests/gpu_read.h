/* A kernel that does nothing but read: what of a GPU's bandwidth a kernel that reads the KV cache once can have. */
#ifndef KERNELS_TESTS_GPU_READ_H
#define KERNELS_TESTS_GPU_READ_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C"
#endif
    /* Reads size_bytes, a multiple of 16, of data, which is aligned to as much, in one launch on the stream. Writes 4
     * bytes to sink, if at all: so that the compiler has to read. */
    cudaError_t
    gpu_read(const void *data, size_t size_bytes, void *sink, int multiprocessors, cudaStream_t stream);

#endif
