/*
 * Masks: which keys of the cache a problem's query does not see.
 *
 * A mask goes by a key's place in the cache, oldest first, whatever q_position is: "the newest" are the last ones.
 * Whether a key is visible is a pure function of (mask, seq_len, seed, key), so any range can be made alone.
 */
#ifndef HARNESS_INPUT_MASK_H
#define HARNESS_INPUT_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mask_kind {
    MASK_NONE,        /* every key is visible */
    MASK_ALL,         /* no key is */
    MASK_HOLES,       /* each key is removed with probability `holes`, independently, from the seed */
    MASK_WINDOW,      /* visible: the newest `window` keys and the oldest `sinks` */
    MASK_DROP_NEWEST, /* removed: the newest `drop_newest` keys */
    MASK_BLOCK,       /* blocks of `block` keys from key 0 on; visible: blocks 0, keep_every, 2 keep_every, ... */
    MASK_PADDING,     /* removed: the oldest `padding` keys, as in a batch padded on the left */
    MASK_COUNT
};

extern const char *const mask_names[MASK_COUNT];

/* What the kind does not name is 0. Zeroed: MASK_NONE. */
struct mask_spec {
    enum mask_kind kind;
    double holes; /* 0 to 1 */
    int64_t window, sinks, drop_newest, padding;
    int64_t block, keep_every; /* MASK_BLOCK: at least 1 */
};

enum { MASK_STREAM = 5 }; /* the stream of random words that holes are drawn from (random_stream.h) */

/* visible[i] = 1 if key first + i is visible, 0 if it is removed, for i < count; 0 <= first, first + count <= seq_len.
 */
void mask_fill(uint8_t *visible, const struct mask_spec *mask, int64_t seq_len, uint64_t seed, int64_t first,
               size_t count);

bool mask_spec_equal(const struct mask_spec *a, const struct mask_spec *b);

#endif
