/*
 * How many masks remove each key, where a problem's visible is what several of them leave. The answer does not depend
 * on it: a key that is removed is removed. Kernels that add something to a logit for each mask do.
 *
 * Counts belong to the visible that they were made with, and are found by its address: a copy of a problem with other
 * keys of the same mask keeps them, one with a mask of its own has none, so that one mask removes what is removed.
 */
#ifndef REFERENCE_KEY_MASKS_H
#define REFERENCE_KEY_MASKS_H

#include "reference/problem.h"

struct key_masks {
    const uint8_t *visible; /* [num_keys] */
    const uint8_t *counts;  /* [num_keys], 0 where the key is visible */
    int64_t num_keys;
};

/* Masks that remove a key of the problem: 0 for a visible one, else 1 at least. */
static inline int problem_masks(const struct problem *problem, int64_t key)
{
    const struct key_masks *masks = problem->masks;
    if (problem_visible(problem, key))
        return 0;
    uintptr_t place = (uintptr_t)(problem->visible + key), first = masks ? (uintptr_t)masks->visible : 0;
    bool known = masks && place >= first && place - first < (uintptr_t)masks->num_keys;
    return known && masks->counts[place - first] > 1 ? masks->counts[place - first] : 1;
}

#endif
