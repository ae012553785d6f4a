/* What a device finds out about keys in its memory: the bounds of tensor_bounds.h, without a copy of them. */
#ifndef KERNELS_DEVICE_KEYS_BOUNDS_H
#define KERNELS_DEVICE_KEYS_BOUNDS_H

#include "kernels/device/device_keys.h"
#include "reference/tensor_bounds.h"

/*
 * The exact bounds of the keys of all KV heads, as tensor_bounds_scan finds them: bounds->k and ->v have room, [Hkv,
 * D]. whole: the problem that they are of; q, k and v are not looked at, visible is. For a device that can make keys
 * (device_keys_can_make), and one key at least. Uses the keys' staging. ERROR_SYSTEM if memory is short or the device
 * fails.
 */
enum error_kind keys_bounds(struct tensor_bounds *bounds, const struct device_keys *keys, const struct problem *whole,
                            struct error *error);

#endif
