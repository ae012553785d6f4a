/*
 * Texts and tensors of a message that was received: each is what is asked for, or an ERROR_USAGE says what is allowed.
 */
#ifndef HARNESS_SUBJECT_MESSAGE_VALUES_H
#define HARNESS_SUBJECT_MESSAGE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/subject/kernel_frame.h"
#include "harness/support/tensor_file.h"
#include "reference/error.h"

/* "its message has WHAT GIVEN; allowed: ALLOWED"; given NULL: it is nowhere. */
enum error_kind message_refuse(struct error *error, const char *what, const char *given, const char *allowed);

/* Reads what has come, which must say that it is of this format. archive is to be closed whatever the result, before
 * frame is cleared. */
enum error_kind message_open(struct tensor_archive *archive, const char *format, const struct frame *frame,
                             struct error *error);

/* A finite number; *number stays what it is where the key is not there. */
enum error_kind message_read_real(double *number, const struct tensor_archive *archive, const char *key,
                                  struct error *error);

/* The same, which must be there. */
enum error_kind message_read_float(float *number, const struct tensor_archive *archive, const char *key,
                                   struct error *error);

/* least to most; *number stays what it is where the key is not there. */
enum error_kind message_read_whole(int64_t *number, const struct tensor_archive *archive, const char *key,
                                   int64_t least, int64_t most, struct error *error);

/* Without control characters, and shorter than size; "" where the key is not there. */
enum error_kind message_read_word(char *word, size_t size, const struct tensor_archive *archive, const char *key,
                                  struct error *error);

/* Whether the key is there and "true". */
bool message_says(const struct tensor_archive *archive, const char *key);

/* Copies sequence i's tensor of exactly this type and shape; i < 0: the launch's. */
enum error_kind message_copy_tensor(void *to, const struct tensor_archive *archive, const char *part, int i,
                                    enum element_type type, int num_axes, const int64_t *shape, struct error *error);

#endif
