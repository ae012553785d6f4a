/*
 * Where the elements of a tensor are mapped from.
 */
#ifndef HARNESS_SUPPORT_TENSOR_MAPPING_H
#define HARNESS_SUPPORT_TENSOR_MAPPING_H

#include "harness/support/tensor_file.h"

/* Maps the elements of tensor->layout that begin at offset of a file whose size was compared with them. */
enum error_kind tensor_map(struct tensor_file *tensor, int descriptor, int64_t offset, struct error *error);

/* The same for elements that may begin at any offset of a file: where that is no multiple of their size a copy is
 * mapped. */
enum error_kind tensor_map_anywhere(struct tensor_file *tensor, const struct regular_file *file, int64_t offset,
                                    struct error *error);

#endif
