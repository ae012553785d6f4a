/*
 * The models of a GPU's special functions and tensor cores, by which the host device has their bits, as functions of
 * bits: what a device is compared with (probe.h).
 */
#ifndef KERNELS_PROBE_MODEL_H
#define KERNELS_PROBE_MODEL_H

#include "kernels/probe/function_dump.h"

/* The bits of the function's result at an input's; every NaN is 0x7fffffff. */
uint32_t function_model(enum function function, uint32_t input);

/* The digest (function_dump.h) of a block of inputs, block < DIGEST_BLOCKS. */
uint64_t function_model_digest(enum function function, uint32_t block);

/* [function]: the sum of all its blocks' digests, that of the models and, measured, of an H100. */
extern const uint64_t function_model_totals[FUNCTION_COUNT];

#endif
