/* Stands in for device_cuda.c in a build without nvcc. */
#include "kernels/device/device.h"

static enum error_kind cuda_open(void **state, char *name, const struct device_options *options, struct error *error)
{
    (void)state, (void)name, (void)options;
    return error_set(error, ERROR_SYSTEM,
                     "device cuda: this program was built without nvcc and has the host device alone");
}

const struct device_ops device_cuda_ops = {.open = cuda_open};
