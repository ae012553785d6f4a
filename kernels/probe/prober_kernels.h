/* What prober_kernels.cu runs on the GPU, for prober_cuda.c: each waits until it is done, and copies results back. */
#ifndef KERNELS_PROBE_PROBER_KERNELS_H
#define KERNELS_PROBE_PROBER_KERNELS_H

#include <cuda_runtime_api.h>

#include "kernels/probe/mma_sums.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As struct prober (probe.h) has them. */
cudaError_t prober_digests(int function, uint32_t first, uint32_t count, uint64_t *digests);
cudaError_t prober_results(int function, uint32_t first, uint32_t count, uint32_t *results);
cudaError_t prober_sums(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results);

#ifdef __cplusplus
}
#endif

#endif
