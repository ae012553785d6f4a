#include "harness/judge/poison.h"

#include <math.h>
#include <string.h>

/*
 * Quiet NaNs whose payload no conversion makes: GPUs convert to 0x7fff and 0x7fffffff, x86 to 0x7e00, 0x7fc0 and
 * 0x7fc00000 of either sign or keeps a payload's upper bits, and none of these is another one's upper bits.
 */
static const uint32_t poison[DTYPE_COUNT] = {[DTYPE_F16] = 0x7f5a, [DTYPE_BF16] = 0x7fda, [DTYPE_F32] = 0x7fe5a5c3};

static void fill(void *elements, enum dtype dtype, size_t count)
{
    if (dtypes[dtype].size_bytes == sizeof(uint16_t)) {
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)elements)[i] = (uint16_t)poison[dtype];
    } else {
        for (size_t i = 0; i < count; i++)
            memcpy((char *)elements + i * sizeof poison[dtype], &poison[dtype], sizeof poison[dtype]);
    }
}

void output_poison(struct output *output, const struct problem *problem)
{
    fill(output->out, problem->dtype, (size_t)problem_elements(problem));
    if (output->lse)
        fill(output->lse, DTYPE_F32, (size_t)problem_rows(problem));
}

static void unite_nans(enum dtype dtype, void *elements, size_t count)
{
    size_t size_bytes = dtypes[dtype].size_bytes;
    for (size_t i = 0; i < count; i++) {
        float value;
        dtype_widen(dtype, elements, i, 1, &value);
        if (isnan(value))
            memset((char *)elements + i * size_bytes, 0xff, size_bytes);
    }
}

void output_unite_nans(struct output *output, const struct problem *problem)
{
    unite_nans(problem->dtype, output->out, (size_t)problem_elements(problem));
    if (output->lse)
        unite_nans(DTYPE_F32, output->lse, (size_t)problem_rows(problem));
}

bool poison_is_at(enum dtype dtype, const void *elements, size_t index)
{
    if (dtypes[dtype].size_bytes == sizeof(uint16_t))
        return ((const uint16_t *)elements)[index] == poison[dtype];
    return memcmp((const char *)elements + index * sizeof poison[dtype], &poison[dtype], sizeof poison[dtype]) == 0;
}
