/*
 * What a run knows of its problems: the truth and the baselines that were asked for, each computed once
 * and shared by every subject, policy and case that is judged on the problem. A problem in parts has an entry a part.
 */
#ifndef HARNESS_EVALUATE_TRUTH_CACHE_H
#define HARNESS_EVALUATE_TRUTH_CACHE_H

#include "harness/problem/problem_source.h"
#include "reference/baseline.h"
#include "reference/truth.h"

enum { TRUTH_CACHE_BYTES = 256 << 20 }; /* beyond it the oldest truths go */

/* All that a truth is a function of. */
struct truth_key {
    uint64_t problem; /* inputs_problem_digest */
    struct truth_contract contract;
    enum truth_method method;
    int precision;
};

struct truth_cache_entry {
    struct truth_cache_entry *older;
    struct truth_key key;
    struct truth truth;
    double contract_distance;          /* largest difference from the truth of the inputs; 0 for that one */
    double *baselines[BASELINE_COUNT]; /* out[R, D], then lse[R] */
    unsigned have_baselines;           /* a bit for each baseline that is complete */
    size_t size_bytes;
};

struct truth_cache {
    struct truth_cache_entry *newest;
    size_t size_bytes;
};

/* The truth of key if it is there, else NULL. */
struct truth_cache_entry *truth_cache_find(const struct truth_cache *cache, const struct truth_key *key);

/*
 * A new entry with room for the truth of a problem of this shape, to be filled by the caller and handed to
 * truth_cache_keep, or else to truth_cache_drop. NULL if memory ran out.
 */
struct truth_cache_entry *truth_cache_begin(const struct truth_key *key, const struct problem *shape);

/* Takes the filled entry into the cache, which may drop older ones. */
void truth_cache_keep(struct truth_cache *cache, struct truth_cache_entry *entry);
void truth_cache_drop(struct truth_cache_entry *entry);

/* Room for a baseline in an entry of the cache: out[R, D], then lse[R]; it counts once the caller has set its bit in
 * have_baselines. ERROR_SYSTEM if memory ran out. */
enum error_kind truth_cache_add_baseline(struct truth_cache *cache, struct truth_cache_entry *entry, enum baseline kind,
                                         struct error *error);

void truth_cache_clear(struct truth_cache *cache);

#endif
