/*
 * The formats of tensor_file.h: each is a file, tensor_NAME.c, which ends in its descriptor, and a row of
 * TENSOR_FORMATS.
 */
#ifndef HARNESS_SUPPORT_TENSOR_FORMAT_H
#define HARNESS_SUPPORT_TENSOR_FORMAT_H

#include <stdbool.h>

#include "reference/error.h"

struct tensor_archive;
struct tensor_entry;
struct tensor_file;
struct tensor_layout;

struct tensor_format {
    const char *suffix;  /* of a file's name */
    bool is_container;   /* tensors have names in it */
    const char *writers; /* of what is allowed */

    /* Fills entries, by name, and metadata of an archive whose file is open. Whatever the result, close is called. */
    enum error_kind (*open)(struct tensor_archive *archive, struct error *error);
    void (*close)(struct tensor_archive *archive); /* frees what open has allocated */
    enum error_kind (*describe)(struct tensor_layout *layout, const struct tensor_archive *archive,
                                const struct tensor_entry *entry, struct error *error);
    /* Maps the elements, whose layout and name the tensor has. */
    enum error_kind (*map)(struct tensor_file *tensor, const struct tensor_archive *archive,
                           const struct tensor_entry *entry, struct error *error);
};

#define TENSOR_FORMATS(row) row(npy_format) row(npz_format) row(safetensors_format)

#define DECLARE_FORMAT(name) extern const struct tensor_format name;
TENSOR_FORMATS(DECLARE_FORMAT)
#undef DECLARE_FORMAT

#endif
