/*
 * A problem that a caller hands over: its shape and scales, and views of the tensors where they lie.
 *
 * Opening it, or a part of it, copies q, k and v into memory of its own, packed and in the problem's dtypes, a page at
 * a time where there are pages. Values stay what they are: a tensor with a number that its dtype does not hold is
 * refused. Nothing is promised of k and v, whose bounds are NULL. Elements may be infinite or NaN.
 */
#ifndef HARNESS_PROBLEM_GIVEN_SOURCE_H
#define HARNESS_PROBLEM_GIVEN_SOURCE_H

#include "harness/problem/problem_spec.h"
#include "harness/support/tensor_view.h"

/* All pointers are the caller's and outlive the source. */
struct given_tensors {
    struct tensor_view q;    /* [query, head, dim] */
    struct tensor_view k, v; /* [key, KV head, dim]; of pages: [slot of a page, KV head, dim] */
    const int64_t *pages;    /* [ceil(seq_len / page_size)] the page of keys page_size * i ..; NULL: there are none */
    int64_t page_size, k_page_stride, v_page_stride; /* of pages: keys of one; elements from one to the next */
    const uint8_t *visible;                          /* [seq_len], 0 removes the key; NULL: every key is visible */
    void (*forget)(
        void *context); /* Called now and then: what was read of k and v may leave memory. NULL: nothing does */
    void *context;
};

struct given_source {
    struct problem_source source; /* first */
    struct problem_spec spec;     /* shape, dtypes, scales, positions, slope_values and sinks (values): the rest is not
                                   * read */
    struct given_tensors tensors;
};

struct given_source given_source(const struct problem_spec *spec, const struct given_tensors *tensors);

#endif
