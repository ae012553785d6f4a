#include "harness/evaluate/truth_cache.h"

#include <stdlib.h>

struct truth_cache_entry *truth_cache_find(const struct truth_cache *cache, const struct problem_spec *spec,
                                           enum truth_method method, int precision)
{
    for (struct truth_cache_entry *entry = cache->newest; entry; entry = entry->older)
        if (entry->method == method && entry->precision == precision && problem_spec_equal(&entry->spec, spec))
            return entry;
    return NULL;
}

static void entry_free(struct truth_cache_entry *entry)
{
    truth_clear(&entry->truth);
    for (int kind = 0; kind < CONVENTIONAL_COUNT; kind++)
        free(entry->references[kind]);
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

struct truth_cache_entry *truth_cache_begin(const struct problem_spec *spec, enum truth_method method, int precision)
{
    struct truth_cache_entry *entry = calloc(1, sizeof *entry);
    struct problem shape = {.num_heads = spec->num_heads, .head_dim = spec->head_dim};
    struct error ignored; /* the caller says what memory was for */
    if (!entry || truth_init(&entry->truth, &shape, &ignored)) {
        free(entry);
        return NULL;
    }
    entry->spec = *spec;
    entry->method = method;
    entry->precision = precision;
    entry->size_bytes = (size_t)problem_elements(&shape) * 4 * sizeof(double);
    return entry;
}

void truth_cache_keep(struct truth_cache *cache, struct truth_cache_entry *entry)
{
    entry->digest = truth_digest(&entry->truth);
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

enum error_kind truth_cache_add_reference(struct truth_cache *cache, struct truth_cache_entry *entry,
                                          enum conventional kind, struct error *error)
{
    size_t size_bytes = (size_t)entry->spec.num_heads * ((size_t)entry->spec.head_dim + 1) * sizeof(double);
    if (entry->references[kind])
        return ERROR_NONE;
    entry->references[kind] = malloc(size_bytes);
    if (!entry->references[kind])
        return error_memory(error, "a conventional reference", (double)size_bytes);
    entry->size_bytes += size_bytes;
    if (truth_cache_find(cache, &entry->spec, entry->method, entry->precision) == entry)
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
