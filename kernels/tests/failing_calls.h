/*
 * Work on the GPU that is not there (fake_gpu.h), once for each call of CUDA's that it takes, with that call failing.
 */
#ifndef KERNELS_TESTS_FAILING_CALLS_H
#define KERNELS_TESTS_FAILING_CALLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <cuda_runtime_api.h>

#include "kernels/device/device.h"
#include "kernels/tests/fake_gpu.h"

typedef enum error_kind device_work(const void *context, struct device *device, struct error *error);

/* Opens a device and works on it, with the call after the first `calls` failing, and those behind it unless once. */
static inline enum error_kind attempt(device_work *work, const void *context, long calls, bool once,
                                      struct error *error)
{
    struct device *device = NULL;
    fake_gpu_calls_left = calls;
    fake_gpu_fails_once = once;
    enum error_kind kind =
        device_open(&device, DEVICE_CUDA, &(struct device_options){.threads = 1, .form = FORM_FASTEST}, error);
    if (!kind)
        kind = work(context, device, error);
    if (!kind && once) /* or a call has failed, and nobody has noticed */
        assert_true(fake_gpu_calls_left >= 0);
    device_close(device);
    fake_gpu_calls_left = -1;
    assert_int_equal(cudaGetLastError(), cudaSuccess); /* what was told is no later call's */
    return kind;
}

/* Each call that fails, alone or with all behind it, is told and leaves nothing behind; the work takes `fewest` calls
 * or more. */
static inline void expect_failures_told(device_work *work, const void *context, long fewest)
{
    for (int once = 0; once < 2; once++) {
        struct error error;
        long calls = 0;
        for (; attempt(work, context, calls, once, &error); calls++) {
            assert_int_equal(error.kind, ERROR_SYSTEM);
            assert_non_null(strstr(error.text, "device cuda: "));
            assert_int_equal(fake_gpu_held(), 0);
        }
        assert_in_range(calls, fewest, 2000); /* so many calls it takes, and each has failed */
        assert_int_equal(fake_gpu_held(), 0);
    }
}

#endif
