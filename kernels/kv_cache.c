#include "kernels/kv_cache.h"

#include <stdlib.h>
#include <string.h>

/* A shuffle by Fisher and Yates; splitmix64 (Steele, Lea and Flood, 2014) is random enough for the order of pages. */
static void shuffle(int32_t *table, int64_t count, uint64_t seed)
{
    for (int64_t i = 0; i < count; i++)
        table[i] = (int32_t)i;
    for (int64_t i = count - 1; i > 0; i--) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        int64_t j = (int64_t)((z ^ z >> 31) % (uint64_t)(i + 1));
        int32_t swapped = table[i];
        table[i] = table[j];
        table[j] = swapped;
    }
}

enum error_kind kv_cache_lay_out(struct kv_cache *cache, const struct problem *problem,
                                 const struct kernel_options *options, int64_t slack, struct error *error)
{
    size_t row =
        (size_t)problem->num_kv_heads * (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    int64_t keys = problem->seq_len, page_size = options->page_size;
    *cache = (struct kv_cache){.k = problem->k, .v = problem->v, .rows = keys, .size_bytes = (size_t)keys * row};
    if (page_size == 0 && slack == 0)
        return ERROR_NONE;
    cache->pages = page_size ? (keys + slack + page_size - 1) / page_size : 0;
    cache->rows = page_size ? cache->pages * page_size : keys + slack;
    cache->size_bytes = (size_t)cache->rows * row;
    cache->copy = malloc(2 * cache->size_bytes);
    cache->page_table = cache->pages ? malloc((size_t)cache->pages * sizeof *cache->page_table) : NULL;
    if (!cache->copy || (cache->pages && !cache->page_table)) {
        kv_cache_clear(cache);
        return error_memory(error, "the KV cache's layout", 2.0 * (double)keys * (double)row);
    }
    char *k = cache->copy, *v = k + cache->size_bytes;
    memset(cache->copy, 0xff, 2 * cache->size_bytes);
    if (cache->pages)
        shuffle(cache->page_table, cache->pages, options->page_seed);
    int64_t run = page_size ? page_size : keys; /* keys that lie together */
    for (int64_t key = 0; key < keys; key += run) {
        int64_t first = page_size ? cache->page_table[key / page_size] * page_size : key;
        size_t bytes = (size_t)(keys - key < run ? keys - key : run) * row;
        memcpy(k + (size_t)first * row, (const char *)problem->k + (size_t)key * row, bytes);
        memcpy(v + (size_t)first * row, (const char *)problem->v + (size_t)key * row, bytes);
    }
    cache->k = k;
    cache->v = v;
    return ERROR_NONE;
}

void kv_cache_clear(struct kv_cache *cache)
{
    free(cache->copy);
    free(cache->page_table);
    *cache = (struct kv_cache){0};
}
