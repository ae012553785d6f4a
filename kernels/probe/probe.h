/*
 * What a device's special functions and tensor cores return, beside the models (model.h, fused_sum.h) by which the host
 * device has their bits: whether a run on the host says what that device would compute, bit for bit.
 */
#ifndef KERNELS_PROBE_PROBE_H
#define KERNELS_PROBE_PROBE_H

#include "kernels/dialect/fused_sum.h"
#include "kernels/probe/function_dump.h"
#include "reference/error.h"
#include "reference/progress.h"

struct mma_sum;

/* What answers: a device. Each returns ERROR_SYSTEM if the device fails, ERROR_INTERRUPTED when cancelled. */
struct prober {
    /* digests[i] = that of the function's results in block first + i of inputs, i < count. */
    enum error_kind (*digests)(enum function function, uint32_t first, uint32_t count, uint64_t *digests,
                               struct progress *progress, struct error *error);
    /* results[i] = bits at the input with bits first + i, i < count; every NaN is 0x7fffffff. */
    enum error_kind (*results)(enum function function, uint32_t first, uint32_t count, uint32_t *results,
                               struct error *error);
    /* results[i] = bits of the sum of sums[i], i < count, of the dtype f16 or bf16; the same of NaNs. */
    enum error_kind (*sums)(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results,
                            struct error *error);
};

/* The GPU that device_open opens, and this machine's CPU with the models. */
extern const struct prober prober_cuda, prober_model;

struct function_probe {
    uint32_t blocks, unlike; /* of BLOCK_INPUTS inputs each: looked at, with other bits than the model's */
    /* Where there are any, the first such input, the device's bits and the model's. */
    uint32_t input, result, modelled;
};

/*
 * Compares the function at all inputs. A digest of all of them that is the model's settles it; the model itself is
 * computed, half a minute of it, where it is not.
 */
enum error_kind probe_function(struct function_probe *probe, const struct prober *prober, enum function function,
                               struct progress *progress, struct error *error);

/* The same of the blocks [first, first + count) alone. */
enum error_kind probe_blocks(struct function_probe *probe, const struct prober *prober, enum function function,
                             uint32_t first, uint32_t count, struct progress *progress, struct error *error);

struct sums_probe {
    size_t sums;
    size_t same[TENSOR_CORE_COUNT]; /* as many have the bits of that generation's model */
};

/* Compares sums drawn as mma_sums.h draws them, count of them, at most MOST_PROBED_SUMS. */
enum { MOST_PROBED_SUMS = 1000000 };
enum error_kind probe_sums(struct sums_probe *probe, const struct prober *prober, enum dtype dtype, size_t count,
                           struct error *error);

#endif
