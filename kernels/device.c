#include "kernels/device.h"

#include <stdlib.h>

struct device {
    enum device_kind kind;
    const struct device_ops *ops;
    void *state;
    char name[DEVICE_NAME_SIZE];
};

const char *const device_kind_names[DEVICE_COUNT] = {[DEVICE_CUDA] = "cuda", [DEVICE_HOST] = "host"};

static const struct device_ops *const device_ops[DEVICE_COUNT] = {
    [DEVICE_CUDA] = &device_cuda_ops,
    [DEVICE_HOST] = &device_host_ops,
};

enum error_kind device_open(struct device **device, enum device_kind kind, const struct device_options *options,
                            struct error *error)
{
    struct device *opened = calloc(1, sizeof *opened);
    *device = NULL;
    if (!opened)
        return error_memory(error, "a device", sizeof *opened);
    opened->kind = kind;
    opened->ops = device_ops[kind];
    enum error_kind result = opened->ops->open(&opened->state, opened->name, options, error);
    if (result) {
        free(opened);
        return result;
    }
    *device = opened;
    return ERROR_NONE;
}

void device_close(struct device *device)
{
    if (!device)
        return;
    device->ops->close(device->state);
    free(device);
}

enum device_kind device_kind(const struct device *device)
{
    return device->kind;
}

const char *device_name(const struct device *device)
{
    return device->name;
}

enum error_kind device_run(struct device *device, enum kernel kernel, const struct kernel_options *options,
                           const struct recipe *recipe, const struct problem *problem, struct output *output,
                           double *seconds, struct error *error)
{
    struct launch_plan plan;
    enum error_kind kind = plan_launches(&plan, kernel, options, recipe, problem, error);
    if (!kind)
        kind = device->ops->run(device->state, &plan, problem, output, seconds, error);
    plan_clear(&plan);
    return kind;
}
