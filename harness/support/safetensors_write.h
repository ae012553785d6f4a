/*
 * Writes .safetensors files, which tensor_file.h reads.
 *
 * The same tensors and texts, in whatever order they are given, are the same bytes. The header is padded with spaces so
 * that elements begin at a multiple of 64, those of the largest types first and then by name, one tensor behind the
 * other: each lies at a multiple of an element's size. (The format's own reader refuses files with gaps, so no tensor
 * but the first is sure to begin at a multiple of 64.)
 */
#ifndef HARNESS_SUPPORT_SAFETENSORS_WRITE_H
#define HARNESS_SUPPORT_SAFETENSORS_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "harness/support/tensor_file.h"

struct safetensors_tensor {
    const char *name;       /* UTF-8, each once */
    enum element_type type; /* one that the format has */
    int num_axes;
    int64_t shape[TENSOR_AXES_MAX];
    const void *elements; /* in C order; may be NULL if there are none */
};

/*
 * Writes them to path, whose former content stays until all is written. ERROR_SYSTEM, also if memory ran out;
 * ERROR_USAGE for names that are there twice or are no UTF-8, and for what the format cannot hold.
 */
enum error_kind safetensors_write(const char *path, const struct safetensors_tensor *tensors, size_t num_tensors,
                                  const struct tensor_metadata *metadata, size_t num_metadata, struct error *error);

/* What a file is made of, one piece behind the other: the header, then elements where they lie. */
struct safetensors_piece {
    const void *elements;
    size_t size_bytes;
};

struct safetensors_plan {
    char *header;
    size_t header_bytes;
    struct safetensors_piece *pieces;
    size_t num_pieces, size_bytes; /* of all of it */
};

/* The same without writing it; path is what messages call it. plan is overwritten; safetensors_plan_clear frees,
 * whatever the result. */
enum error_kind safetensors_plan(struct safetensors_plan *plan, const char *path,
                                 const struct safetensors_tensor *tensors, size_t num_tensors,
                                 const struct tensor_metadata *metadata, size_t num_metadata, struct error *error);
void safetensors_plan_clear(struct safetensors_plan *plan);

#endif
