/*
 * The largest magnitudes of a tensor's channels, found on any device: what a certificate knows of keys that it never
 * looks at (reference/tensor_bounds.h). Magnitudes of IEEE numbers are ordered as their bits without the sign, NaN
 * above infinity, so a maximum is one of integers, exact and the same in every order.
 */
#ifndef KERNELS_DIGEST_ROW_MAXIMA_H
#define KERNELS_DIGEST_ROW_MAXIMA_H

#include "kernels/dialect/intrinsics.h"
#include "reference/dtype.h"

/*
 * Rows of a tensor, row_words 32-bit words each, side by side. Rows of number g, g + num_groups, ... are group g, whose
 * maxima are found together; those of all groups are a tensor of num_groups rows, of which the same is found again.
 */
struct row_maxima {
    const uint32_t *rows;
    uint64_t row_words, num_rows, num_groups; /* 1 <= num_groups <= num_rows */
    const uint8_t *visible;                   /* [num_rows], 0: the row does not count; NULL: all do */
    enum dtype dtype;
};

/* Element `place` of a word, bits each, without its sign. Of e4m3fnuz 0x80 is NaN, above all magnitudes as it stands.
 */
SIMT_FUNCTION uint32_t word_magnitude(uint32_t word, int place, int bits, enum dtype dtype)
{
    uint32_t sign = (uint32_t)1 << (bits - 1),
             element = bits == 32 ? word : word >> (place * bits) & ((1u << bits) - 1);
    return dtype == DTYPE_E4M3FNUZ && element == sign ? element : element & ~sign;
}

SIMT_FUNCTION uint32_t word_max(uint32_t largest, uint32_t word, int bits, enum dtype dtype)
{
    uint32_t result = 0;
    for (int place = 0; place < 32 / bits; place++) {
        uint32_t a = word_magnitude(largest, place, bits, dtype), b = word_magnitude(word, place, bits, dtype);
        result |= (a > b ? a : b) << (place * bits);
    }
    return result;
}

SIMT_FUNCTION int element_bits(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? 32 : dtype == DTYPE_F16 || dtype == DTYPE_BF16 ? 16 : 8;
}

/* maxima[num_groups][row_words], 0 where no row counts: what thread number `thread` of `threads` finds of them. */
SIMT_FUNCTION void find_row_maxima(const struct row_maxima *find, uint32_t *maxima, uint64_t thread, uint64_t threads)
{
    int bits = element_bits(find->dtype);
    for (uint64_t i = thread; i < find->num_groups * find->row_words; i += threads) {
        uint64_t word = i % find->row_words;
        uint32_t largest = 0;
        for (uint64_t row = i / find->row_words; row < find->num_rows; row += find->num_groups)
            if (!find->visible || find->visible[row])
                largest = word_max(largest, find->rows[row * find->row_words + word], bits, find->dtype);
        maxima[i] = largest;
    }
}

#endif
