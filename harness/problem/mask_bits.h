/*
 * A mask kept in a file, a bit a key: key j is visible if bit j % 8 of byte j / 8, the least significant bit first, is
 * set. No header; bits beyond the last key are not looked at.
 */
#ifndef HARNESS_PROBLEM_MASK_BITS_H
#define HARNESS_PROBLEM_MASK_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reference/error.h"

struct mask_bits {
    char *name; /* as the case spells it */
    char *path; /* from where the program runs */
    uint8_t *bytes;
    size_t size_bytes;
};

/* Reads a regular file of 1 to max_bytes bytes. *bits is new and freed by mask_bits_free, which accepts NULL; NULL on
 * error. ERROR_USAGE, with what is wrong of the file and without its path; ERROR_SYSTEM if memory is short. */
enum error_kind mask_bits_read(struct mask_bits **bits, const char *name, const char *path, size_t max_bytes,
                               struct error *error);
void mask_bits_free(struct mask_bits *bits);

/* False beyond the end. */
static inline bool mask_bits_visible(const struct mask_bits *bits, int64_t key)
{
    return (size_t)key / 8 < bits->size_bytes && (bits->bytes[key / 8] >> key % 8 & 1);
}

/* Whether the bytes are the same. Two NULLs are. */
bool mask_bits_equal(const struct mask_bits *a, const struct mask_bits *b);

#endif
