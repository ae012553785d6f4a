/* What a GPU that is not there (fake_gpu.h) does in the place of the kernels of key_kernels.cu: their code, a thread
 * after the other. */
#ifndef KERNELS_TESTS_FAKE_GPU_KEYS_H
#define KERNELS_TESTS_FAKE_GPU_KEYS_H

#include <stdbool.h>

#include "kernels/digest/block_sums.h"
#include "kernels/random/made_elements.h"

/* Elements to be made, or where memory is NULL blocks to be summed. */
struct fake_key_work {
    struct made_elements made;
    void *memory;
    struct block_rows blocks;
    uint64_t *sums;
};

/* Whether there is something to do, and all that is read and written is in the device's memory and aligned. */
bool fake_gpu_keys_are_sound(const struct fake_key_work *work);

/* With the device's memory open. */
void fake_gpu_work_on_keys(const struct fake_key_work *work);

#endif
