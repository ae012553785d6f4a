#include "harness/evaluate/truth_cache.h"

#include <stdlib.h>

/* Where scale and slopes come from is a matter of the formula alone (contract.h). */
static bool contracts_equal(const struct truth_contract *a, const struct truth_contract *b)
{
    if (a->of != TRUTH_OF_FORMULA || b->of != TRUTH_OF_FORMULA)
        return a->of == b->of;
    return a->default_scale == b->default_scale && a->convention == b->convention && a->max_bias == b->max_bias &&
           a->head_offset == b->head_offset && a->total_heads == b->total_heads;
}

static bool keys_equal(const struct truth_key *a, const struct truth_key *b)
{
    return a->problem == b->problem && a->method == b->method && a->precision == b->precision &&
           contracts_equal(&a->contract, &b->contract);
}

struct truth_cache_entry *truth_cache_find(const struct truth_cache *cache, const struct truth_key *key)
{
    for (struct truth_cache_entry *entry = cache->newest; entry; entry = entry->older)
        if (keys_equal(&entry->key, key))
            return entry;
    return NULL;
}

static void entry_free(struct truth_cache_entry *entry)
{
    truth_clear(&entry->truth);
    for (int kind = 0; kind < BASELINE_COUNT; kind++)
        free(entry->baselines[kind]);
    free(entry);
}

/* Drops the oldest entries until the budget holds; the one in use stays whatever its size and age. */
static void make_room(struct truth_cache *cache, const struct truth_cache_entry *in_use)
{
    while (cache->size_bytes > TRUTH_CACHE_BYTES) {
        struct truth_cache_entry **oldest = NULL, *dropped;
        for (struct truth_cache_entry **link = &cache->newest; *link; link = &(*link)->older)
            oldest = *link == in_use ? oldest : link;
        if (!oldest)
            break;
        dropped = *oldest;
        *oldest = dropped->older;
        cache->size_bytes -= dropped->size_bytes;
        entry_free(dropped);
    }
}

struct truth_cache_entry *truth_cache_begin(const struct truth_key *key, const struct problem *shape)
{
    struct truth_cache_entry *entry = calloc(1, sizeof *entry);
    struct error ignored; /* the caller says what memory was for */
    if (!entry || truth_init(&entry->truth, shape, &ignored)) {
        free(entry);
        return NULL;
    }
    entry->key = *key;
    entry->size_bytes = (size_t)problem_elements(shape) * 4 * sizeof(double);
    return entry;
}

void truth_cache_keep(struct truth_cache *cache, struct truth_cache_entry *entry)
{
    entry->older = cache->newest;
    cache->newest = entry;
    cache->size_bytes += entry->size_bytes;
    make_room(cache, entry);
}

void truth_cache_drop(struct truth_cache_entry *entry)
{
    if (entry)
        entry_free(entry);
}

enum error_kind truth_cache_add_baseline(struct truth_cache *cache, struct truth_cache_entry *entry, enum baseline kind,
                                         struct error *error)
{
    size_t size_bytes = (size_t)entry->truth.num_rows * ((size_t)entry->truth.head_dim + 1) * sizeof(double);
    if (entry->baselines[kind])
        return ERROR_NONE;
    entry->baselines[kind] = malloc(size_bytes);
    if (!entry->baselines[kind])
        return error_memory(error, "a conventional reference", (double)size_bytes);
    entry->size_bytes += size_bytes;
    cache->size_bytes += size_bytes;
    make_room(cache, entry);
    return ERROR_NONE;
}

void truth_cache_clear(struct truth_cache *cache)
{
    while (cache->newest) {
        struct truth_cache_entry *entry = cache->newest;
        cache->newest = entry->older;
        entry_free(entry);
    }
    cache->size_bytes = 0;
}
