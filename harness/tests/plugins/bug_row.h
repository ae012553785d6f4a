/* A query and a head, the KV head that a form maps it to, and in which rows alone forms at scale go wrong. */
#ifndef HARNESS_TESTS_PLUGINS_BUG_ROW_H
#define HARNESS_TESTS_PLUGINS_BUG_ROW_H

#include "harness/tests/plugins/bug_element.h"

/* A query and a head, and what it sees. */
struct row {
    const launch_t *launch;
    const sequence_t *sequence, *keys; /* whose k and v: the same but for a bug */
    int query, head;
    int64_t later;
};

enum { CHUNK = 1024 };

/* Whether the cache is split. */
static bool is_long(const struct row *row)
{
    return row->sequence->seq_len > CHUNK;
}

static int group_of(const struct row *row)
{
    return row->launch->num_heads / row->launch->num_kv_heads;
}

/* The row's number among those of its KV head. */
static int tile_row(const struct row *row)
{
    return row->query * group_of(row) + row->head % group_of(row);
}

/* What goes wrong, and where alone. */
enum effect { HEADS_MAPPED, KEYS_LOST, MASK_LOST, CAP_LOST, SCALES_LOST, BIAS_LOST, OFFSET_LOST };
enum part {
    SEQUENCES_OF_9,
    HEADS_OF_65,
    ROWS_BEHIND_128,
    ROWS_BEHIND_256,
    BEYOND_8192,
    BEYOND_16384,
    BEYOND_65536,
    DIMS_OF_512,
    DIMS_OF_160,
    GROUPS_OF_3,
    GROUPS_OF_5,
    GROUPS_OF_6,
    GROUPS_OF_7,
    SLOTS_OF_8,
    SEQUENCES_OF_17,
    HEADS_OF_64,
    HEADS_OF_32
};
static const struct {
    int bug;
    enum effect effect;
    enum part part;
} at_scale[] = {
    {MODULO_BATCH_OF_9, HEADS_MAPPED, SEQUENCES_OF_9},
    {NO_MASK_BATCH_OF_9, MASK_LOST, SEQUENCES_OF_9},
    {SCALES_BATCH_OF_9, SCALES_LOST, SEQUENCES_OF_9},
    {NO_CAP_BATCH_OF_9, CAP_LOST, SEQUENCES_OF_9},
    {KEYS_BATCH_OF_9_LONG, KEYS_LOST, BEYOND_8192},
    {MODULO_HEADS_OF_65, HEADS_MAPPED, HEADS_OF_65},
    {SCALES_HEADS_OF_65, SCALES_LOST, HEADS_OF_65},
    {NO_CAP_HEADS_OF_65, CAP_LOST, HEADS_OF_65},
    {ROWS_OF_128_LONG, KEYS_LOST, ROWS_BEHIND_128},
    {ROWS_OF_256, KEYS_LOST, ROWS_BEHIND_256},
    {KEYS_OF_GROUPS_BEYOND_16384, KEYS_LOST, BEYOND_16384},
    {KEYS_OF_QUERIES_BEYOND_16384, KEYS_LOST, BEYOND_16384},
    {LOCAL_BEYOND_8192, OFFSET_LOST, BEYOND_8192},
    {NO_CAP_BEYOND_8192, CAP_LOST, BEYOND_8192},
    {SCALES_BEYOND_8192, SCALES_LOST, BEYOND_8192},
    {KEYS_AT_256_BEYOND_8192, KEYS_LOST, BEYOND_8192},
    {KEYS_OF_GROUPS_BEYOND_65536, KEYS_LOST, BEYOND_65536},
    {NO_BIAS_AT_512, BIAS_LOST, DIMS_OF_512},
    {SCALES_AT_512, SCALES_LOST, DIMS_OF_512},
    {NO_CAP_AT_512, CAP_LOST, DIMS_OF_512},
    {NO_BIAS_GROUPS_OF_6, BIAS_LOST, GROUPS_OF_6},
    {NO_MASK_GROUPS_OF_6, MASK_LOST, GROUPS_OF_6},
    {SCALES_GROUPS_OF_5, SCALES_LOST, GROUPS_OF_5},
    {NO_CAP_GROUPS_OF_7, CAP_LOST, GROUPS_OF_7},
    {KEYS_OF_GROUPS_OF_3_LONG, KEYS_LOST, GROUPS_OF_3},
    {SCALES_AT_160, SCALES_LOST, DIMS_OF_160},
    {NO_CAP_AT_160, CAP_LOST, DIMS_OF_160},
    {NO_MASK_PAGES_OF_8, MASK_LOST, SLOTS_OF_8},
    {KEYS_BATCH_OF_17_OF_GROUPS, KEYS_LOST, SEQUENCES_OF_17},
    {KEYS_HEADS_OF_64_LONG, KEYS_LOST, HEADS_OF_64},
    {NO_BIAS_BATCH_OF_9_LONG, BIAS_LOST, SEQUENCES_OF_9},
    {NO_BIAS_HEADS_OF_32_LONG, BIAS_LOST, HEADS_OF_32},
};

static bool is_in(const struct row *row, enum part part)
{
    const int64_t keys = row->sequence->seq_len;
    switch (part) {
    case SEQUENCES_OF_9:
        return row->launch->num_sequences >= 9;
    case HEADS_OF_65:
        return row->launch->num_heads >= 65;
    case ROWS_BEHIND_128:
        return tile_row(row) >= 128 && is_long(row);
    case ROWS_BEHIND_256:
        return tile_row(row) >= 256;
    case BEYOND_8192:
        return keys > 8192;
    case BEYOND_16384:
        return keys > 16384;
    case BEYOND_65536:
        return keys > 65536;
    case DIMS_OF_512:
        return row->launch->head_dim >= 512;
    case DIMS_OF_160:
        return row->launch->head_dim == 160;
    case GROUPS_OF_3:
        return group_of(row) == 3;
    case GROUPS_OF_5:
        return group_of(row) == 5;
    case GROUPS_OF_6:
        return group_of(row) == 6;
    case GROUPS_OF_7:
        return group_of(row) == 7;
    case SLOTS_OF_8:
        return row->launch->page_size == 8;
    case SEQUENCES_OF_17:
        return row->launch->num_sequences >= 17;
    case HEADS_OF_64:
        return row->launch->num_heads >= 64;
    case HEADS_OF_32:
        return row->launch->num_heads >= 32;
    }
    return false;
}

/* What a bug at scale needs beside. */
static bool is_beside(const struct row *row)
{
    switch (BUG) {
    case KEYS_BATCH_OF_9_LONG:
        return row->launch->num_sequences >= 9;
    case MODULO_HEADS_OF_65:
    case KEYS_OF_QUERIES_BEYOND_16384:
        return row->launch->num_queries > 1;
    case KEYS_OF_GROUPS_BEYOND_16384:
    case KEYS_OF_GROUPS_BEYOND_65536:
        return group_of(row) > 1;
    case NO_BIAS_HEADS_OF_32_LONG:
        return row->sequence->seq_len > 4096;
    case NO_BIAS_BATCH_OF_9_LONG:
    case KEYS_OF_GROUPS_OF_3_LONG:
        return is_long(row);
    case KEYS_BATCH_OF_17_OF_GROUPS:
        return is_long(row) && group_of(row) > 1;
    case KEYS_HEADS_OF_64_LONG:
        return row->sequence->seq_len > 2048;
    case KEYS_AT_256_BEYOND_8192:
        return row->launch->head_dim == 256;
    default:
        return true;
    }
}

static bool goes_wrong(const struct row *row, enum effect effect)
{
    for (size_t i = 0; i < sizeof at_scale / sizeof at_scale[0]; i++)
        if (at_scale[i].bug == BUG && at_scale[i].effect == effect && is_in(row, at_scale[i].part))
            return is_beside(row);
    return false;
}

/* Where more than one thing has to be for heads to be mapped otherwise. */
static bool maps_otherwise(const struct row *row)
{
    switch (BUG) {
    case MODULO_LONG_FP8:
        return is_long(row) && row->launch->kv_dtype & FP8;
    case MODULO_AT_160:
        return row->launch->head_dim == 160;
    case MODULO_AT_80_LONG:
        return row->launch->head_dim == 80 && is_long(row);
    case MODULO_PAGES_OF_64:
        return row->launch->page_size == 64;
    case MODULO_128_PAGED:
        return row->launch->head_dim == 128 && row->launch->page_size > 0 && row->launch->num_sequences > 1;
    case MODULO_AT_80_PAGED:
        return row->launch->head_dim == 80 && row->launch->page_size > 0;
    case MODULO_GROUPS_OF_7:
        return group_of(row) == 7 && row->launch->head_dim == 128;
    default:
        return goes_wrong(row, HEADS_MAPPED);
    }
}

static int kv_head(const struct row *row)
{
    const int heads = row->launch->num_heads, kv_heads = row->launch->num_kv_heads;
    if (maps_otherwise(row))
        return row->head % kv_heads;
    if (BUG == GROUPS_PADDED && heads / kv_heads > 8)
        return row->head / ((heads / kv_heads + 3) / 4 * 4);
    if (BUG == KV_HEADS_OF_12)
        return row->head / (heads / kv_heads) % 12;
    if (BUG == ROWS_OF_128 && row->query * (heads / kv_heads) + row->head % (heads / kv_heads) >= 128)
        return (row->head / (heads / kv_heads) + 1) % kv_heads;
    if (BUG == HEADS_MODULO || (BUG == MODULO_AT_128 && row->launch->head_dim == 128) ||
        (BUG == MODULO_AT_256 && row->launch->head_dim == 256))
        return row->head % kv_heads;
    if (BUG == ROWS_OF_16 && heads > kv_heads && row->launch->num_queries > 1 &&
        row->query * (heads / kv_heads) + row->head % (heads / kv_heads) >= 16)
        return (row->head / (heads / kv_heads) + 1) % kv_heads;
    if (BUG == GROUP_OF_16 && row->head % (heads / kv_heads) >= 16)
        return (row->head / (heads / kv_heads) + 1) % kv_heads;
    if (BUG == HEADS_COUNT)
        return row->head / kv_heads;
    return row->head / (heads / kv_heads);
}

static float cache_scale(const struct row *row, float scale)
{
    return goes_wrong(row, SCALES_LOST) ? 1 : scale_of_cache(row->launch, scale);
}

#endif
