/*
 * How q, k, v and out of a sequence lie in memory where they are not packed: rows of head_dim adjacent elements, which
 * lie apart, head after head, or from any element on. What lies before, between and behind rows is nobody's.
 */
#ifndef HARNESS_SUBJECT_TENSOR_STRIDES_H
#define HARNESS_SUBJECT_TENSOR_STRIDES_H

#include "harness/subject/paged_cache.h"

/* In elements: where the first row begins, and from a page, from a row of the same head and from a head to the next. */
struct tensor_strides {
    int64_t first, page, row, head;
};

enum strided_tensor { STRIDED_Q, STRIDED_K, STRIDED_V, STRIDED_OUT, STRIDED_COUNT };

struct sequence_strides {
    struct tensor_strides of[STRIDED_COUNT]; /* those of k and v in pages are the pools', and the same for all */
    int64_t far_elements; /* that k and v each span, from their first on, where most of that is to have no memory
                           * (far_tensor.h); 0: all of it has */
};

/* What is strided: [pages, rows, heads, dim], 1 page where there are none. rows are queries, keys or slots. */
struct strided_shape {
    int64_t pages, rows;
    int heads, dim;
    enum dtype dtype;
    const int32_t *page_ids; /* [pages], where each page is among all that there are; NULL: page i is number i */
};

struct strided_shape strided_shape(const struct problem *problem, const struct paged_cache *pages,
                                   enum strided_tensor tensor);

/* Strides of a layout, bits of enum tensor_layout_bit. No two tensors have the same, unless they are packed. */
void sequence_strides_make(struct sequence_strides *strides, const struct problem *problem,
                           const struct paged_cache *pages, unsigned layout);

/* Whether no two elements are in the same place, and none below the first. */
bool tensor_strides_fit(const struct tensor_strides *strides, const struct strided_shape *shape);

/* Bytes from the first that is the tensor's or lies before it to the end of its last row. They fit. */
size_t strided_bytes(const struct tensor_strides *strides, const struct strided_shape *shape);

/* Rows of dim elements that it has. */
int64_t strided_rows(const struct strided_shape *shape);

/* The element, from where strides are counted, that row number i of those begins at, in the order of packed ones. */
int64_t strided_element(const struct tensor_strides *strides, const struct strided_shape *shape, int64_t i);

/* Elements from where they are packed to where they lie, and back; nothing else is written. */
void strided_spread(void *memory, const void *packed, const struct tensor_strides *strides,
                    const struct strided_shape *shape);
void strided_gather(void *packed, const void *memory, const struct tensor_strides *strides,
                    const struct strided_shape *shape);

/* What is said of a layout: "with rows apart, heads first". text: SUBJECT_TEXT_SIZE. */
void tensor_layout_name(char *text, unsigned layout);

#endif
