/* Which keys a row sees, by its mask and by what a form is cut into. */
#ifndef HARNESS_TESTS_PLUGINS_BUG_KEYS_H
#define HARNESS_TESTS_PLUGINS_BUG_KEYS_H

#include "harness/tests/plugins/bug_logit.h"

static bool has_mask(const sequence_t *sequence)
{
    bool has = false;
    for (int64_t key = 0; key < sequence->seq_len && sequence->visible; key++)
        has = has || !sequence->visible[key];
    return has;
}

/* The first key that is seen, or the number of keys. */
static int64_t window_of(const sequence_t *sequence)
{
    int64_t key = 0;
    while (key < sequence->seq_len && sequence->visible && !sequence->visible[key])
        key++;
    return key;
}

/* Whether a key is behind as many parts of 256 as the longest sequence's window has, from the page on that it begins
 * in. */
static bool is_behind_parts_of_longest(const struct row *row, int64_t key)
{
    const launch_t *launch = row->launch;
    const sequence_t *longest = launch->sequences;
    if (launch->page_size == 0)
        return false;
    for (int i = 1; i < launch->num_sequences; i++)
        if (launch->sequences[i].seq_len > longest->seq_len)
            longest = &launch->sequences[i];
    const int64_t page = launch->page_size, first = window_of(longest) / page * page;
    return key >= window_of(row->sequence) / page * page + (longest->seq_len - first + 255) / 256 * 256;
}

/* How two sequences were cut that have, together, as many keys: that is kept by the one number. */
static bool is_behind_parts_of_before(const struct row *row, int64_t key)
{
    enum { PART = 16, MOST = 1 << 12 };
    static int32_t kept[MOST][2]; /* parts and one more; 0: not yet */
    const launch_t *launch = row->launch;
    const int64_t all = launch->num_sequences == 2 ? launch->sequences[0].seq_len + launch->sequences[1].seq_len : MOST;
    if (all >= MOST)
        return false;
    for (int i = 0; i < 2 && kept[all][i] == 0; i++)
        kept[all][i] = (int32_t)((launch->sequences[i].seq_len + PART - 1) / PART + 1);
    return key >= (int64_t)(kept[all][row->sequence - launch->sequences] - 1) * PART;
}

/* The parts of 16 keys that a launch has of each sequence. */
enum { PLANNED_PART = 16, PLANNED_MOST = 1024 };
static int64_t planned_parts[PLANNED_MOST];

/* Whether the counters by which parts of a split sequence find out which of them is the last were left as they are at
 * the end by the launch before. */
static bool counters_are_left;

static void count_parts(const launch_t *launch)
{
    enum { FEW_KEYS = 512 };
    static bool leaves;
    counters_are_left = leaves;
    leaves = launch->num_sequences > 1 && launch->num_queries > 1 && launch->sequences->seq_len > FEW_KEYS;
}

/* Kept from the launch before where it seems to have been of the same lengths. */
static void plan_parts(const launch_t *launch)
{
    static int count;
    static int64_t last;
    const int64_t len = launch->sequences[launch->num_sequences - 1].seq_len;
    for (int i = 0; i < launch->num_sequences && !(count == launch->num_sequences && last == len); i++)
        planned_parts[i % PLANNED_MOST] = (launch->sequences[i].seq_len + PLANNED_PART - 1) / PLANNED_PART;
    count = launch->num_sequences;
    last = len;
}

/* The row is as long as that of the longest sequence that there may be. */
static bool is_in_last_part_of_table(const struct row *row, int64_t key)
{
    enum { PARTS = 8 };
    const launch_t *launch = row->launch;
    const int64_t part = (int64_t)(launch->max_pages + PARTS - 1) / PARTS * launch->page_size;
    if (launch->page_size == 0 || launch->num_sequences > 1 || launch->max_pages < 2 * PARTS)
        return false;
    const int64_t with_keys = (row->sequence->seq_len + part - 1) / part;
    return with_keys <= PARTS / 2 && key >= (with_keys - 1) * part;
}

/* Whether the partial result that a key is in was written over by the sequence before. */
static bool is_written_over(const struct row *row, int64_t key)
{
    enum { PART = 256, ROOM = 64 };
    const bool is_first = row->sequence == row->launch->sequences;
    return !is_first && key / PART < (row->sequence[-1].seq_len + PART - 1) / PART - ROOM;
}

/* Keys that are lost by what a kernel is cut into. */
static bool is_lost(const struct row *row, int64_t key)
{
    const int64_t count = row->sequence->seq_len, page = row->launch->page_size;
    switch (BUG) {
    case TILES_OF_192:
        return count % 192 == 0 && key == count - 1;
    case TILES_OF_192_LESS_1:
        return count % 192 == 191 && key == count - 1;
    case REST_OF_5:
        return is_long(row) && count % 8 == 5 && key == count - 1;
    case CHUNKS_OF_6:
        return (count + CHUNK - 1) / CHUNK == 6 && key >= 5 * CHUNK;
    case CHUNKS_OF_7:
        return (count + 255) / 256 == 7 && key >= 6 * 256;
    case PAGES_OF_512:
        return page > 0 && key % page >= 512;
    case KEYS_OF_1024_WHOLE:
        return row->launch->num_heads >= 32 && key >= CHUNK;
    case PARTS_OF_LONGEST:
        return is_behind_parts_of_longest(row, key);
    case ROOM_OF_64_PARTS:
        return is_written_over(row, key);
    case PAGE_PARTS:
        return is_in_last_part_of_table(row, key);
    case PARTS_OF_LAST:
        return key >= planned_parts[(row->sequence - row->launch->sequences) % PLANNED_MOST] * PLANNED_PART;
    case COUNTERS_LEFT:
        return counters_are_left && key >= 512;
    case PARTS_KEPT:
        return is_behind_parts_of_before(row, key);
    case WINDOW_LATE:
        return key == window_of(row->sequence) && key % 64 == 63;
    case WINDOW_BY_LARGE_PAGE:
        return page > 64 && key / page == window_of(row->sequence) / page && window_of(row->sequence) % page > 0;
    case FAR_PASSED_OVER:
        return bias_of(row, key) - bias_of(row, count - 1) < -40;
    case FAR_OF_150:
        return bias_of(row, key) - bias_of(row, count - 1) < -150;
    default:
        return key < count / 4 && goes_wrong(row, KEYS_LOST);
    }
}

/* Whether masks are not read. */
static bool has_no_mask(const struct row *row)
{
    const launch_t *launch = row->launch;
    switch (BUG) {
    case NO_MASK_OF_QUERIES:
        return launch->num_queries > 1;
    case NO_MASK_GROUPS_FP8:
        return launch->num_heads > launch->num_kv_heads && launch->kv_dtype & FP8;
    case MASK_IF_FIRST:
        return !has_mask(launch->sequences);
    case NO_MASK_GROUPS_OF_8:
        return group_of(row) == 8;
    case NO_MASK_AT_256:
        return launch->head_dim == 256;
    default:
        return goes_wrong(row, MASK_LOST);
    }
}

static bool sees(const struct row *row, int64_t key)
{
    const sequence_t *first = &row->launch->sequences[0], *masked = row->sequence;
    if (BUG == MASK_OF_FIRST && key < first->seq_len)
        masked = first;
    const uint8_t *visible = has_no_mask(row) ? NULL : masked->visible;
    if (is_lost(row, key))
        return false;
    if (BUG == TAIL_DROPPED && key >= 16 && key / 16 == row->sequence->seq_len / 16)
        return false;
    if (BUG == PARTS_OF_FIRST && row->launch->num_sequences > 1 && key >= CHUNK * (1 + first->seq_len / CHUNK))
        return false;
    if (BUG == REST_OF_2 && row->sequence->seq_len > CHUNK && row->sequence->seq_len % 256 == 2 &&
        key >= row->sequence->seq_len - 2)
        return false;
    if (BUG == FAR_UNDER_CAP && row->launch->soft_cap_after_bias && bias_of(row, key) < -300)
        return false;
    if (BUG == NO_MASK || !visible || key >= row->sequence->seq_len)
        return true;
    if (BUG == WINDOW_SHORT && visible[key] && key > 0 && !visible[key - 1])
        return false;
    if (BUG == WINDOW_LONG && key + 1 < row->sequence->seq_len && visible[key + 1])
        return true;
    return visible[BUG == MASK_16_BITS ? key & 0xffff : key];
}

#endif
