#include "kernels/kernel.h"

#include <string.h>

const struct kernel_info kernels[KERNEL_COUNT] = {
    [KERNEL_SINGLE_PASS] = {.name = "single_pass", .about = "one block a head goes through all keys, online softmax"},
    [KERNEL_SPLIT_KV] = {.name = "split_kv",
                         .about = "one block a chunk of keys, then a kernel that merges the chunks of a head",
                         .uses_chunk_len = true},
    [KERNEL_TWO_PASS] = {.name = "two_pass",
                         .about = "all logits are stored, then their softmax times v, one block a head"},
};

enum kernel kernel_from_name(const char *name)
{
    int kernel = 0;
    while (kernel < KERNEL_COUNT && strcmp(kernels[kernel].name, name))
        kernel++;
    return (enum kernel)kernel;
}
