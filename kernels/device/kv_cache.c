#include "kernels/device/kv_cache.h"

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

/* Slots of a problem's cache behind its keys. */
static int64_t slots_of(const struct problem *problem, int64_t slack)
{
    return problem->kv_slots > slack ? problem->kv_slots : slack;
}

/* Where each sequence begins, and how large the whole is. */
static void measure(struct kv_cache *cache, const struct batch *batch, int64_t slack, struct sequence_args *sequences)
{
    int page_size = batch->options->page_size;
    for (int i = 0; i < batch->num_sequences; i++) {
        int64_t slots = batch->problems[i].seq_len + slots_of(&batch->problems[i], slack);
        sequences[i].first_row = cache->rows;
        sequences[i].first_page = cache->pages;
        cache->pages += page_size ? (slots + page_size - 1) / page_size : 0;
        cache->rows = page_size ? cache->pages * page_size : cache->rows + slots;
    }
}

/* The pages of the pool, of which the first ones that the shuffle puts into the table are those of the sequences. */
static int64_t pool_of(const struct kv_cache *cache, const struct batch *batch)
{
    int64_t pool = batch->options->pool_pages;
    return cache->pages && pool > cache->pages ? pool : cache->pages;
}

/* Entries behind the page table that a sequence may read, whose row is another's: as many as the longest has. */
static int64_t entries_past_end(const struct kv_cache *cache, const struct batch *batch,
                                const struct sequence_args *sequences)
{
    int64_t longest = 0;
    for (int i = 0; i < batch->num_sequences; i++) {
        int64_t end = i + 1 < batch->num_sequences ? sequences[i + 1].first_page : cache->pages;
        longest = end - sequences[i].first_page > longest ? end - sequences[i].first_page : longest;
    }
    return batch->recipe->contract.page_table_row == PAGE_ROW_OWN ? 0 : longest;
}

/* Whose row of the page table each sequence reads. */
static void take_page_rows(struct kv_cache *cache, const struct batch *batch, struct sequence_args *sequences)
{
    enum page_table_row row = batch->recipe->contract.page_table_row;
    int64_t first = sequences[0].first_page;
    for (int i = 0; i < batch->num_sequences && row != PAGE_ROW_OWN; i++)
        sequences[i].first_page =
            row == PAGE_ROW_FIRST || i + 1 == batch->num_sequences ? first : sequences[i + 1].first_page;
    for (int64_t i = cache->pages; i < cache->page_entries; i++)
        cache->page_table[i] = 0; /* pages of the pool that are nobody's stood there */
}

/* One sequence's k or v, `row` bytes a key, run by run of keys that lie together. */
static void copy_keys(char *to, const char *from, const struct kv_cache *cache, const struct problem *problem,
                      const struct sequence_args *sequence, int page_size, size_t row)
{
    int64_t keys = problem->seq_len + problem->kv_slots, run = page_size ? page_size : keys;
    for (int64_t key = 0; key < keys; key += run) {
        int64_t first = page_size ? cache->page_table[sequence->first_page + key / page_size] * (int64_t)page_size
                                  : sequence->first_row;
        int64_t count = keys - key < run ? keys - key : run;
        memcpy(to + (size_t)first * row, from + (size_t)key * row, (size_t)count * row);
    }
}

enum error_kind kv_cache_lay_out(struct kv_cache *cache, const struct batch *batch, int64_t slack,
                                 struct sequence_args *sequences, struct error *error)
{
    const struct problem *problem = batch->problems;
    size_t row =
        (size_t)problem->num_kv_heads * (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    int page_size = batch->options->page_size;
    *cache = (struct kv_cache){.k = problem->k, .v = problem->v};
    measure(cache, batch, slack, sequences);
    int64_t pool = pool_of(cache, batch);
    cache->rows = page_size ? pool * page_size : cache->rows;
    cache->size_bytes = (size_t)cache->rows * row;
    if (batch->num_sequences == 1 && page_size == 0 && slack <= problem->kv_slots)
        return ERROR_NONE;
    cache->copy = malloc(2 * cache->size_bytes + 1); /* of no keys too: malloc(0) may be NULL */
    cache->page_entries = cache->pages + entries_past_end(cache, batch, sequences);
    int64_t entries = pool > cache->page_entries ? pool : cache->page_entries;
    cache->page_table = cache->pages ? calloc((size_t)entries, sizeof *cache->page_table) : NULL;
    if (!cache->copy || (cache->pages && !cache->page_table)) {
        double size_bytes = 2.0 * (double)cache->size_bytes;
        kv_cache_clear(cache);
        return error_memory(error, "the KV cache's layout", size_bytes);
    }
    char *k = cache->copy, *v = k + cache->size_bytes;
    memset(cache->copy, dtype_nan_byte(problem_kv_dtype(problem)), 2 * cache->size_bytes);
    if (cache->pages)
        shuffle(cache->page_table, pool, batch->options->page_seed);
    for (int i = 0; i < batch->num_sequences; i++) {
        copy_keys(k, batch->problems[i].k, cache, &batch->problems[i], &sequences[i], page_size, row);
        copy_keys(v, batch->problems[i].v, cache, &batch->problems[i], &sequences[i], page_size, row);
    }
    take_page_rows(cache, batch, sequences);
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
