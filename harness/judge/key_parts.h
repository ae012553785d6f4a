/*
 * k and v of a problem that are too large to be at hand all at once: some KV heads at a time. Who has them opens them.
 */
#ifndef HARNESS_JUDGE_KEY_PARTS_H
#define HARNESS_JUDGE_KEY_PARTS_H

#include "harness/judge/key_map.h"
#include "reference/problem.h"

struct key_parts {
    int count;
    /* The part that has a KV head of the whole. */
    int (*of_kv_head)(void *context, int kv_head);
    /*
     * Opens part `index`, unless it is what was opened last: *part, whose place in the whole is stated, has its k and v
     * until another one is opened. moved[2]: by which rows of k and v are read, of whatever parts they are, so many as
     * the map has; *part is then its shape, k and v. NULL: each at its own place. ERROR_SYSTEM, ERROR_USAGE,
     * ERROR_INTERRUPTED.
     */
    enum error_kind (*open)(void *context, int index, const struct key_map *moved, const struct problem **part,
                            struct error *error);
    void *context;
    /* Addresses that stand for k and v of the whole, where a search takes the one for the other: nothing is there. */
    char k, v;
};

/* The tensor of a part that is meant by what stands for one of the whole. */
static inline const void *key_part_tensor(const struct key_parts *parts, const struct problem *part,
                                          const void *stands_for)
{
    return stands_for == &parts->k ? part->k : part->v;
}

/* The first KV head of a part, in the whole. */
static inline int key_part_first(const struct problem *part)
{
    return part->place.first_head / part->place.group;
}

#endif
