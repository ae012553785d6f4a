/*
 * How far from each other in memory the elements of a tensor lie.
 */
#ifndef HARNESS_LIBRARY_SPAN_H
#define HARNESS_LIBRARY_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "reference/error.h"

/* Adds the bytes from the first of `count` things to the last, `stride` elements apart. False if they cannot be
 * counted. */
bool span_add(int64_t *bytes, int64_t count, int64_t stride);

/* ERROR_USAGE with the tensor's name if no memory is so large as one in which counts[axes] elements would lie that are
 * strides[axes] elements apart, up to three axes. */
enum error_kind span_check(const char *name, const int64_t *counts, const int64_t *strides, int axes,
                           struct error *failure);

#endif
