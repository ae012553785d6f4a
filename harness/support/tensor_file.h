/*
 * Tensors in files: FILE.npy, FILE.npz:NAME and FILE.safetensors:NAME.
 *
 * Nothing of a file is believed. What is not exactly of its format, lies about a size, or names a thing twice is
 * refused: ERROR_USAGE with one line, "FILE: what is wrong; allowed: ...". ERROR_SYSTEM is for what the machine lacks.
 * Elements are mapped, not read: a tensor may be larger than memory. They lie in the file itself, unless that has them
 * compressed, or at an address that is no multiple of their size: then in a temporary file (regular_file.h).
 */
#ifndef HARNESS_SUPPORT_TENSOR_FILE_H
#define HARNESS_SUPPORT_TENSOR_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "harness/support/regular_file.h"
#include "harness/support/tensor_layout.h"
#include "reference/error.h"

/* ---- one tensor -------------------------------------------------------------------------------------------------- */

struct tensor_file {
    char *name; /* FILE or FILE:NAME, for messages */
    struct tensor_layout layout;
    const uint8_t *elements; /* in C order, little-endian, at a multiple of an element's size; never NULL, read only */
    struct regular_file file;
    void *mapping; /* NULL: there are no elements */
    size_t mapping_bytes;
};

/*
 * Opens the tensor that a command line calls name. The last colon that has the name of a container before it is the one
 * that separates, so paths and names may have colons. Without NAME it is the one tensor of its container; if there are
 * several, or none of that name, the error lists those there are.
 *
 * The checksum of a tensor in an .npz is compared, which reads it once.
 */
enum error_kind tensor_open(struct tensor_file *tensor, const char *name, struct error *error);

/* Also takes one that is all zeros, or whose opening failed. */
void tensor_close(struct tensor_file *tensor);

/*
 * What the elements are, where the file does not say it or has integers for bits: raw16 is any type of 2 bytes and raw8
 * any of 1 byte; u16, i16, u8 and i8 may be floats of their size. A type that says what it is keeps its meaning:
 * ERROR_USAGE if type contradicts it.
 */
enum error_kind tensor_reinterpret(struct tensor_file *tensor, enum element_type type, struct error *error);

/* Gives the memory of elements [first, first + count) back, after they were read: they can be read again, from the
 * file. A tensor read in blocks, each forgotten, takes no more memory than a block and 4 MB. */
void tensor_forget(const struct tensor_file *tensor, int64_t first, int64_t count);

/*
 * ERROR_SYSTEM if the file was written to since it was opened: what was read since is then worth nothing. To be asked
 * when all was read. (Elements that a file has lost behind the program's back cannot be read: SIGBUS, which
 * a program may turn into its last line, command/lost_file.h.)
 */
enum error_kind tensor_check_unchanged(const struct tensor_file *tensor, struct error *error);

/* ---- all of a file ----------------------------------------------------------------------------------------------- */

struct tensor_entry {
    const char *name;            /* in a container; "" in an .npy */
    struct tensor_layout layout; /* of .npz: not known yet, tensor_archive_describe reads it */
    const char *type_name;       /* where layout.type is ELEMENT_COUNT: what the file calls it */
    int64_t start, size_bytes;   /* what it takes in the file */
    size_t index;                /* of .npz: in the directory */
};

struct tensor_metadata {
    const char *key, *value;
};

struct tensor_archive {
    const char *path;             /* the caller's */
    struct tensor_entry *entries; /* by name, each once */
    size_t num_entries;
    struct tensor_metadata *metadata; /* of .safetensors, by key, each once */
    size_t num_metadata;
    const struct tensor_format *format; /* tensor_format.h */
    struct regular_file file;
    void *state; /* the format's */
};

/* Opens a file of one of the three formats by its name, and reads what tensors it has. */
enum error_kind tensor_archive_open(struct tensor_archive *archive, const char *path, struct error *error);

/* The same of what stands in memory, in a .safetensors file's format; it is the caller's, and outlives the archive;
 * name is what messages call it. Of its tensors none is opened: they are copied. */
enum error_kind tensor_archive_in_memory(struct tensor_archive *archive, const char *name, const void *bytes,
                                         size_t size, struct error *error);

/* Also takes one that is all zeros, or whose opening failed. Tensors opened from it stay open. */
void tensor_archive_close(struct tensor_archive *archive);

/* The entry called name; NULL if there is none. */
const struct tensor_entry *tensor_archive_find(const struct tensor_archive *archive, const char *name);

/* The same, or of an archive of one tensor that one if name is NULL: ERROR_USAGE lists those there are. */
enum error_kind tensor_archive_choose(const struct tensor_entry **entry, const struct tensor_archive *archive,
                                      const char *name, struct error *error);

/* Type and shape of an entry; ERROR_USAGE if it cannot be read. */
enum error_kind tensor_archive_describe(struct tensor_layout *layout, const struct tensor_archive *archive,
                                        const struct tensor_entry *entry, struct error *error);

/* Opens the tensor of an entry, as tensor_open does; tensor_close ends it, before or after the archive. */
enum error_kind tensor_archive_tensor(struct tensor_file *tensor, const struct tensor_archive *archive,
                                      const struct tensor_entry *entry, struct error *error);

/* Copies the elements of an entry of a .safetensors file, size_bytes, to wherever. */
enum error_kind tensor_archive_copy(void *to, const struct tensor_archive *archive, const struct tensor_entry *entry,
                                    struct error *error);

/* The value of a key; NULL if there is none. */
const char *tensor_archive_metadata(const struct tensor_archive *archive, const char *key);

#endif
