/*
 * The KV cache of a launch: its problems' k and v one after the other, laid out in pages, or with slots past the end.
 *
 * Pages of the pool that no sequence has, and slots that hold no key, and no slot of a problem's either, are filled
 * with NaN, so that a kernel that reads them shows it.
 */
#ifndef KERNELS_DEVICE_KV_CACHE_H
#define KERNELS_DEVICE_KV_CACHE_H

#include "kernels/attention/attention_args.h"
#include "kernels/kernel.h"

struct kv_cache {
    const void *k, *v;    /* [rows, Hkv, D] */
    int32_t *page_table;  /* [pages], taken from a shuffle of the pool's, each sequence's part after the other; NULL:
                             contiguous */
    int64_t rows, pages;  /* rows of the whole pool; pages of the sequences */
    int64_t page_entries; /* of page_table: pages, and as many of page 0 as a sequence may read past them */
    size_t size_bytes;    /* of each of k and v */
    void *copy;           /* of both; NULL: k and v are the problem's */
    bool of_device;       /* k and v are NULL: the device lays them out itself, from where it has the problem's */
    bool far;             /* as launch_setting has it: copy is a reservation of reserved_bytes */
    size_t reserved_bytes;
};

/*
 * A cache that is far away: its rows lie FAR_ELEMENTS and more behind the first of a reservation of address space, of
 * which only the pages that hold rows take memory. Under nan_zones they hold NaN beside the rows, and so do the pages
 * around the first element. What reads elsewhere, up to 2^31 elements before the first, reads 0: an index that was
 * taken for 32 bits, signed or not, lands there.
 */
#define FAR_ELEMENTS ((int64_t)3 << 31)

/* In pages, the first one's number is this at least, and as many of the pool as the sequences have are nobody's. */
#define FAR_PAGES ((int64_t)1 << 16)

/* Whether the address space that this takes can be had. */
bool kv_cache_can_be_far(void);

/*
 * Lays out the keys of a batch and sets first_row and first_page of its sequences, the latter as the recipe takes it.
 * slack: slots past the end of each that a kernel reads, or 0. ERROR_SYSTEM if memory is short. kv_cache_clear frees,
 * and accepts a zeroed cache.
 */
enum error_kind kv_cache_lay_out(struct kv_cache *cache, const struct batch *batch, int64_t slack,
                                 struct sequence_args *sequences, struct error *error);
void kv_cache_clear(struct kv_cache *cache);

/* Bytes of a key in k or v. */
static inline size_t kv_row_bytes(const struct problem *problem)
{
    return (size_t)problem->num_kv_heads * (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
}

/* Keys of a sequence, slots among them, that lie side by side in the cache, too: `count` of them from `key` on, the
 * first in row `row`. */
struct kv_run {
    int64_t key, count, row;
};

/* The next run after a zeroed one or the one that it holds; false: there is none. */
bool kv_cache_next_run(struct kv_run *run, const struct kv_cache *cache, const struct problem *problem,
                       const struct sequence_args *sequence, const struct kernel_options *options);

#endif
