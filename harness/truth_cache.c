#include "harness/truth_cache.h"

#include <stdlib.h>

const struct truth_cache_entry *truth_cache_find(const struct truth_cache *cache, const struct problem_spec *spec,
                                                 enum truth_method method, int precision)
{
    for (const struct truth_cache_entry *entry = cache->newest; entry; entry = entry->older)
        if (entry->method == method && entry->precision == precision && problem_spec_equal(&entry->spec, spec))
            return entry;
    return NULL;
}

static void entry_free(struct truth_cache_entry *entry)
{
    truth_clear(&entry->truth);
    free(entry);
}

/* Drops the oldest entries until the budget holds; the newest stays whatever its size. */
static void make_room(struct truth_cache *cache)
{
    while (cache->size_bytes > TRUTH_CACHE_BYTES && cache->newest->older) {
        struct truth_cache_entry **last = &cache->newest;
        while ((*last)->older)
            last = &(*last)->older;
        cache->size_bytes -= (*last)->size_bytes;
        entry_free(*last);
        *last = NULL;
    }
}

enum error_kind truth_cache_compute(struct truth_cache *cache, const struct truth_cache_entry **entry,
                                    const struct problem_spec *spec, enum truth_method method,
                                    const struct problem *problem, const struct truth_options *options,
                                    struct error *error)
{
    struct truth_cache_entry *made = calloc(1, sizeof *made);
    if (!made)
        return error_memory(error, "the truth", sizeof *made);
    enum error_kind kind = truth_init(&made->truth, problem, error);
    if (!kind)
        kind = truth_compute(&made->truth, method, problem, options, error);
    if (kind) {
        entry_free(made);
        return kind;
    }
    made->spec = *spec;
    made->method = method;
    made->precision = options->precision;
    made->digest = truth_digest(&made->truth);
    made->size_bytes = (size_t)problem_elements(problem) * 4 * sizeof(double);
    made->older = cache->newest;
    cache->newest = made;
    cache->size_bytes += made->size_bytes;
    make_room(cache);
    *entry = made;
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
