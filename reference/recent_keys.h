/*
 * A problem of which the newest keys alone are in memory. Far keys of a positive slope weigh nothing that a truth or an
 * error bound would have to look at, where it is known how large they may be (tensor_bounds.h): a million keys need not
 * be made, or brought, for the few thousands that matter.
 */
#ifndef REFERENCE_RECENT_KEYS_H
#define REFERENCE_RECENT_KEYS_H

#include "reference/problem.h"

struct recent_keys {
    int64_t *first; /* [Hkv] k and v of older keys have memory and no meaning */
    bool wanted;    /* an older key was looked at: what came of that means nothing, and all keys are needed */
};

/* Whoever looks at k or v says from which key on. Threads may say so at the same time. */
static inline void recent_keys_read(const struct problem *problem, int kv_head, int64_t from)
{
    if (problem->recent && from < problem->recent->first[kv_head])
        __atomic_store_n(&problem->recent->wanted, true, __ATOMIC_RELAXED);
}

/* The same, before it looks: whether that key is not there. */
static inline bool recent_keys_lack(const struct problem *problem, int kv_head, int64_t from)
{
    recent_keys_read(problem, kv_head, from);
    return problem->recent && from < problem->recent->first[kv_head];
}

/* That many of the newest visible keys are there, or all of them: a truth looks at so many beyond what it needs. */
enum { RECENT_KEYS_LEAST = 64 };

/*
 * The key of a KV head from which on, most likely, a certified truth and an error bound look at keys, for any of its
 * rows: by lemma 3 of truth_certified.md, with a largest logit that is not known yet. 0 where that can be any key. k
 * and v are not read. largest: [Hkv, D] >= |k| of every visible key.
 */
int64_t recent_keys_needed(const struct problem *problem, const float *largest, int kv_head);

#endif
