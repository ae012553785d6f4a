/* Keys that a GPU makes: how long that takes, and whether they are those that the host makes. */
#ifndef KERNELS_TESTS_BENCH_GPU_KEYS_H
#define KERNELS_TESTS_BENCH_GPU_KEYS_H

#include "kernels/tests/bench_gpu_options.h"

struct keys_made {
    double bytes;            /* of k and v */
    double make_s, digest_s; /* of all of them, the least of a few times */
    int64_t compared_keys;   /* whose bits were compared with the host's */
    bool bits_agree;
    bool digest_agrees; /* with one that was made on the host of what came back */
};

enum error_kind bench_gpu_keys(struct keys_made *made, struct device *device, const struct shape *shape,
                               struct error *error);

#endif
