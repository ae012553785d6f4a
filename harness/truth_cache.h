/*
 * Truths of a run, each computed once and shared by every kernel, policy and case that is judged on its problem.
 */
#ifndef HARNESS_TRUTH_CACHE_H
#define HARNESS_TRUTH_CACHE_H

#include "harness/input.h"
#include "reference/truth.h"

enum { TRUTH_CACHE_BYTES = 256 << 20 }; /* beyond it the oldest truths go */

struct truth_cache_entry {
    struct truth_cache_entry *older;
    struct problem_spec spec;
    enum truth_method method;
    int precision;
    struct truth truth;
    uint64_t digest;
    size_t size_bytes;
};

struct truth_cache {
    struct truth_cache_entry *newest;
    size_t size_bytes;
};

/* The truth of spec if it is there, else NULL. */
const struct truth_cache_entry *truth_cache_find(const struct truth_cache *cache, const struct problem_spec *spec,
                                                 enum truth_method method, int precision);

/*
 * Computes the truth of the problem that spec describes and keeps it. *entry belongs to the cache and lives at
 * least until the next call.
 */
enum error_kind truth_cache_compute(struct truth_cache *cache, const struct truth_cache_entry **entry,
                                    const struct problem_spec *spec, enum truth_method method,
                                    const struct problem *problem, const struct truth_options *options,
                                    struct error *error);

void truth_cache_clear(struct truth_cache *cache);

#endif
