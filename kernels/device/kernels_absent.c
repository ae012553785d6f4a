/* Stands in for device_host.c and replay.c in what knows of our kernels and runs none: libalibicheck-run. */
#include "kernels/device/device.h"
#include "kernels/device/replay.h"

static enum error_kind host_open(void **state, char *name, const struct device_options *options, struct error *error)
{
    (void)state, (void)name, (void)options;
    return error_set(error, ERROR_SYSTEM, "device host: this library has no kernels of its own");
}

const struct device_ops device_host_ops = {.open = host_open};

enum error_kind replay_run(struct replay *replay, enum kernel kernel, const struct kernel_options *options,
                           const struct recipe *recipe, const struct problem *problem, int threads, struct error *error)
{
    (void)kernel, (void)options, (void)recipe, (void)problem, (void)threads;
    *replay = (struct replay){.out = NULL};
    return error_set(error, ERROR_SYSTEM, "this library has no kernels of its own");
}

void replay_clear(struct replay *replay)
{
    *replay = (struct replay){.out = NULL};
}

double replay_bytes(enum kernel kernel, const struct kernel_options *options, int64_t seq_len, int num_heads,
                    int head_dim)
{
    (void)kernel, (void)options, (void)seq_len, (void)num_heads, (void)head_dim;
    return 0;
}
