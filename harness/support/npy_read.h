/*
 * Reads the .npy files that `run --dump` writes, and NumPy's of those types: "<f2", "<u2", "<f4", "<f8", "|u1", 1 to 3
 * axes, each at least 1. A header that is not exactly of the format (npy_header.h), or whose size differs from the
 * file's, is refused. Tensors of any type, in files of other formats, too, are read by tensor_file.h.
 */
#ifndef HARNESS_SUPPORT_NPY_READ_H
#define HARNESS_SUPPORT_NPY_READ_H

#include <stddef.h>
#include <stdint.h>

#include "harness/support/npy_header.h"
#include "reference/error.h"

enum { NPY_AXES_MAX = 3 };

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

/* Reads the header of a regular file, of any type and number of axes, and compares the sizes; errors as of npy_open. */
struct regular_file;
enum error_kind npy_read_header(struct npy_header *header, const struct regular_file *file, struct error *error);

#endif
