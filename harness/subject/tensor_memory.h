/* Memory for tensors, aligned as kernels like it. */
#ifndef HARNESS_SUBJECT_TENSOR_MEMORY_H
#define HARNESS_SUBJECT_TENSOR_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

#include "reference/problem.h"

enum { TENSOR_ALIGNMENT = 64 };

/* What a tensor of so many bytes takes, so that another one behind it is aligned, too. */
static inline size_t tensor_aligned(size_t size_bytes)
{
    return (size_bytes + TENSOR_ALIGNMENT - 1) / TENSOR_ALIGNMENT * TENSOR_ALIGNMENT;
}

/* NULL if memory is short; to be freed. */
static inline void *tensor_allocate(size_t size_bytes)
{
    return aligned_alloc(TENSOR_ALIGNMENT, tensor_aligned(size_bytes));
}

/* What out and, behind it, lse take of a problem of this shape. */
static inline size_t output_bytes(const struct problem *shape)
{
    return tensor_aligned((size_t)problem_elements(shape) * dtypes[shape->dtype].size_bytes) +
           tensor_aligned((size_t)problem_rows(shape) * sizeof(float));
}

/* That output, in memory of so many bytes that a tensor may begin at. */
static inline struct output output_in(char *memory, const struct problem *shape)
{
    const size_t out_bytes = tensor_aligned((size_t)problem_elements(shape) * dtypes[shape->dtype].size_bytes);
    return (struct output){memory, (float *)(void *)(memory + out_bytes)};
}

#endif
