#include "harness/judge/parting/bits.h"

#include <math.h>
#include <string.h>

void bits_begin(struct bits_apart *bits)
{
    *bits = (struct bits_apart){.first_row = -1, .first_dim = -1};
}

static uint32_t bits_at(enum dtype dtype, const void *elements, size_t index)
{
    uint32_t word;
    if (dtypes[dtype].size_bytes == sizeof(uint16_t))
        return ((const uint16_t *)elements)[index];
    memcpy(&word, (const char *)elements + index * sizeof word, sizeof word);
    return word;
}

static float number_of(enum dtype dtype, uint32_t bits)
{
    const uint16_t half = (uint16_t)bits;
    float value;
    dtype_widen(dtype, dtypes[dtype].size_bytes == sizeof half ? (const void *)&half : (const void *)&bits, 0, 1,
                &value);
    return value;
}

/* Its place among the numbers of its dtype, which are in the order of their bits but for the sign; both zeros are 0. */
static int64_t place_of(enum dtype dtype, uint32_t bits)
{
    uint32_t sign = dtypes[dtype].size_bytes == sizeof(uint16_t) ? 0x8000u : 0x80000000u;
    int64_t magnitude = bits & (sign - 1);
    return bits & sign ? -magnitude : magnitude;
}

double bits_steps(enum dtype dtype, uint32_t a, uint32_t b)
{
    if (a == b)
        return 0;
    if (!isfinite(number_of(dtype, a)) || !isfinite(number_of(dtype, b)))
        return INFINITY;
    return fabs((double)(place_of(dtype, a) - place_of(dtype, b)));
}

/* A row of the whole is the first so far: what differs first in it is at dim, or in lse. */
static void take_first(struct bits_apart *bits, int64_t row, int dim, enum dtype dtype, uint32_t a, uint32_t b)
{
    if (bits->first_row >= 0 && bits->first_row <= row)
        return;
    bits->first_row = row;
    bits->first_dim = dim;
    bits->first_bits[0] = a;
    bits->first_bits[1] = b;
    bits->first[0] = (double)number_of(dtype, a);
    bits->first[1] = (double)number_of(dtype, b);
}

static void take_out(struct bits_apart *bits, const struct problem *part, const struct output outputs[2], int row,
                     int64_t whole_row)
{
    for (int dim = 0; dim < part->head_dim; dim++) {
        size_t index = (size_t)row * (size_t)part->head_dim + (size_t)dim;
        uint32_t a = bits_at(part->dtype, outputs[0].out, index), b = bits_at(part->dtype, outputs[1].out, index);
        bits->elements++;
        if (a == b)
            continue;
        bits->differing++;
        bits->max_ulp = fmax(bits->max_ulp, bits_steps(part->dtype, a, b));
        take_first(bits, whole_row, dim, part->dtype, a, b);
    }
}

static void take_lse(struct bits_apart *bits, const struct output outputs[2], int row, int64_t whole_row)
{
    bits->rows++;
    if (!outputs[0].lse || !outputs[1].lse)
        return;
    uint32_t a = bits_at(DTYPE_F32, outputs[0].lse, (size_t)row), b = bits_at(DTYPE_F32, outputs[1].lse, (size_t)row);
    bits->has_lse = true;
    if (a == b)
        return;
    bits->lse_differing++;
    bits->max_lse_ulp = fmax(bits->max_lse_ulp, bits_steps(DTYPE_F32, a, b));
    take_first(bits, whole_row, -1, DTYPE_F32, a, b);
}

void bits_take(struct bits_apart *bits, const struct problem *part, const struct output outputs[2], int first_head,
               int whole_heads)
{
    for (int row = 0; row < problem_rows(part); row++) {
        int query = row / part->num_heads, head = row % part->num_heads;
        int64_t whole_row = (int64_t)query * whole_heads + first_head + head;
        take_out(bits, part, outputs, row, whole_row);
        take_lse(bits, outputs, row, whole_row);
    }
}

bool bits_row_out_differs(const struct problem *problem, const struct output outputs[2], int head)
{
    size_t bytes = (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes, first = (size_t)head * bytes;
    return memcmp((const char *)outputs[0].out + first, (const char *)outputs[1].out + first, bytes) != 0;
}

bool bits_row_lse_differs(const struct output outputs[2], int head)
{
    return outputs[0].lse && outputs[1].lse && memcmp(&outputs[0].lse[head], &outputs[1].lse[head], sizeof(float)) != 0;
}
