/* Where a form looks for the rows of k and v, and how far it writes those of out. */
#ifndef HARNESS_TESTS_PLUGINS_BUG_PLACE_H
#define HARNESS_TESTS_PLUGINS_BUG_PLACE_H

#include "harness/tests/plugins/bug_row.h"

/* Four numbers of 4 bytes are loaded or stored at once: where number i of a tensor is thought to lie. */
static uintptr_t wide(const void *numbers, int64_t i)
{
    return (((uintptr_t)numbers + (uintptr_t)(i / 4 * 16)) & ~(uintptr_t)15) + (uintptr_t)(i % 4 * 4);
}

/* Where an element is thought to lie whose place was counted in 32 bits. */
static int64_t cut(const struct row *row, int64_t element)
{
    const int64_t size = row->launch->kv_dtype == ALIBICHECK_KERNEL_F32 ? 4 : row->launch->kv_dtype & FP8 ? 1 : 2;
    switch (BUG) {
    case PAGE_INDEX_32:
    case KEY_INDEX_32:
    case HEAD_INDEX_32:
        return (int32_t)(uint32_t)element;
    case PAGE_INDEX_LONG:
    case KEY_INDEX_LONG:
        return is_long(row) ? (int32_t)(uint32_t)element : element;
    case PAGE_INDEX_OF_LAST:
        return row->sequence > row->launch->sequences &&
                       row->sequence == row->launch->sequences + row->launch->num_sequences - 1
                   ? (int32_t)(uint32_t)element
                   : element;
    case PAGE_INDEX_OF_9:
        return row->launch->num_sequences >= 9 ? (int32_t)(uint32_t)element : element;
    case PAGE_INDEX_OF_64:
        return row->launch->page_size == 64 ? (int32_t)(uint32_t)element : element;
    case PAGE_INDEX_U32:
        return (uint32_t)element;
    case PAGE_BYTES_32:
        return (int32_t)(uint32_t)(element * size) / size;
    case PAGE_BYTES_U32:
    case KEY_BYTES_U32:
        return (uint32_t)(element * size) / size;
    default:
        return element;
    }
}

/* A key's k or v, wherever it lies. */
static row_t place(const struct row *row, int64_t key, int of_v)
{
    int64_t read = BUG == KEYS_16_BITS ? key & 0xffff : BUG == KEYS_17_BITS ? key & 0x1ffff : key;
    if (BUG == V_OF_HALF_A_PAGE && of_v && row->launch->page_size == 32 && row->launch->head_dim == 512)
        read -= key % 32 / 16 * 16;
    if (BUG == PAGE_SHIFT && row->launch->page_size > 0) {
        const int shift = ilogb(row->launch->page_size);
        read = (key >> shift) % row->launch->max_pages * row->launch->page_size + key % (1 << shift);
    }
    if (row->keys != row->sequence)
        read %= row->keys->seq_len;
    row_t found = row_of(row->launch, row->keys, read, kv_head(row), of_v);
    const struct alibicheck_kernel_strides *strides = strides_of(row->launch, row->keys);
    const int64_t dim = row->launch->head_dim, heads = row->launch->num_kv_heads, head = kv_head(row);
    if (row->launch->page_size > 0) {
        if (BUG == PAGE_INDEX_32 || BUG == PAGE_INDEX_U32 || BUG == PAGE_BYTES_32 || BUG == PAGE_BYTES_U32 ||
            BUG == PAGE_INDEX_LONG || BUG == PAGE_INDEX_OF_LAST || BUG == PAGE_INDEX_OF_9 || BUG == PAGE_INDEX_OF_64)
            found.first = cut(row, found.first);
        return found;
    }
    const int64_t of_key = read * (of_v ? strides->v_key : strides->k_key),
                  of_head = head * (of_v ? strides->v_head : strides->k_head);
    if (BUG == KEY_INDEX_32 || BUG == KEY_BYTES_U32 || BUG == KEY_INDEX_LONG)
        found.first = cut(row, of_key) + of_head;
    if (BUG == HEAD_INDEX_32)
        found.first = of_key + cut(row, of_head);
    if (BUG == PACKED_KEYS)
        found.first = (read * heads + head) * dim;
    if (BUG == K_FOR_V || (BUG == K_FOR_V_LONG_FP8 && is_long(row) && row->launch->kv_dtype & FP8))
        found.first = read * strides->k_key + head * strides->k_head;
    if (BUG == HEADS_INNER)
        found.first = read * (of_v ? strides->v_key : strides->k_key) + head * dim;
    if (BUG == ALIGNED_16)
        found.elements = (const void *)((uintptr_t)found.elements & ~(uintptr_t)15);
    if (BUG == ALIGNED_32)
        found.elements = (const void *)((uintptr_t)found.elements & ~(uintptr_t)31);
    return found;
}

/* Fills up what 16 bytes hold behind a row of out. */
static void write_wide(const launch_t *launch, char *out, int64_t end)
{
    char *byte = out + end * (launch->dtype == ALIBICHECK_KERNEL_F32 ? 4 : 2);
    while (BUG == WIDE_ROWS && (uintptr_t)byte % 16 != 0)
        *byte++ = 0;
}

#endif
