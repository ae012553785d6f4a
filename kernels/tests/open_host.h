/* The host device, for tests that run kernels on one thread. */
#ifndef KERNELS_TESTS_OPEN_HOST_H
#define KERNELS_TESTS_OPEN_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/device/device.h"

static inline struct device *open_host(void)
{
    struct device *device;
    struct error error;
    if (device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    return device;
}

#endif
