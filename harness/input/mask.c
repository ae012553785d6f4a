#include "harness/input/mask.h"

#include "harness/input/random_stream.h"

const char *const mask_names[MASK_COUNT] = {
    [MASK_NONE] = "none",       [MASK_ALL] = "all",     [MASK_HOLES] = "holes",
    [MASK_WINDOW] = "window",   [MASK_BLOCK] = "block", [MASK_DROP_NEWEST] = "drop_newest",
    [MASK_PADDING] = "padding",
};

static bool none_keeps(const struct mask_spec *mask, int64_t seq_len, int64_t key)
{
    (void)mask, (void)seq_len, (void)key;
    return true;
}

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

/* Whether a key of the cache is visible; NULL: drawn from the seed. */
static bool (*const keeps[MASK_COUNT])(const struct mask_spec *mask, int64_t seq_len, int64_t key) = {
    [MASK_NONE] = none_keeps,       [MASK_ALL] = all_keeps,     [MASK_HOLES] = NULL,
    [MASK_WINDOW] = window_keeps,   [MASK_BLOCK] = block_keeps, [MASK_DROP_NEWEST] = drop_newest_keeps,
    [MASK_PADDING] = padding_keeps,
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
            visible[done + i] = (double)words[i] >= holes * 0x1p32;
    }
}

void mask_fill(uint8_t *visible, const struct mask_spec *mask, int64_t seq_len, uint64_t seed, int64_t first,
               size_t count)
{
    if (!keeps[mask->kind]) {
        punch_holes(visible, mask->holes, seed, first, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        visible[i] = keeps[mask->kind](mask, seq_len, first + (int64_t)i);
}

bool mask_spec_equal(const struct mask_spec *a, const struct mask_spec *b)
{
    return a->kind == b->kind && a->holes == b->holes && a->window == b->window && a->sinks == b->sinks &&
           a->drop_newest == b->drop_newest && a->padding == b->padding && a->block == b->block &&
           a->keep_every == b->keep_every;
}
