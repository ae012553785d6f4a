/*
 * Rows of k or v that are read in another place: the key after, [KV heads, keys] where [keys, KV heads] was stated.
 *
 * A map is a value. It says the same of a problem whose keys are all at hand and of one that is opened some KV heads at
 * a time: keys and KV heads are those of the whole.
 */
#ifndef HARNESS_JUDGE_KEY_MAP_H
#define HARNESS_JUDGE_KEY_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct key_map;

/* Where a row is read; a key of -1: it is 0. */
typedef void key_place(const struct key_map *map, int64_t *key, int *kv_head);

struct key_map {
    key_place *place;    /* NULL: each row at its own; all else is then 0 */
    int64_t by;          /* what there is to say of that beside */
    const int64_t *keys; /* the same, [seq_len], of whoever has made the map; NULL: it says all itself */
    int64_t seq_len;     /* rows of a KV head */
    int num_kv_heads;
};

static inline void key_map_row(const struct key_map *map, int64_t *key, int *kv_head)
{
    if (map->place)
        map->place(map, key, kv_head);
}

/* Whether two maps are one. Of a list of keys it says so only as long as both of them are there. */
static inline bool key_map_same(const struct key_map *a, const struct key_map *b)
{
    return a->place == b->place && a->by == b->by && a->keys == b->keys && a->seq_len == b->seq_len &&
           a->num_kv_heads == b->num_kv_heads;
}

/* Whether every row is one of its own KV head. One KV head is like another. */
static inline bool key_map_keeps_heads(const struct key_map *map)
{
    for (int64_t key = 0; map->place && key < map->seq_len; key++) {
        int64_t at = key;
        int kv_head = 0;
        key_map_row(map, &at, &kv_head);
        if (kv_head != 0)
            return false;
    }
    return true;
}

#endif
