/*
 * Reads the .npy files that NumPy and `run --dump` write: versions 1.0 and 2.0 of the format (numpy.lib.format), C
 * order, little-endian, 1 to 3 axes. Nothing of a file is believed: a header that is not exactly of this form, or whose
 * size differs from the file's, is refused.
 */
#ifndef HARNESS_SUPPORT_NPY_READ_H
#define HARNESS_SUPPORT_NPY_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reference/error.h"

enum {
    NPY_AXES_MAX = 3,
    NPY_HEADER_MAX = 65536, /* bytes before the elements that are looked at; NumPy writes 128 */
    NPY_REASON_SIZE = 256
};

struct npy_header {
    char type[4];                /* "<f2", "<u2", "<f4", "<f8" or "|u1"; the digit is the size of an element in bytes */
    int num_axes;                /* 1 to NPY_AXES_MAX */
    int64_t shape[NPY_AXES_MAX]; /* each at least 1, slowest axis first; 1 beyond num_axes */
    int64_t num_elements;        /* the product of shape */
    int64_t data_offset;         /* of the first element in the file */
    int64_t file_size;           /* data_offset + num_elements elements; fits */
};

/* Reads a header from the first `size` bytes of a file. False with a sentence in reason[NPY_REASON_SIZE], without the
 * file's name; *header is then not to be read. */
bool npy_header_parse(struct npy_header *header, const uint8_t *bytes, size_t size, char *reason);

static inline size_t npy_element_bytes(const struct npy_header *header)
{
    return (size_t)(header->type[2] - '0');
}

struct npy_file {
    struct npy_header header;
    const char *path; /* the caller's */
    int descriptor;
};

/* Opens a regular file and checks header and size: ERROR_USAGE with path, what is wrong and what is allowed.
 * npy_close also takes a file that was not opened, descriptor -1. */
enum error_kind npy_open(struct npy_file *file, const char *path, struct error *error);
void npy_close(struct npy_file *file);

/* Elements first.. (count of them) into memory that holds them; first + count <= num_elements. ERROR_SYSTEM. */
enum error_kind npy_read(const struct npy_file *file, int64_t first, size_t count, void *elements, struct error *error);

#endif
