#include "kernels/device/kv_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernels/dialect/fiber.h"
#if FIBER_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* A shuffle of first, first + 1, ... by Fisher and Yates; splitmix64 (Steele, Lea and Flood, 2014) is random enough for
 * the order of pages. */
static void shuffle(int32_t *table, int64_t first, int64_t count, uint64_t seed)
{
    for (int64_t i = 0; i < count; i++)
        table[i] = (int32_t)(first + i);
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

/* ---- far away ---------------------------------------------------------------------------------------------------- */

enum { PAGE_BYTES = 4096 };

/* Before the first element: what a signed index of 32 bits reaches. */
static size_t before_bytes(size_t element_bytes)
{
    return ((size_t)1 << 31) * element_bytes;
}

/* The same of a page's number in 16 bits. */
static size_t before_pages_bytes(const struct batch *batch, size_t row_bytes)
{
    return ((size_t)1 << 15) * (size_t)batch->options->page_size * row_bytes;
}

static void *reserve(size_t size_bytes)
{
    void *memory = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static bool can_reserve(size_t size_bytes)
{
    void *memory = reserve(size_bytes);
    if (memory)
        munmap(memory, size_bytes);
    return memory;
}

bool kv_cache_can_be_far(void)
{
    return can_reserve(2 * (before_bytes(sizeof(float)) + (size_t)FAR_ELEMENTS * sizeof(float) + ((size_t)1 << 28)));
}

/* Rows before the first that holds a key: whole pages, and so many that no page's number fits 16 bits, if there is
 * address space for them. */
static int64_t far_rows(const struct batch *batch, size_t row_bytes)
{
    const struct problem *problem = batch->problems;
    int64_t row = (int64_t)problem->num_kv_heads * problem->head_dim, rows = (FAR_ELEMENTS + row - 1) / row;
    int64_t page = batch->options->page_size, pages = page ? (rows + page - 1) / page : 0;
    if (page == 0)
        return rows;
    if (pages < FAR_PAGES && can_reserve((size_t)4 * (size_t)(FAR_PAGES * page) * row_bytes))
        pages = FAR_PAGES;
    return pages * page;
}

/* Whole pages of a reservation, with NaN where that is asked for. */
static bool open_pages(char *pages, size_t size_bytes, bool nan, int nan_byte)
{
    if (mprotect(pages, size_bytes, PROT_READ | PROT_WRITE))
        return false;
#if FIBER_ASAN
    __asan_unpoison_memory_region(pages, size_bytes); /* a stack that lay here may have left its marks */
#endif
    if (nan)
        memset(pages, nan_byte, size_bytes);
    return true;
}

/* Address space for k and v, and memory for the rows behind the first `rows`, filled with NaN; under nan_zones with NaN
 * beside them and around the first elements, too. */
static bool reserve_far(struct kv_cache *cache, int64_t rows, size_t row, enum dtype dtype, const struct batch *batch)
{
    const struct launch_setting *setting = &batch->options->setting;
    int nan_byte = dtype_nan_byte(dtype);
    size_t shift = setting->misplaced ? BUFFER_ALIGNMENT : 0, before = before_bytes(dtypes[dtype].size_bytes);
    if (before < before_pages_bytes(batch, row))
        before = before_pages_bytes(batch, row) / PAGE_BYTES * PAGE_BYTES + PAGE_BYTES;
    size_t begin = (before + (size_t)rows * row) / PAGE_BYTES * PAGE_BYTES - PAGE_BYTES;
    size_t each = (before + cache->size_bytes) / PAGE_BYTES * PAGE_BYTES + (size_t)2 * PAGE_BYTES;
    char *memory = reserve(2 * each);
    if (!memory)
        return false;
    cache->copy = memory;
    cache->far = true;
    cache->reserved_bytes = 2 * each;
    cache->k = memory + before + shift;
    cache->v = memory + each + before + shift;
    for (int i = 0; i < 2; i++, memory += each) {
        if ((setting->nan_zones && !open_pages(memory + before - PAGE_BYTES, (size_t)2 * PAGE_BYTES, true, nan_byte)) ||
            !open_pages(memory + begin, each - begin, setting->nan_zones, nan_byte))
            return false;
        if (!setting->nan_zones) /* which have it */
            memset(memory + before + shift + (size_t)rows * row, nan_byte, cache->size_bytes - (size_t)rows * row);
    }
    return true;
}

/* ---- layout ------------------------------------------------------------------------------------------------------ */

/* Slots of a problem's cache behind its keys. */
static int64_t slots_of(const struct problem *problem, int64_t slack)
{
    return problem->kv_slots > slack ? problem->kv_slots : slack;
}

/* Where each sequence begins, and how large the whole is, `before` rows that are nobody's included. */
static void measure(struct kv_cache *cache, const struct batch *batch, int64_t before, int64_t slack,
                    struct sequence_args *sequences)
{
    int page_size = batch->options->page_size;
    cache->rows = before;
    for (int i = 0; i < batch->num_sequences; i++) {
        int64_t slots = batch->problems[i].seq_len + slots_of(&batch->problems[i], slack);
        sequences[i].first_row = cache->rows;
        sequences[i].first_page = cache->pages;
        cache->pages += page_size ? (slots + page_size - 1) / page_size : 0;
        cache->rows = page_size ? before + cache->pages * page_size : cache->rows + slots;
    }
}

/* The pages of the pool, of which the first ones that the shuffle puts into the table are those of the sequences. Far
 * away at least half of them are nobody's. */
static int64_t pool_of(const struct kv_cache *cache, const struct batch *batch)
{
    int64_t pool = batch->options->pool_pages;
    int64_t least = batch->options->setting.far_rows ? 2 * cache->pages : cache->pages;
    return cache->pages && pool > least ? pool : least;
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

bool kv_cache_next_run(struct kv_run *run, const struct kv_cache *cache, const struct problem *problem,
                       const struct sequence_args *sequence, const struct kernel_options *options)
{
    int64_t page_size = options->page_size, keys = problem->seq_len + problem->kv_slots;
    int64_t key = run->key + run->count, most = page_size ? page_size : keys, left = keys - key;
    run->key = key;
    run->count = left < most ? left : most;
    if (left <= 0)
        return false;
    run->row = page_size ? cache->page_table[sequence->first_page + key / page_size] * page_size : sequence->first_row;
    return true;
}

/* One sequence's k or v, `row` bytes a key. */
static void copy_keys(char *to, const char *from, const struct kv_cache *cache, const struct problem *problem,
                      const struct sequence_args *sequence, const struct kernel_options *options, size_t row)
{
    for (struct kv_run run = {0}; kv_cache_next_run(&run, cache, problem, sequence, options);)
        memcpy(to + (size_t)run.row * row, from + (size_t)run.key * row, (size_t)run.count * row);
}

/* Whether two sequences hold the same in keys `key` to key + count. */
static bool are_same(const struct problem *a, const struct problem *b, int64_t key, int64_t count)
{
    const size_t row = kv_row_bytes(a), first = (size_t)key * row, size = (size_t)count * row;
    return memcmp((const char *)a->k + first, (const char *)b->k + first, size) == 0 &&
           memcmp((const char *)a->v + first, (const char *)b->v + first, size) == 0;
}

/* Pages that several sequences begin with are in the pool once; what would be the others' is nobody's. */
static void share_pages(struct kv_cache *cache, const struct batch *batch, const struct sequence_args *sequences)
{
    const struct problem *first = batch->problems;
    const int64_t page_size = batch->options->page_size;
    for (int i = 1; i < batch->num_sequences && page_size > 0; i++) {
        const struct problem *problem = &batch->problems[i];
        int64_t keys = batch->options->shared_keys;
        keys = first->seq_len < keys ? first->seq_len : keys;
        keys = problem->seq_len < keys ? problem->seq_len : keys;
        for (int64_t page = 0; page < keys / page_size; page++)
            if (are_same(first, problem, page * page_size, page_size))
                cache->page_table[sequences[i].first_page + page] = cache->page_table[sequences[0].first_page + page];
    }
}

/* Room for k and v behind each other. In pages it is filled with NaN; else fill_behind_keys does that, where no key
 * will be: most of it is written once. */
static bool make_room(struct kv_cache *cache, int nan_byte)
{
    char *memory = malloc(2 * cache->size_bytes + 1); /* of no keys too: malloc(0) may be NULL */
    if (!memory)
        return false;
    if (cache->pages)
        memset(memory, nan_byte, 2 * cache->size_bytes);
    cache->copy = memory;
    cache->k = memory;
    cache->v = memory + cache->size_bytes;
    return true;
}

/* Fills with NaN the rows of a cache without pages that lie behind a sequence's keys and slots, before the next one. */
static void fill_behind_keys(struct kv_cache *cache, const struct batch *batch, const struct sequence_args *sequences,
                             size_t row, int nan_byte)
{
    char *k = cache->copy, *v = k + cache->size_bytes;
    for (int i = 0; i < batch->num_sequences; i++) {
        const int64_t first = sequences[i].first_row + batch->problems[i].seq_len + batch->problems[i].kv_slots,
                      end = i + 1 < batch->num_sequences ? sequences[i + 1].first_row : cache->rows;
        memset(k + (size_t)first * row, nan_byte, (size_t)(end - first) * row);
        memset(v + (size_t)first * row, nan_byte, (size_t)(end - first) * row);
    }
}

static bool leave_to_device(struct kv_cache *cache)
{
    cache->k = cache->v = NULL;
    cache->of_device = true;
    return true;
}

enum error_kind kv_cache_lay_out(struct kv_cache *cache, const struct batch *batch, int64_t slack,
                                 struct sequence_args *sequences, struct error *error)
{
    const struct problem *problem = batch->problems;
    size_t row = kv_row_bytes(problem);
    int page_size = batch->options->page_size;
    bool far = batch->options->setting.far_rows;
    int64_t before = far ? far_rows(batch, row) : 0;
    *cache = (struct kv_cache){.k = problem->k, .v = problem->v};
    measure(cache, batch, before, slack, sequences);
    int64_t pool = pool_of(cache, batch);
    cache->rows = page_size ? before + pool * page_size : cache->rows;
    cache->size_bytes = (size_t)cache->rows * row;
    if (batch->num_sequences == 1 && page_size == 0 && slack <= problem->kv_slots && !far)
        return ERROR_NONE;
    cache->page_entries = cache->pages + entries_past_end(cache, batch, sequences);
    int64_t entries = pool > cache->page_entries ? pool : cache->page_entries;
    int nan_byte = dtype_nan_byte(problem_kv_dtype(problem));
    bool room = far                     ? reserve_far(cache, before, row, problem_kv_dtype(problem), batch)
                : batch->keys_on_device ? leave_to_device(cache)
                                        : make_room(cache, nan_byte);
    cache->page_table = cache->pages ? calloc((size_t)entries, sizeof *cache->page_table) : NULL;
    if (!room || (cache->pages && !cache->page_table)) {
        double size_bytes = 2.0 * (double)cache->size_bytes;
        kv_cache_clear(cache);
        return error_memory(error, "the KV cache's layout", size_bytes);
    }
    if (cache->pages)
        shuffle(cache->page_table, before / page_size, pool, batch->options->page_seed);
    share_pages(cache, batch, sequences);
    if (!cache->pages && !far && !cache->of_device)
        fill_behind_keys(cache, batch, sequences, row, nan_byte);
    for (int i = 0; i < batch->num_sequences && !cache->of_device; i++) {
        copy_keys((char *)(uintptr_t)cache->k, batch->problems[i].k, cache, &batch->problems[i], &sequences[i],
                  batch->options, row);
        copy_keys((char *)(uintptr_t)cache->v, batch->problems[i].v, cache, &batch->problems[i], &sequences[i],
                  batch->options, row);
    }
    take_page_rows(cache, batch, sequences);
    return ERROR_NONE;
}

void kv_cache_clear(struct kv_cache *cache)
{
    if (cache->far)
        munmap(cache->copy, cache->reserved_bytes);
    else
        free(cache->copy);
    free(cache->page_table);
    *cache = (struct kv_cache){0};
}
