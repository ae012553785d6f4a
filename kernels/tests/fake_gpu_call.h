/* How a call of CUDA's runtime begins and ends on a GPU that is not there (fake_gpu.h): one at a time, and it may be
 * the one that is to fail. */
#ifndef KERNELS_TESTS_FAKE_GPU_CALL_H
#define KERNELS_TESTS_FAKE_GPU_CALL_H

#include <cuda_runtime_api.h>

/* Waits for its turn. */
void fake_call_begin(void);

/* The same, and whether it fails before it has done anything. */
cudaError_t fake_call_enter(void);

/* Ends its turn; returns code, which cudaGetLastError has then, unless it is cudaSuccess. */
cudaError_t fake_call_leave(cudaError_t code);

/* What most calls begin with. */
#define ENTER()                                  \
    do {                                         \
        cudaError_t entered = fake_call_enter(); \
        if (entered != cudaSuccess)              \
            return fake_call_leave(entered);     \
    } while (0)

/* What was given out and is not back. */
extern int fake_gpu_holds;

#endif
