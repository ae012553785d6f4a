/*
 * Rows of k or v on their way into the cache before they are worked on.
 *
 * The rows of one head lie far apart, each in a page of its own, where the hardware foresees nothing and drops what it
 * is asked to prefetch, since the page has to be looked up first. Loads that nothing waits for are on their way many at
 * once: 26 ns a row of 256 bytes, 8 KiB from the next, where one row after the other takes 200.
 */
#ifndef REFERENCE_KEY_ROWS_H
#define REFERENCE_KEY_ROWS_H

#include "reference/problem.h"

enum { KEY_ROWS = 64, CACHE_LINE_BYTES = 64 }; /* rows that are worth being fetched at once: 16 KiB */

/* tensor: the problem's k, or its v. */
static inline void key_row_fetch(const struct problem *problem, const void *tensor, int kv_head, int64_t key)
{
    size_t element_bytes = dtypes[problem_kv_dtype(problem)].size_bytes;
    size_t row_bytes = (size_t)problem->head_dim * element_bytes;
    const volatile char *row = (const char *)tensor + problem_row(problem, key, kv_head) * element_bytes;
    for (size_t offset = 0; offset < row_bytes; offset += CACHE_LINE_BYTES)
        (void)row[offset];
}

/* Those of the KEY_ROWS keys from `first` on that are there and visible. */
static inline void key_rows_fetch(const struct problem *problem, const void *tensor, int kv_head, int64_t first)
{
    for (int64_t key = first; key < first + KEY_ROWS && key < problem->seq_len; key++)
        if (problem_visible(problem, key))
            key_row_fetch(problem, tensor, kv_head, key);
}

#endif
