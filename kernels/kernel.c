#include "kernels/descriptor.h"

#include <string.h>

#define DESCRIPTOR(enumerator, name) [KERNEL_##enumerator] = &kernel_##name,

const struct kernel_descriptor *const kernels[KERNEL_COUNT] = {KERNELS(DESCRIPTOR)};

#define KERNEL_NAME(enumerator, name) [KERNEL_##enumerator] = #name,

const char *const kernel_names[KERNEL_COUNT] = {KERNELS(KERNEL_NAME)};

enum kernel kernel_from_name(const char *name)
{
    int kernel = 0;
    while (kernel < KERNEL_COUNT && strcmp(kernels[kernel]->name, name))
        kernel++;
    return (enum kernel)kernel;
}
