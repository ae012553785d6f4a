/*
 * Masks: which keys of the cache a problem's query does not see.
 *
 * A mask goes by a key's place in the cache, oldest first, whatever q_position is: "the newest" are the last ones.
 * Whether a key is visible is a pure function of (mask, seq_len, seed, key), so any range can be made alone.
 */
#ifndef HARNESS_PROBLEM_MASK_H
#define HARNESS_PROBLEM_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/problem/mask_bits.h"

/* A set of them is a mask too: visible is what each of them keeps. */
enum mask_kind {
    MASK_NONE = 0,             /* every key is visible */
    MASK_ALL = 1 << 0,         /* no key is */
    MASK_HOLES = 1 << 1,       /* each key is removed with probability `holes`, independently, from the seed */
    MASK_WINDOW = 1 << 2,      /* visible: the newest `window` keys and the oldest `sinks` */
    MASK_DROP_NEWEST = 1 << 3, /* removed: the newest `drop_newest` keys */
    MASK_BLOCK = 1 << 4,   /* blocks of `block` keys from key 0 on; visible: blocks 0, keep_every, 2 keep_every, ... */
    MASK_PADDING = 1 << 5, /* removed: the oldest `padding` keys, as in a batch padded on the left */
    MASK_GAP = 1 << 6,     /* removed: keys gap_from to gap_from + gap_keys - 1 */
    MASK_FILE = 1 << 7,    /* visible: keys whose bit is set in `bits` */
    MASK_KINDS = 8         /* kinds beside MASK_NONE */
};

/* What no kind of the set names is 0. Zeroed: MASK_NONE. */
struct mask_spec {
    enum mask_kind kind; /* one, or several or-ed */
    double holes;        /* 0 to 1 */
    int64_t window, sinks, drop_newest, padding;
    int64_t block, keep_every;    /* MASK_BLOCK: at least 1 */
    int64_t gap_from, gap_keys;   /* MASK_GAP: gap_keys at least 1 */
    const struct mask_bits *bits; /* MASK_FILE: seq_len or more; the owner's */
};

enum { MASK_STREAM = 5 }; /* the stream of random words that holes are drawn from (random_stream.h) */

/* visible[i] = 1 if key first + i is visible, 0 if it is removed, for i < count; 0 <= first, first + count <= seq_len.
 */
void mask_fill(uint8_t *visible, const struct mask_spec *mask, int64_t seq_len, uint64_t seed, int64_t first,
               size_t count);

/* Whether several of its kinds may remove the same key. */
bool mask_overlaps(const struct mask_spec *mask);

/* counts[i]: how many kinds of the mask remove key first + i. */
void mask_count(uint8_t *counts, const struct mask_spec *mask, int64_t seq_len, uint64_t seed, int64_t first,
                size_t count);

/* Whether two masks remove the same keys for the same reason. Files are compared by what is in them. */
bool mask_spec_equal(const struct mask_spec *a, const struct mask_spec *b);

#endif
