/* Memory for tensors, aligned as kernels like it. */
#ifndef HARNESS_JUDGE_ORACLE_TENSOR_MEMORY_H
#define HARNESS_JUDGE_ORACLE_TENSOR_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

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

#endif
