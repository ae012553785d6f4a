#include "harness/subject/device_launch.h"

#include <stdlib.h>

enum error_kind device_launch_init(struct device_launch *launch, struct cuda_device *device, size_t max_twins,
                                   struct error *error)
{
    *launch = (struct device_launch){.device = device, .capacity = max_twins};
    launch->twins = calloc(max_twins, sizeof *launch->twins);
    return launch->twins ? ERROR_NONE
                         : error_memory(error, "a launch on a device", (double)(max_twins * sizeof *launch->twins));
}

void device_launch_clear(struct device_launch *launch)
{
    for (size_t i = 0; i < launch->num_twins; i++)
        cuda_device_release(launch->device, launch->twins[i].address);
    free(launch->twins);
    *launch = (struct device_launch){.device = NULL};
}

enum error_kind device_launch_put(struct device_launch *launch, void *bytes, size_t size_bytes, struct error *error)
{
    if (!bytes)
        return ERROR_NONE;
    struct device_twin *twin = &launch->twins[launch->num_twins++];
    *twin = (struct device_twin){.bytes = bytes, .size_bytes = size_bytes};
    return cuda_device_put(launch->device, &twin->address, bytes, size_bytes, error);
}

enum error_kind device_launch_get(struct device_launch *launch, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < launch->num_twins && !kind; i++)
        kind = cuda_device_get(launch->device, launch->twins[i].bytes, launch->twins[i].address,
                               launch->twins[i].size_bytes, error);
    return kind;
}

void *device_launch_place(const struct device_launch *launch, const void *place)
{
    const uintptr_t at = (uintptr_t)place;
    for (size_t i = 0; i < launch->num_twins; i++) {
        const uintptr_t first = (uintptr_t)launch->twins[i].bytes;
        if (at == first || (at > first && at < first + launch->twins[i].size_bytes))
            return (void *)(uintptr_t)(launch->twins[i].address + (at - first));
    }
    return NULL;
}

uint64_t device_launch_take(struct device_launch *launch, const void *bytes)
{
    for (size_t i = 0; i < launch->num_twins; i++)
        if (bytes && launch->twins[i].bytes == bytes) {
            const uint64_t address = launch->twins[i].address;
            launch->twins[i] = launch->twins[--launch->num_twins];
            return address;
        }
    return 0;
}
