#include "harness/subject/tensor_strides.h"

#include <stdio.h>
#include <string.h>

#include "kernels/launch_setting.h"

/* Far more than memory has, and far less than where sums of such numbers end. */
#define ELEMENTS_MAX 0x1p45

struct strided_shape strided_shape(const struct problem *problem, const struct paged_cache *pages,
                                   enum strided_tensor tensor)
{
    const bool of_keys = tensor == STRIDED_K || tensor == STRIDED_V;
    struct strided_shape shape = {.pages = 1,
                                  .rows = of_keys ? problem->seq_len : problem_queries(problem),
                                  .heads = of_keys ? problem->num_kv_heads : problem->num_heads,
                                  .dim = problem->head_dim,
                                  .dtype = of_keys ? problem_kv_dtype(problem) : problem->dtype};
    if (of_keys && pages) {
        shape.pages = paged_cache_held(pages);
        shape.rows = pages->page_size;
        shape.page_ids = pages->page_ids;
    }
    return shape;
}

/* Each tensor has gaps of another size, so that none is read by another's strides, and no stride is a multiple of
 * another by chance. */
static struct tensor_strides make_strides(const struct strided_shape *shape, enum strided_tensor tensor,
                                          unsigned layout)
{
    const int64_t aligned = BUFFER_ALIGNMENT / (int64_t)dtypes[shape->dtype].size_bytes, number = (int64_t)tensor + 1;
    const int64_t unit = layout & LAYOUT_UNALIGNED ? 1 : aligned, gap = layout & LAYOUT_ROWS_APART ? number * unit : 0;
    struct tensor_strides strides = {.first = layout & LAYOUT_UNALIGNED    ? 2 * number - 1
                                              : layout & LAYOUT_ROWS_APART ? number * aligned
                                              : layout & LAYOUT_PLACED     ? (2 * number - 1) * aligned
                                                                           : 0};
    if (layout & LAYOUT_HEADS_FIRST) {
        strides.row = shape->dim + gap;
        strides.head = shape->rows * strides.row + gap;
        strides.page = shape->heads * strides.head + gap;
    } else {
        strides.head = shape->dim + gap;
        strides.row = shape->heads * strides.head + gap;
        strides.page = shape->rows * strides.row + gap;
    }
    return strides;
}

void sequence_strides_make(struct sequence_strides *strides, const struct problem *problem,
                           const struct paged_cache *pages, unsigned layout)
{
    for (enum strided_tensor tensor = 0; tensor < STRIDED_COUNT; tensor++) {
        const struct strided_shape shape = strided_shape(problem, pages, tensor);
        strides->of[tensor] = make_strides(&shape, tensor, layout);
    }
    strides->far_elements = 0;
}

/* Elements of count things of `size` elements, so many apart. */
static double span(int64_t count, int64_t stride, double size)
{
    return count > 0 ? (double)(count - 1) * (double)stride + size : 0;
}

bool tensor_strides_fit(const struct tensor_strides *strides, const struct strided_shape *shape)
{
    const double heads = span(shape->heads, strides->head, shape->dim),
                 rows = span(shape->rows, strides->row, shape->dim);
    const bool heads_within = (double)strides->head >= shape->dim && (double)strides->row >= heads;
    const bool rows_within = (double)strides->row >= shape->dim && (double)strides->head >= rows;
    const double page = heads_within ? span(shape->rows, strides->row, heads) : span(shape->heads, strides->head, rows);
    const bool apart = heads_within || rows_within;
    return strides->first >= 0 && apart && (shape->pages == 1 || (double)strides->page >= page) &&
           (double)strides->first + span(shape->pages, strides->page, page) < ELEMENTS_MAX;
}

size_t strided_bytes(const struct tensor_strides *strides, const struct strided_shape *shape)
{
    int64_t elements = strides->first;
    if (shape->rows > 0)
        elements += (shape->pages - 1) * strides->page + (shape->rows - 1) * strides->row +
                    (shape->heads - 1) * strides->head + shape->dim;
    return (size_t)elements * dtypes[shape->dtype].size_bytes;
}

int64_t strided_rows(const struct strided_shape *shape)
{
    return shape->pages * shape->rows * shape->heads;
}

int64_t strided_element(const struct tensor_strides *strides, const struct strided_shape *shape, int64_t i)
{
    const int64_t head = i % shape->heads, row = i / shape->heads % shape->rows, page = i / shape->heads / shape->rows;
    return strides->first + (shape->page_ids ? shape->page_ids[page] : page) * strides->page + row * strides->row +
           head * strides->head;
}

static void move_rows(char *memory, char *packed, bool spread, const struct tensor_strides *strides,
                      const struct strided_shape *shape)
{
    const size_t element = dtypes[shape->dtype].size_bytes, row_bytes = (size_t)shape->dim * element;
    for (int64_t i = 0; i < strided_rows(shape); i++, packed += row_bytes) {
        char *there = memory + strided_element(strides, shape, i) * (int64_t)element;
        memcpy(spread ? there : packed, spread ? packed : there, row_bytes);
    }
}

void strided_spread(void *memory, const void *packed, const struct tensor_strides *strides,
                    const struct strided_shape *shape)
{
    move_rows(memory, (char *)(uintptr_t)packed, true, strides, shape);
}

void strided_gather(void *packed, const void *memory, const struct tensor_strides *strides,
                    const struct strided_shape *shape)
{
    move_rows((char *)(uintptr_t)memory, packed, false, strides, shape);
}

void tensor_layout_name(char *text, unsigned layout)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{LAYOUT_ROWS_APART, "rows apart"},
                 {LAYOUT_HEADS_FIRST, "heads before keys"},
                 {LAYOUT_UNALIGNED, "tensors that begin at an odd element"},
                 {LAYOUT_PLACED, "tensors that begin at an odd multiple of 16 bytes"},
                 {LAYOUT_NUMBERS, "lse, masks, slopes, sinks and tables that begin at any number"}};
    size_t length = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && length < SUBJECT_TEXT_SIZE; i++)
        if (layout & names[i].bit)
            length += (size_t)snprintf(text + length, SUBJECT_TEXT_SIZE - length, "%s%s", length ? ", " : "with ",
                                       names[i].name);
}
