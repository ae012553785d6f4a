/*
 * k and v of a launch's sequences as a kernel that takes pages is given them: a pool of pages, and a table that says
 * which page holds which keys of a sequence. The layout is that of the kernels that come with the program
 * (kernels/device/kv_cache.h), and at least one page more is in the pool than the sequences need. Pages that are
 * nobody's, and slots of a sequence's last page behind its keys, hold NaN; entries of the table behind a sequence's
 * pages are of a page that is nobody's.
 */
#ifndef HARNESS_SUBJECT_PAGED_CACHE_H
#define HARNESS_SUBJECT_PAGED_CACHE_H

#include "harness/subject/subject.h"

/* How pages are laid out. */
struct page_setting {
    int size;      /* keys a page; 0: there are no pages */
    uint64_t seed; /* of their order */
    int64_t pool;  /* pages of the pool; 0: as few as can be */
    bool shared;   /* sequences that have k and v of the first one have the first half of its whole pages, too, as of a
                    * prompt that they have in common; what would be theirs there is nobody's */
    int64_t shared_keys; /* as kernel_options have it */
    bool wide;           /* the table has columns for longer sequences than there are, as servers allocate it once */
    int64_t most_keys;   /* of such a sequence; 0: any number */
};

/* The most columns that a wide table has more. */
enum { MOST_COLUMNS_MORE = 1024 };

struct paged_cache {
    const void *k, *v; /* [num_pages, page_size, num_kv_heads, head_dim] */
    int64_t num_pages;
    const int32_t *page_ids; /* [num_held]: k and v have these pages alone; NULL: they have all */
    int64_t num_held;
    int page_size, max_pages;   /* max_pages: one more than the longest sequence has at least */
    const int32_t *block_table; /* [num_sequences, max_pages] */
    const int32_t *seq_lens;    /* [num_sequences] */
    void *memory[4];            /* that paged_cache_clear frees */
};

/* ERROR_SYSTEM if memory is short, ERROR_SUBJECT for more pages or keys than 32 bits count. paged_cache_clear frees,
 * and takes a zeroed cache. */
enum error_kind paged_cache_lay_out(struct paged_cache *cache, const struct sequences *sequences,
                                    const struct page_setting *setting, struct error *error);
void paged_cache_clear(struct paged_cache *cache);

/* Makes the pool so much larger that its pages, which become its last ones, lie where 32 bits hold no offset, and 16 no
 * page's number; near: that they are the first ones of that pool. count: of sequences. *elements: of the pool.
 * ERROR_SUBJECT where so many pages cannot be numbered. */
enum error_kind paged_cache_scatter(struct paged_cache *cache, const struct problem *shape, int count, bool near,
                                    int64_t *elements, struct error *error);

/* Pages that k and v have. */
static inline int64_t paged_cache_held(const struct paged_cache *cache)
{
    return cache->page_ids ? cache->num_held : cache->num_pages;
}

/* Bytes of k, and of v. */
size_t paged_cache_bytes(const struct paged_cache *cache, const struct problem *shape);

#endif
