#include "harness/support/npy.h"

#include <stdio.h>
#include <string.h>

#include "harness/support/replacement.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are written as they lie in memory");

enum {
    PREAMBLE_SIZE = 10, /* magic, version, length of what follows */
    HEADER_SIZE = 128   /* with the preamble; the format asks for a multiple of 64 */
};

enum error_kind npy_write(const char *path, const struct npy_array *array, struct error *error)
{
    /* The elements fit in memory, so their axes have about 20 digits in all: the header fits. */
    char shape[80] = "", header[HEADER_SIZE];
    size_t used = 0, size_bytes = (size_t)(array->type[2] - '0');
    for (int i = 0; i < array->num_axes; i++) {
        used += (size_t)snprintf(shape + used, sizeof shape - used, i ? " %lld," : "%lld,", (long long)array->shape[i]);
        size_bytes *= (size_t)array->shape[i];
    }

    /* A Python literal, then spaces, the last byte a newline. */
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = HEADER_SIZE - PREAMBLE_SIZE;
    header[9] = 0;
    int end = PREAMBLE_SIZE + snprintf(header + PREAMBLE_SIZE, sizeof header - PREAMBLE_SIZE,
                                       "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", array->type, shape);
    if (end >= HEADER_SIZE)
        return error_set(error, ERROR_SYSTEM, "cannot write %s: its shape is too long", path);
    header[end] = ' ';
    header[HEADER_SIZE - 1] = '\n';

    struct replacement file;
    enum error_kind kind = replacement_open(&file, path, error);
    if (kind)
        return kind;
    kind = file_write(file.descriptor, path, header, HEADER_SIZE, error);
    if (!kind)
        kind = file_write(file.descriptor, path, array->data, size_bytes, error);
    if (!kind)
        return replacement_keep(&file, error);
    replacement_drop(&file);
    return kind;
}
