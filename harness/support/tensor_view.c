#include "harness/support/tensor_view.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 64 }; /* elements converted at a time */

/* Whether every number of `from` is one of `to`, f16 of f32, e4m3 of bf16: of the largest number, the smallest and the
 * significand it has at least as much. */
static bool dtype_holds(enum dtype to, enum dtype from)
{
    const struct dtype_info *wide = &dtypes[to], *narrow = &dtypes[from];
    int least_of_wide = wide->min_exponent - (wide->significand_bits - 1),
        least_of_narrow = narrow->min_exponent - (narrow->significand_bits - 1);
    return to == from || (wide->max >= narrow->max && wide->significand_bits >= narrow->significand_bits &&
                          least_of_wide <= least_of_narrow);
}

static const char *element_at(const struct tensor_view *view, int64_t i, int64_t j, int64_t d)
{
    int64_t of_block = view->block ? d / view->block * view->block_stride : 0,
            in_block = view->block ? d % view->block : d;
    int64_t at = i * view->strides[0] + j * view->strides[1] + of_block + in_block * view->strides[2];
    return (const char *)view->elements + at * (int64_t)dtypes[view->dtype].size_bytes;
}

/* Elements of the row, packed, as they are. */
static void gather(char *destination, const struct tensor_view *view, int64_t i, int64_t j, int first, int count)
{
    size_t size = dtypes[view->dtype].size_bytes;
    if (view->strides[2] == 1 && !view->block) {
        memcpy(destination, element_at(view, i, j, first), (size_t)count * size);
        return;
    }
    for (int d = 0; d < count; d++)
        memcpy(destination + (size_t)d * size, element_at(view, i, j, first + d), size);
}

enum error_kind tensor_view_copy(void *destination, enum dtype dtype, const struct tensor_view *view, int64_t i,
                                 int64_t j, int count, struct error *error)
{
    if (view->dtype == dtype) {
        gather(destination, view, i, j, 0, count);
        return ERROR_NONE;
    }
    bool held = dtype_holds(dtype, view->dtype);
    for (int first = 0; first < count; first += BLOCK) {
        int now = count - first < BLOCK ? count - first : BLOCK;
        float values[BLOCK], back[BLOCK], block[BLOCK]; /* block: no element is larger than a float */
        gather((char *)block, view, i, j, first, now);
        dtype_widen(view->dtype, block, 0, (size_t)now, values);
        dtype_narrow(dtype, destination, (size_t)first, (size_t)now, values);
        dtype_widen(dtype, destination, (size_t)first, (size_t)now, back);
        for (int d = 0; d < now && !held; d++)
            if (back[d] != values[d] && !isnan(values[d]))
                return error_set(error, ERROR_USAGE,
                                 "%s: element %d of row %" PRId64 ", %" PRId64
                                 " is %.9g, which %s does not hold; allowed: tensors of the output's dtype, or whose "
                                 "numbers it holds",
                                 view->name, first + d, i, j, (double)values[d], dtypes[dtype].name);
    }
    return ERROR_NONE;
}
