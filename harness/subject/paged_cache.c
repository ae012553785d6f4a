#include "harness/subject/paged_cache.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/device/kv_cache.h"

static int64_t pages_of(const struct problem *problem, int page_size)
{
    return (problem->seq_len + problem->kv_slots + page_size - 1) / page_size;
}

static size_t page_bytes(const struct problem *shape, int page_size)
{
    return (size_t)page_size * (size_t)shape->num_kv_heads * (size_t)shape->head_dim *
           dtypes[problem_kv_dtype(shape)].size_bytes;
}

size_t paged_cache_bytes(const struct paged_cache *cache, const struct problem *shape)
{
    return (size_t)paged_cache_held(cache) * page_bytes(shape, cache->page_size);
}

/* Columns of the table that are nobody's: one, and of a wide one as many as two sequences more would have. */
static int64_t columns_more(const struct page_setting *setting, int64_t longest)
{
    const int64_t most = setting->most_keys / setting->size - longest;
    int64_t more = setting->wide ? 2 * longest + 8 : 0;
    more = more < MOST_COLUMNS_MORE ? more : MOST_COLUMNS_MORE;
    if (setting->most_keys > 0 && more > most)
        more = most > 0 ? most : 0;
    return 1 + more;
}

/* Counts pages; false if 32 bits do not. */
static bool count_pages(struct paged_cache *cache, const struct sequences *sequences,
                        const struct page_setting *setting)
{
    int64_t needed = 0, longest = 1, keys = 0;
    for (int i = 0; i < sequences->count; i++) {
        int64_t pages = pages_of(&sequences->problems[i], setting->size);
        needed += pages;
        longest = pages > longest ? pages : longest;
        keys = sequences->problems[i].seq_len > keys ? sequences->problems[i].seq_len : keys;
    }
    cache->page_size = setting->size;
    cache->num_pages = setting->pool > needed ? setting->pool : needed + 1;
    cache->max_pages = (int)(longest + columns_more(setting, longest));
    return cache->num_pages <= INT32_MAX && keys <= INT32_MAX;
}

/* Takes the pool and the order of its pages as ours have them. Of sequences without any key there is no such. */
static enum error_kind lay_out_pool(struct paged_cache *cache, struct kv_cache *layout, struct sequence_args *args,
                                    const struct sequences *sequences, const struct page_setting *setting,
                                    struct error *error)
{
    static const struct recipe recipe = {.contract = {.page_table_row = PAGE_ROW_OWN}};
    const struct kernel_options options = {.page_size = setting->size,
                                           .page_seed = setting->seed,
                                           .pool_pages = cache->num_pages,
                                           .shared_keys = setting->shared_keys};
    const struct batch batch = {.options = &options,
                                .recipe = &recipe,
                                .problems = sequences->problems,
                                .outputs = sequences->outputs,
                                .num_sequences = sequences->count};
    enum error_kind kind = kv_cache_lay_out(layout, &batch, 0, args, error);
    if (kind)
        return kind;
    if (layout->pages > 0) {
        cache->k = layout->k;
        cache->v = layout->v;
        return ERROR_NONE;
    }
    const struct problem *first = sequences->problems;
    size_t bytes = paged_cache_bytes(cache, first);
    cache->memory[2] = malloc(2 * bytes);
    if (!cache->memory[2])
        return error_memory(error, "pages", 2 * (double)bytes);
    memset(cache->memory[2], dtype_nan_byte(problem_kv_dtype(first)), 2 * bytes);
    cache->k = cache->memory[2];
    cache->v = (const char *)cache->k + bytes;
    return ERROR_NONE;
}

static void make_nobodys(char *pages, int32_t page, const struct problem *shape, int page_size)
{
    const size_t bytes = page_bytes(shape, page_size);
    memset(pages + (size_t)page * bytes, dtype_nan_byte(problem_kv_dtype(shape)), bytes);
}

/* Of a pool that is the cache's own: memory[2]. */
static void share_pages(struct paged_cache *cache, const struct sequences *sequences)
{
    const struct problem *first = sequences->problems;
    int32_t *table = cache->memory[0];
    char *k = cache->memory[2], *v = k ? k + ((const char *)cache->v - (const char *)cache->k) : NULL;
    for (int i = 1; i < sequences->count && k; i++) {
        const struct problem *problem = &sequences->problems[i];
        const int64_t keys = problem->seq_len < first->seq_len ? problem->seq_len : first->seq_len;
        const int64_t shared = problem->k == first->k && problem->v == first->v ? (keys / cache->page_size + 1) / 2 : 0;
        for (int64_t page = 0; page < shared; page++) {
            int32_t *entry = &table[(int64_t)i * cache->max_pages + page];
            if (*entry == table[page]) /* shared already */
                continue;
            make_nobodys(k, *entry, first, cache->page_size);
            make_nobodys(v, *entry, first, cache->page_size);
            *entry = table[page];
        }
    }
}

enum error_kind paged_cache_lay_out(struct paged_cache *cache, const struct sequences *sequences,
                                    const struct page_setting *setting, struct error *error)
{
    const size_t count = (size_t)sequences->count;
    struct kv_cache layout = {.k = NULL};
    *cache = (struct paged_cache){.k = NULL};
    if (!count_pages(cache, sequences, setting))
        return error_set(error, ERROR_SUBJECT, "its pages cannot be numbered: %lld pages; allowed: what 32 bits count",
                         (long long)cache->num_pages);
    const size_t entries = count * (size_t)cache->max_pages;
    struct sequence_args *args = calloc(count, sizeof *args);
    int32_t *table = calloc(entries, sizeof *table), *lengths = calloc(count, sizeof *lengths);
    cache->memory[0] = table;
    cache->memory[1] = lengths;
    enum error_kind kind = args && table && lengths
                               ? lay_out_pool(cache, &layout, args, sequences, setting, error)
                               : error_memory(error, "a block table", (double)(entries * sizeof *table));
    for (size_t i = 0; i < count && !kind; i++) {
        const int64_t pages = pages_of(&sequences->problems[i], setting->size);
        lengths[i] = (int32_t)sequences->problems[i].seq_len;
        for (int64_t page = 0; page < cache->max_pages; page++) /* those behind a sequence's are nobody's */
            table[i * (size_t)cache->max_pages + (size_t)page] =
                layout.pages == 0 ? 0 : layout.page_table[page < pages ? args[i].first_page + page : layout.pages];
    }
    cache->block_table = table;
    cache->seq_lens = lengths;
    if (!kind && layout.pages > 0) {
        cache->memory[2] = layout.copy;
        layout.copy = NULL;
        if (setting->shared)
            share_pages(cache, sequences);
    }
    kv_cache_clear(&layout);
    free(args);
    if (kind)
        paged_cache_clear(cache);
    return kind;
}

/* Pages before the first that has keys: as kernels of ours have them (kv_cache.h), but for pages so large that 16 bits
 * hold the numbers of more than can be had. */
static int64_t pages_before(int64_t page_elements)
{
    const int64_t pages = (FAR_ELEMENTS + page_elements - 1) / page_elements + 1;
    return pages < FAR_PAGES && FAR_PAGES * page_elements <= 8 * FAR_ELEMENTS ? FAR_PAGES : pages;
}

enum error_kind paged_cache_scatter(struct paged_cache *cache, const struct problem *shape, int count, bool near,
                                    int64_t *elements, struct error *error)
{
    const int64_t page = (int64_t)cache->page_size * shape->num_kv_heads * shape->head_dim;
    const int64_t before = pages_before(page), held = cache->num_pages, first = near ? 0 : before;
    if (before + held > INT32_MAX)
        return error_set(error, ERROR_SUBJECT, "its pages cannot be numbered: %lld pages; allowed: what 32 bits count",
                         (long long)(before + held));
    int32_t *ids = malloc((size_t)held * sizeof *ids), *table = cache->memory[0];
    if (!ids)
        return error_memory(error, "pages", (double)held * sizeof *ids);
    for (int64_t i = 0; i < held; i++)
        ids[i] = (int32_t)(first + i);
    for (int64_t i = 0; i < (int64_t)count * cache->max_pages; i++)
        table[i] += (int32_t)first;
    cache->memory[3] = ids;
    cache->page_ids = ids;
    cache->num_held = held;
    cache->num_pages = before + held;
    *elements = cache->num_pages * page;
    return ERROR_NONE;
}

void paged_cache_clear(struct paged_cache *cache)
{
    for (int i = 0; i < 4; i++)
        free(cache->memory[i]);
    *cache = (struct paged_cache){.k = NULL};
}
