/*
 * Arrays as NumPy reads them: the .npy format, version 1.0 (numpy.lib.format), C order, little-endian.
 */
#ifndef HARNESS_SUPPORT_NPY_H
#define HARNESS_SUPPORT_NPY_H

#include <stdint.h>

#include "reference/error.h"

struct npy_array {
    const char *type; /* "<f2", "<u2", "<f4", "<f8": the digit is the size of an element in bytes */
    int num_axes;     /* 1 to 3 */
    int64_t shape[3]; /* slowest axis first */
    const void *data;
};

/* Writes array to path, replacing what is there. */
enum error_kind npy_write(const char *path, const struct npy_array *array, struct error *error);

#endif
