#include "harness/command/judge_reading.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/source.h"

/* Page tables: a block table, or lists of pages as FlashInfer has them. */

static enum error_kind read_block_table(struct judge_reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    const struct tensor_file *file = &input->files[TENSOR_FILE_BLOCK_TABLE];
    int64_t sequences = reading->num_sequences, slots = reading->shape.length[ROLE_SLOTS];
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    if (file->layout.num_axes != 2 || file->layout.shape[0] != sequences)
        return error_set(error, ERROR_USAGE, "%s: is %s; allowed: [%" PRId64 ", n], the pages of each sequence",
                         quote_path(path, file->name), judge_shape_text(text, file), sequences);
    reading->pages_a_row = file->layout.shape[1];
    enum error_kind kind = judge_read_whole(
        &reading->seq_lens, &input->files[TENSOR_FILE_SEQ_LENS], sequences, 0,
        reading->pages_a_row * slots < JUDGE_MAX_LENGTH ? reading->pages_a_row * slots : JUDGE_MAX_LENGTH,
        "keys of a sequence, as many as its pages have room for", error);
    if (!kind) /* what stands behind a sequence's pages means nothing */
        kind = judge_read_whole(&input->pages, file, sequences * reading->pages_a_row, INT32_MIN, INT64_C(1) << 40,
                                "pages, counted from 0", error);
    return kind;
}

/* Keys in the last page of each sequence: a page of one key has that. */
static enum error_kind read_last_pages(int64_t **last, const struct judge_reading *reading, struct error *error)
{
    int64_t sequences = reading->num_sequences, slots = reading->shape.length[ROLE_SLOTS];
    if (reading->input->is_open[TENSOR_FILE_LAST_PAGE_LEN])
        return judge_read_whole(last, &reading->input->files[TENSOR_FILE_LAST_PAGE_LEN], sequences, 0, slots,
                                "keys in the last page of a sequence", error);
    if (slots != 1)
        return error_set(error, ERROR_USAGE,
                         "--kv-last-page-len: is missing; allowed: keys in the last page of each sequence, which pages "
                         "of %" PRId64 " keys leave open",
                         slots);
    *last = malloc((size_t)sequences * sizeof **last);
    for (int64_t b = 0; *last && b < sequences; b++)
        (*last)[b] = 1;
    return *last ? ERROR_NONE : error_memory(error, "lengths", (double)sequences * sizeof **last);
}

/* Pages in one list, sequence by sequence: as a table whose rows are as long as the longest of them. */
static enum error_kind read_page_rows(struct judge_reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    const struct tensor_file *file = &input->files[TENSOR_FILE_INDPTR];
    const char *name = file->name;
    int64_t sequences = reading->num_sequences, slots = reading->shape.length[ROLE_SLOTS], *first = NULL, *last = NULL,
            *list = NULL;
    int64_t count = input->files[TENSOR_FILE_INDICES].layout.num_elements;
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind =
        judge_read_whole(&first, file, sequences + 1, 0, count,
                         "where the pages of each sequence begin, and where the last ones end", error);
    if (!kind)
        kind = read_last_pages(&last, reading, error);
    if (!kind)
        kind = judge_read_whole(&list, &input->files[TENSOR_FILE_INDICES], count, INT32_MIN, INT64_C(1) << 40,
                                "pages, counted from 0", error);
    for (int64_t b = 0; b < sequences && !kind; b++) {
        int64_t pages = first[b + 1] - first[b];
        if (pages < 0 || pages * slots > JUDGE_MAX_LENGTH || (pages > 0 && last[b] < 1))
            kind = error_set(error, ERROR_USAGE,
                             "%s: sequence %" PRId64 " has %" PRId64 " pages, with %" PRId64
                             " keys in the last; allowed: 0 pages or more, from 1 on with 1 to %" PRId64 " keys",
                             quote_path(path, name), b, pages, last[b], slots);
        reading->pages_a_row = pages > reading->pages_a_row ? pages : reading->pages_a_row;
    }
    if (!kind) {
        input->pages = calloc((size_t)(sequences * reading->pages_a_row) + 1, sizeof *input->pages);
        reading->seq_lens = calloc((size_t)sequences, sizeof *reading->seq_lens);
        if (!input->pages || !reading->seq_lens)
            kind = error_memory(error, "page tables", (double)(sequences * reading->pages_a_row) * 8);
    }
    for (int64_t b = 0; b < sequences && !kind; b++) {
        int64_t pages = first[b + 1] - first[b];
        if (pages > 0)
            memcpy(input->pages + b * reading->pages_a_row, list + first[b], (size_t)pages * sizeof *list);
        reading->seq_lens[b] = pages > 0 ? (pages - 1) * slots + last[b] : 0;
    }
    free(first);
    free(last);
    free(list);
    return kind;
}

/* The pages that keys stand in are there. */
static enum error_kind check_pages(const struct judge_reading *reading, struct error *error)
{
    int64_t slots = reading->shape.length[ROLE_SLOTS], pages = reading->shape.length[ROLE_PAGES];
    for (int64_t b = 0; b < reading->num_sequences; b++)
        for (int64_t i = 0; i * slots < reading->seq_lens[b]; i++) {
            int64_t page = reading->input->pages[b * reading->pages_a_row + i];
            if (page < 0 || page >= pages)
                return error_set(error, ERROR_USAGE,
                                 "page table: page %" PRId64 " of sequence %" PRId64 " is page %" PRId64
                                 " of the pool; allowed: 0 to %" PRId64,
                                 i, b, page, pages - 1);
        }
    return ERROR_NONE;
}

enum error_kind judge_read_pages(struct judge_reading *reading, struct error *error)
{
    enum error_kind kind =
        reading->input->is_open[TENSOR_FILE_INDPTR] ? read_page_rows(reading, error) : read_block_table(reading, error);
    return kind ? kind : check_pages(reading, error);
}
