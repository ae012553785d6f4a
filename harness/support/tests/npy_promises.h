/*
 * What holds for any bytes given to npy_header_parse: a header whose sizes agree with each other, or a printable
 * sentence.
 */
#ifndef HARNESS_SUPPORT_TESTS_NPY_PROMISES_H
#define HARNESS_SUPPORT_TESTS_NPY_PROMISES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/npy_header.h"

static inline const char *npy_promise_broken(const uint8_t *bytes, size_t size)
{
    struct npy_header header;
    char reason[NPY_REASON_SIZE] = "";
    /* Memory of exactly this size, so that a sanitizer sees a read behind it. */
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, bytes, size);
    bool parsed = npy_header_parse(&header, copy, size, reason);
    free(copy);
    if (!parsed) {
        if (!*reason)
            return "refused without a reason";
        for (const char *c = reason; *c; c++)
            if ((unsigned char)*c < ' ')
                return "the reason is not one printable line";
        return NULL;
    }
    int64_t product = 1;
    bool is_empty = false;
    if (header.num_axes < 0 || header.num_axes > TENSOR_AXES_MAX)
        return "axes beyond those allowed";
    for (int i = 0; i < TENSOR_AXES_MAX; i++) {
        is_empty |= header.shape[i] == 0;
        if (header.shape[i] < 0 || (i >= header.num_axes && header.shape[i] != 1) ||
            (header.shape[i] && __builtin_mul_overflow(product, header.shape[i], &product)))
            return "a shape that is not allowed";
    }
    if (is_empty)
        product = 0;
    if (product != header.num_elements)
        return "the elements are not the product of the shape";
    if (header.data_offset > (int64_t)size || header.data_offset > NPY_HEADER_MAX)
        return "elements that start behind the header";
    if (strlen(header.type) != 3 || !strchr("1248", header.type[2]))
        return "a type that is not allowed";
    if (header.element_type >= ELEMENT_COUNT ||
        element_types[header.element_type].size_bytes != (size_t)(header.type[2] - '0'))
        return "a type of another size";
    if (header.file_size != header.data_offset + product * (header.type[2] - '0'))
        return "a file size that does not follow from the shape";
    return NULL;
}

#endif
