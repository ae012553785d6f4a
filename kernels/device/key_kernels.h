/*
 * What key_kernels.cu has a GPU do to keys in its memory, for device_cuda.c: launches on a stream, which nobody waits
 * for. There is something to do in each.
 */
#ifndef KERNELS_DEVICE_KEY_KERNELS_H
#define KERNELS_DEVICE_KEY_KERNELS_H

#include <cuda_runtime_api.h>

#include "kernels/digest/block_sums.h"
#include "kernels/digest/row_maxima.h"
#include "kernels/random/made_elements.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes elements of the tensor at memory, which is aligned to 16 bytes (make_elements_in). */
cudaError_t key_kernels_make(const struct made_elements *made, void *memory, int multiprocessors, cudaStream_t stream);

/* sums[num_blocks][DIGEST_LANES], in the device's memory (sum_blocks_in). */
cudaError_t key_kernels_sum(const struct block_rows *blocks, uint64_t *sums, int multiprocessors, cudaStream_t stream);

/* maxima[num_groups][row_words], in the device's memory (find_row_maxima). */
cudaError_t key_kernels_maxima(const struct row_maxima *find, uint32_t *maxima, int multiprocessors,
                               cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
