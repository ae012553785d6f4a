#include "harness/subject/far_strides.h"

#include "kernels/device/kv_cache.h"
#include "kernels/launch_setting.h"

/* What lies so many elements apart has `elements` of its own. As a remainder of 2^32 bytes the last offset is to be
 * none of another one's. */
static int64_t stride_of(int64_t count, int64_t elements, int64_t row, int64_t unit, int64_t element_bytes, bool near)
{
    const int64_t steps = count > 1 ? count - 1 : 1;
    const int64_t last = near ? INT32_MAX / element_bytes - elements - row : FAR_ELEMENTS + 8 * row;
    const int64_t stride = (near ? last / steps : (last + steps - 1) / steps + unit - 1) / unit * unit;
    return stride > elements + BUFFER_ALIGNMENT ? stride : elements + BUFFER_ALIGNMENT;
}

static struct tensor_strides make_strides(const struct strided_shape *shape, enum far_axis axis, bool near)
{
    const int64_t element = (int64_t)dtypes[shape->dtype].size_bytes, unit = BUFFER_ALIGNMENT / element;
    const int64_t row = (int64_t)shape->heads * shape->dim, head = shape->rows * shape->dim;
    if (axis == FAR_HEADS)
        return (struct tensor_strides){.row = shape->dim,
                                       .head = stride_of(shape->heads, head, row, unit, element, near)};
    return (struct tensor_strides){.row = stride_of(shape->rows, row, row, unit, element, near), .head = shape->dim};
}

void far_strides_make(struct sequence_strides *strides, const struct problem *problem, enum far_axis axis, bool near)
{
    sequence_strides_make(strides, problem, NULL, 0);
    for (enum strided_tensor tensor = STRIDED_K; tensor <= STRIDED_V; tensor++) {
        const struct strided_shape shape = strided_shape(problem, NULL, tensor);
        struct tensor_strides *of = &strides->of[tensor];
        *of = make_strides(&shape, axis, near);
        if (tensor == STRIDED_V) /* not k's */
            *(axis == FAR_HEADS ? &of->head : &of->row) += near ? -BUFFER_ALIGNMENT : BUFFER_ALIGNMENT;
        const int64_t rows = strided_rows(&shape);
        const int64_t elements = rows > 0 ? strided_element(of, &shape, rows - 1) + shape.dim : 0;
        strides->far_elements = elements > strides->far_elements ? elements : strides->far_elements;
    }
    strides->far_elements += strides->far_elements == 0; /* of no keys */
}
