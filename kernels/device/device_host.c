/* The host device: kernels on the SIMT executor, on the caller's memory. */
#include "kernels/device/device.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/dialect/fiber.h"
#include "kernels/dialect/simt.h"

#define HOST_KERNEL(enumerator, name) [KERNEL_##enumerator] = &host_##name,
static const struct compiled_kernel *const host_kernels[KERNEL_COUNT] = {KERNELS(HOST_KERNEL)};

enum { ALIGNMENT = 4096 }; /* of a page */

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum error_kind host_open(void **state, char *name, const struct device_options *options, struct error *error)
{
    snprintf(name, DEVICE_NAME_SIZE, "host (%d thread%s, fibers by %s)", options->threads,
             options->threads == 1 ? "" : "s", fiber_switch_name);
    return simt_executor_new((struct simt_executor **)state, options->threads, SIMT_FORWARD, sizeof(float), error);
}

static void host_close(void *state)
{
    simt_executor_free(state);
}

static enum error_kind host_allocate(void *state, void **memory, size_t size_bytes, struct error *error)
{
    (void)state;
    *memory = size_bytes < PTRDIFF_MAX - ALIGNMENT
                  ? aligned_alloc(ALIGNMENT, (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)
                  : NULL;
    return *memory ? ERROR_NONE : error_memory(error, "a kernel's memory", (double)size_bytes);
}

static void host_release(void *state, void *memory)
{
    (void)state;
    free(memory);
}

static enum error_kind host_copy(void *state, void *to, const void *from, size_t size_bytes, struct error *error)
{
    (void)state, (void)error;
    memcpy(to, from, size_bytes);
    return ERROR_NONE;
}

static enum error_kind host_copy_rows(void *state, const struct row_copy *copy, struct error *error)
{
    (void)state, (void)error;
    for (size_t row = 0; row < copy->rows; row++)
        memcpy((char *)copy->to + row * copy->to_stride, (const char *)copy->from + row * copy->from_stride,
               copy->row_bytes);
    return ERROR_NONE;
}

static enum error_kind host_fill(void *state, void *memory, int byte, size_t size_bytes, struct error *error)
{
    (void)state, (void)error;
    memset(memory, byte, size_bytes);
    return ERROR_NONE;
}

static unsigned host_enough_blocks(const void *state)
{
    return simt_executor_threads(state);
}

static struct launch_setting host_settings(void)
{
    return (struct launch_setting){
        .backward = true, .misplaced = true, .nan_zones = true, .far_rows = kv_cache_can_be_far()};
}

static enum error_kind host_launch(void *state, const struct launch_plan *plan, double *seconds, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    double start = now_s();
    simt_executor_set_order(state, plan->setting.backward ? SIMT_BACKWARD : SIMT_FORWARD);
    for (int i = 0; i < plan->num_launches && !kind; i++) {
        const struct launch *launch = &plan->launches[i];
        const struct compiled_form *form = launch_form(host_kernels, launch);
        struct simt_grid grid = {launch->blocks_x, launch->blocks_y, launch->blocks_z, launch->threads};
        kind = simt_launch(state, form->name, (simt_kernel *)form->function, &plan->args, &grid, error);
    }
    *seconds = now_s() - start;
    return kind;
}

const struct device_ops device_host_ops = {
    .open = host_open,
    .close = host_close,
    .allocate = host_allocate,
    .release = host_release,
    .copy_in = host_copy,
    .copy_out = host_copy,
    .copy_rows = host_copy_rows,
    .fill = host_fill,
    .shares_memory = true,
    .settings = host_settings,
    .enough_blocks = host_enough_blocks,
    .launch = host_launch,
};
