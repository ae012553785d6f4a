/* What a GPU that is not there (fake_gpu.h) does in the place of the kernels of key_kernels.cu: their code, a thread
 * after the other. */
#ifndef KERNELS_TESTS_FAKE_GPU_KEYS_H
#define KERNELS_TESTS_FAKE_GPU_KEYS_H

#include <stdbool.h>

#include "kernels/digest/block_sums.h"
#include "kernels/digest/row_maxima.h"
#include "kernels/random/made_elements.h"

/* Elements to be made, where memory is not NULL; or blocks to be summed, where sums is not; or maxima to be found. */
struct fake_key_work {
    struct made_elements made;
    void *memory;
    struct block_rows blocks;
    uint64_t *sums;
    struct row_maxima find;
    uint32_t *maxima;
};

/* Whether there is something to do, and all that is read and written is in the device's memory and aligned. */
bool fake_gpu_keys_are_sound(const struct fake_key_work *work);

/* With the device's memory open. */
void fake_gpu_work_on_keys(const struct fake_key_work *work);

#endif
