#include "harness/problem/mask.h"

#include <string.h>

#include "harness/problem/random_stream.h"

static bool all_keeps(const struct mask_spec *mask, int64_t seq_len, int64_t key)
{
    (void)mask, (void)seq_len, (void)key;
    return false;
}

static bool window_keeps(const struct mask_spec *mask, int64_t seq_len, int64_t key)
{
    return key >= seq_len - mask->window || key < mask->sinks;
}

static bool drop_newest_keeps(const struct mask_spec *mask, int64_t seq_len, int64_t key)
{
    return key < seq_len - mask->drop_newest;
}

static bool block_keeps(const struct mask_spec *mask, int64_t seq_len, int64_t key)
{
    (void)seq_len;
    return key / mask->block % mask->keep_every == 0;
}

static bool padding_keeps(const struct mask_spec *mask, int64_t seq_len, int64_t key)
{
    (void)seq_len;
    return key >= mask->padding;
}

static bool gap_keeps(const struct mask_spec *mask, int64_t seq_len, int64_t key)
{
    (void)seq_len;
    return key < mask->gap_from || key - mask->gap_from >= mask->gap_keys;
}

static bool file_keeps(const struct mask_spec *mask, int64_t seq_len, int64_t key)
{
    (void)seq_len;
    return mask_bits_visible(mask->bits, key);
}

/* Whether a key of the cache is visible. Holes are drawn from the seed, many at a time. */
static const struct {
    enum mask_kind kind;
    bool (*keeps)(const struct mask_spec *mask, int64_t seq_len, int64_t key);
} plain_kinds[] = {
    {MASK_ALL, all_keeps},     {MASK_WINDOW, window_keeps},   {MASK_DROP_NEWEST, drop_newest_keeps},
    {MASK_BLOCK, block_keeps}, {MASK_PADDING, padding_keeps}, {MASK_GAP, gap_keeps},
    {MASK_FILE, file_keeps},
};

/* Key j is removed if word j of the stream is below holes * 2^32: none for 0, all for 1. */
static void punch_holes(uint8_t *visible, double holes, uint64_t seed, int64_t first, size_t count)
{
    enum { BLOCK = 1024 };
    uint32_t words[BLOCK];
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t block = count - done < BLOCK ? count - done : BLOCK;
        random_words(words, (struct random_stream){seed, MASK_STREAM}, (uint64_t)first + done, block);
        for (size_t i = 0; i < block; i++)
            visible[done + i] &= (double)words[i] >= holes * 0x1p32;
    }
}

void mask_fill(uint8_t *visible, const struct mask_spec *mask, int64_t seq_len, uint64_t seed, int64_t first,
               size_t count)
{
    memset(visible, 1, count);
    if (mask->kind & MASK_HOLES)
        punch_holes(visible, mask->holes, seed, first, count);
    for (size_t kind = 0; kind < sizeof plain_kinds / sizeof plain_kinds[0]; kind++)
        if (mask->kind & plain_kinds[kind].kind)
            for (size_t i = 0; i < count; i++)
                visible[i] &= plain_kinds[kind].keeps(mask, seq_len, first + (int64_t)i);
}

bool mask_overlaps(const struct mask_spec *mask)
{
    return (mask->kind & (mask->kind - 1)) != 0;
}

void mask_count(uint8_t *counts, const struct mask_spec *mask, int64_t seq_len, uint64_t seed, int64_t first,
                size_t count)
{
    enum { BLOCK = 1024 };
    uint8_t visible[BLOCK];
    memset(counts, 0, count);
    for (int kind = 0; kind < MASK_KINDS; kind++) {
        struct mask_spec one = *mask;
        one.kind = mask->kind & 1 << kind;
        for (size_t done = 0; done < count && one.kind; done += BLOCK) {
            size_t block = count - done < BLOCK ? count - done : BLOCK;
            mask_fill(visible, &one, seq_len, seed, first + (int64_t)done, block);
            for (size_t i = 0; i < block; i++)
                counts[done + i] = (uint8_t)(counts[done + i] + !visible[i]);
        }
    }
}

bool mask_spec_equal(const struct mask_spec *a, const struct mask_spec *b)
{
    return a->kind == b->kind && a->holes == b->holes && a->window == b->window && a->sinks == b->sinks &&
           a->drop_newest == b->drop_newest && a->padding == b->padding && a->block == b->block &&
           a->keep_every == b->keep_every && a->gap_from == b->gap_from && a->gap_keys == b->gap_keys &&
           mask_bits_equal(a->bits, b->bits);
}
