/*
 * The header of a .npy file (numpy.lib.format): versions 1.0, 2.0 and 3.0, C order, little-endian, 0 to 8 axes, of any
 * length. Nothing of it is believed: one that is not exactly of this form is refused.
 */
#ifndef HARNESS_SUPPORT_NPY_HEADER_H
#define HARNESS_SUPPORT_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/support/tensor_layout.h"

enum {
    NPY_HEADER_MAX = 65536, /* bytes before the elements that are looked at; NumPy writes 128 */
    NPY_REASON_SIZE = 512
};

struct npy_header {
    char type[4];                   /* as in the file, "<f2": the digit is the size of an element in bytes */
    enum element_type element_type; /* what that is */
    int num_axes;                   /* 0 to TENSOR_AXES_MAX */
    int64_t shape[TENSOR_AXES_MAX]; /* each at least 0, slowest axis first; 1 beyond num_axes */
    int64_t num_elements;           /* the product of shape */
    int64_t data_offset;            /* of the first element in the file */
    int64_t file_size;              /* data_offset + num_elements elements; fits */
};

/* Reads a header from the first `size` bytes of a file. False with a sentence in reason[NPY_REASON_SIZE], without the
 * file's name; *header is then not to be read. */
bool npy_header_parse(struct npy_header *header, const uint8_t *bytes, size_t size, char *reason);

static inline size_t npy_element_bytes(const struct npy_header *header)
{
    return (size_t)(header->type[2] - '0');
}

static inline struct tensor_layout npy_header_layout(const struct npy_header *header)
{
    struct tensor_layout layout = {header->element_type, header->num_axes, {0}, header->num_elements};
    for (int i = 0; i < TENSOR_AXES_MAX; i++)
        layout.shape[i] = header->shape[i];
    return layout;
}

#endif
