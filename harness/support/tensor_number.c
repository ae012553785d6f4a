#include "harness/support/tensor_number.h"

#include <math.h>

#include "reference/dtype.h"

double tensor_number(const struct tensor_file *file, int64_t i)
{
    const void *e = file->elements;
    float wide;
    switch (file->layout.type) {
    case ELEMENT_F64:
        return ((const double *)e)[i];
    case ELEMENT_F32:
        return (double)((const float *)e)[i];
    case ELEMENT_F16:
        dtype_widen(DTYPE_F16, e, (size_t)i, 1, &wide);
        return (double)wide;
    case ELEMENT_BF16:
        dtype_widen(DTYPE_BF16, e, (size_t)i, 1, &wide);
        return (double)wide;
    case ELEMENT_I64:
        return (double)((const int64_t *)e)[i];
    case ELEMENT_U64:
        return (double)((const uint64_t *)e)[i];
    case ELEMENT_I32:
        return ((const int32_t *)e)[i];
    case ELEMENT_U32:
        return ((const uint32_t *)e)[i];
    case ELEMENT_I16:
        return ((const int16_t *)e)[i];
    case ELEMENT_U16:
        return ((const uint16_t *)e)[i];
    case ELEMENT_I8:
        return ((const int8_t *)e)[i];
    case ELEMENT_U8:
    case ELEMENT_BOOL:
        return ((const uint8_t *)e)[i];
    default:
        return NAN;
    }
}
