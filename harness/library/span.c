#include "harness/library/span.h"

#include <inttypes.h>
#include <stdio.h>

#include "harness/support/tensor_view.h"

bool span_add(int64_t *bytes, int64_t count, int64_t stride)
{
    enum { ELEMENT_BYTES_MAX = sizeof(float) };
    int64_t span;
    return count < 1 || (!__builtin_mul_overflow(count - 1, stride, &span) &&
                         !__builtin_mul_overflow(span, (int64_t)ELEMENT_BYTES_MAX, &span) && span != INT64_MIN &&
                         !__builtin_add_overflow(*bytes, span < 0 ? -span : span, bytes));
}

enum error_kind span_check(const char *name, const int64_t *counts, const int64_t *strides, int axes,
                           struct error *failure)
{
    int64_t bytes = 0;
    int axis = 0;
    while (axis < axes && span_add(&bytes, counts[axis], strides[axis]))
        axis++;
    if (axis == axes)
        return ERROR_NONE;
    char said[VIEW_AXES * sizeof ", -9223372036854775808"] = "";
    for (int i = 0, length = 0; i < axes; i++)
        length += snprintf(said + length, sizeof said - (size_t)length, "%s%" PRId64, i ? ", " : "", strides[i]);
    return error_set(failure, ERROR_USAGE, "%s: its strides are %s; allowed: elements that lie within 2^63 bytes", name,
                     said);
}
