/*
 * The digest of a problem's part whose k and v are in a device's memory and nowhere else: that of the same part in the
 * host's memory, without a copy of it.
 */
#ifndef KERNELS_DEVICE_KEYS_DIGEST_H
#define KERNELS_DEVICE_KEYS_DIGEST_H

#include "kernels/device/device_keys.h"

/*
 * XXH3-64 of q, k, v, slopes and, if any, visible and sinks of a part (problem_tensors_digest of
 * harness/problem/problem_source.h): k and v are the keys' own, of the part's KV heads, the first of which is kv_head
 * of the whole; the part's own are not looked at. For a device that can make keys (device_keys_can_make). Uses the
 * keys' staging. ERROR_SYSTEM if memory is short or the device fails.
 */
enum error_kind keys_digest(uint64_t *digest, const struct device_keys *keys, const struct problem *part, int kv_head,
                            struct error *error);

#endif
