/*
 * A tensor as its owner has it in memory: three axes, each with a stride of its own. What is copied out of it is
 * packed, of the dtype that is asked for, and has the same values: nothing is ever rounded.
 */
#ifndef HARNESS_SUPPORT_TENSOR_VIEW_H
#define HARNESS_SUPPORT_TENSOR_VIEW_H

#include "reference/dtype.h"
#include "reference/error.h"

enum { VIEW_AXES = 3 };

struct tensor_view {
    const char *name;     /* for messages */
    const void *elements; /* element [i, j, d] is number i * strides[0] + j * strides[1] + d * strides[2] from here; on
                           * the boundary of its dtype */
    enum dtype dtype;
    int64_t strides[VIEW_AXES];  /* in elements; 0 and below 0 too */
    int64_t block, block_stride; /* where block is not 0, of d stands (d / block) * block_stride + (d % block) *
                                  * strides[2] in the place of d * strides[2] */
};

/*
 * Elements [i, j, 0..count) as numbers of dtype into destination. ERROR_USAGE with the tensor, the place and the value
 * if dtype does not hold one of them; NaN is held by all, whichever NaN it is.
 */
enum error_kind tensor_view_copy(void *destination, enum dtype dtype, const struct tensor_view *view, int64_t i,
                                 int64_t j, int count, struct error *error);

#endif
