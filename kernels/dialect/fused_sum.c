#include "kernels/dialect/fused_sum.h"

#include <math.h>
#include <string.h>

enum {
    FACTOR_FRACTION_BITS = 10, /* of a factor's significand: f16's; bf16's 7 are shifted */
    PRODUCT_FRACTION_BITS = 2 * FACTOR_FRACTION_BITS,
    F32_FRACTION_BITS = 23,
    DOUBLE_FRACTION_BITS = 52,
    LEAST_ALIGNMENT = -133,
    ZERO_EXPONENT = -10000 /* below all others, so that a zero takes no part in the alignment */
};

/* significand 2^(exponent - fraction bits of its kind). The significand has a sign and, of a normal number, the leading
 * one; a subnormal number has the exponent of the smallest normal one. */
struct term {
    int32_t significand, exponent;
};

/* The number with these bits, finite, its significand shifted to the left. */
static inline struct term term_of(uint32_t bits, int fraction_bits, int exponent_bits, int shift)
{
    int biased = (int)(bits >> fraction_bits & ((1u << exponent_bits) - 1)), normal = biased > 0;
    uint32_t magnitude = ((bits & ((1u << fraction_bits) - 1)) | (uint32_t)normal << fraction_bits) << shift;
    int32_t negative = -(int32_t)(bits >> (fraction_bits + exponent_bits) & 1);
    int bias = (1 << (exponent_bits - 1)) - 1;
    return (struct term){((int32_t)magnitude ^ negative) - negative,
                         magnitude ? biased + !normal - bias : ZERO_EXPONENT};
}

static inline struct term factor_of(enum dtype dtype, uint16_t bits)
{
    return dtype == DTYPE_F16 ? term_of(bits, 10, 5, 0) : term_of(bits, 7, 8, FACTOR_FRACTION_BITS - 7);
}

static inline bool is_finite(enum dtype dtype, uint16_t bits)
{
    uint16_t infinity = dtype == DTYPE_F16 ? 0x7c00u : 0x7f80u;
    return (bits & infinity) != infinity;
}

static inline uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* significand 2^-shift, cut toward zero; shift >= 0. */
static inline int32_t cut(int32_t significand, int32_t shift)
{
    int32_t negative = -(significand < 0), magnitude = (significand ^ negative) - negative;
    return ((magnitude >> (shift < 31 ? shift : 31)) ^ negative) - negative;
}

/* sum 2^exponent, cut toward zero to f32; infinity from 2^128. What vanishes is +0, whatever its sign. In integers:
 * in any floating-point environment, and without a branch. */
static inline float cut_to_f32(double sum, int exponent)
{
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    /* Exponent of the leading one; for 0 far below f32's. */
    int64_t top = (int64_t)(bits >> DOUBLE_FRACTION_BITS & 0x7ff) - 1023 + exponent;
    int64_t lost = DOUBLE_FRACTION_BITS - F32_FRACTION_BITS + (top < -126 ? -126 - top : 0);
    uint64_t significand = (bits & ((UINT64_C(1) << DOUBLE_FRACTION_BITS) - 1)) | UINT64_C(1) << DOUBLE_FRACTION_BITS;
    uint64_t biased = top < -126 ? 0 : (uint64_t)(top + 126); /* the leading one adds 1 */
    uint64_t magnitude = (biased << F32_FRACTION_BITS) + (significand >> (lost < 63 ? lost : 63));
    magnitude = top > 127 ? 0x7f800000u : magnitude;
    uint32_t result = (uint32_t)(magnitude ? magnitude | (bits >> 63) << 31 : 0);
    float x;
    memcpy(&x, &result, sizeof x);
    return x;
}

/* Columns of B, [k][n]: all columns of a row of the product are computed side by side, so that they are vectors. */
struct factors {
    int32_t significand[MMA_PRODUCTS][MMA_COLUMNS], exponent[MMA_PRODUCTS][MMA_COLUMNS];
    bool finite; /* all of them */
};

static inline void factors_of(int columns, enum dtype dtype, const uint16_t (*b)[MMA_PRODUCTS], struct factors *factors)
{
    factors->finite = true;
    for (int n = 0; n < columns; n++)
        for (int k = 0; k < MMA_PRODUCTS; k++) {
            struct term factor = factor_of(dtype, b[n][k]);
            factors->significand[k][n] = factor.significand;
            factors->exponent[k][n] = factor.exponent;
            factors->finite &= is_finite(dtype, b[n][k]);
        }
}

/* d[n] += the products k in [first, end) of a row of A and column n, where all are finite. */
static inline void step(int columns, int first, int end, int fraction_bits, const struct term *a,
                        const struct factors *b, float *d)
{
    int32_t largest[MMA_COLUMNS], sum[MMA_COLUMNS];
    struct term c[MMA_COLUMNS];
    for (int n = 0; n < columns; n++) {
        c[n] = term_of(bits_of(d[n]), F32_FRACTION_BITS, 8, 0);
        largest[n] = c[n].exponent > LEAST_ALIGNMENT ? c[n].exponent : LEAST_ALIGNMENT;
        sum[n] = 0;
    }
    for (int k = first; k < end; k++)
        for (int n = 0; n < columns; n++) {
            int32_t exponent = a[k].exponent + b->exponent[k][n];
            largest[n] = exponent > largest[n] ? exponent : largest[n];
        }
    /* 16 products of Hopper's are at most 16 2047^2 2^5 < 2^31; c needs two bits more. */
    for (int k = first; k < end; k++)
        for (int n = 0; n < columns; n++)
            sum[n] += cut(a[k].significand * b->significand[k][n] * (1 << (fraction_bits - PRODUCT_FRACTION_BITS)),
                          largest[n] - a[k].exponent - b->exponent[k][n]);
    for (int n = 0; n < columns; n++) {
        int32_t addend = cut(c[n].significand * (1 << (fraction_bits - F32_FRACTION_BITS)), largest[n] - c[n].exponent);
        d[n] = cut_to_f32((double)sum[n] + (double)addend, largest[n] - fraction_bits);
    }
}

/* d where a factor or c may not be finite: if one is not, IEEE's sum of the infinities and NaNs alone. */
static void special_step(enum dtype dtype, int first, int end, const uint16_t *a, const uint16_t *b, float c, float *d)
{
    bool special = c - c != 0;
    float sum = special ? c : 0;
    for (int k = first; k < end; k++)
        if (!is_finite(dtype, a[k]) || !is_finite(dtype, b[k])) {
            float x, y;
            dtype_widen(dtype, a, (size_t)k, 1, &x);
            dtype_widen(dtype, b, (size_t)k, 1, &y);
            sum += x * y;
            special = true;
        }
    if (special)
        *d = sum;
}

/* One row of A with some columns of B. */
static inline void row_product(int columns, enum tensor_core tensor_core, enum dtype dtype, const uint16_t *a,
                               const uint16_t (*b)[MMA_PRODUCTS], const struct factors *factors, float *d)
{
    const struct tensor_core_info *info = &tensor_cores[tensor_core];
    struct term a_terms[MMA_PRODUCTS];
    bool finite = factors->finite;
    for (int k = 0; k < MMA_PRODUCTS; k++) {
        a_terms[k] = factor_of(dtype, a[k]);
        finite &= is_finite(dtype, a[k]);
    }
    for (int first = 0; first < MMA_PRODUCTS; first += info->products) {
        int end = first + info->products;
        float c[MMA_COLUMNS];
        memcpy(c, d, (size_t)columns * sizeof *d);
        step(columns, first, end, info->fraction_bits, a_terms, factors, d);
        for (int n = 0; n < columns; n++)
            if (!finite || c[n] - c[n] != 0)
                special_step(dtype, first, end, a, b[n], c[n], &d[n]);
    }
}

float fused_sum(enum tensor_core tensor_core, enum dtype dtype, const uint16_t *a, const uint16_t *b, float c)
{
    const uint16_t(*column)[MMA_PRODUCTS] = (const uint16_t(*)[MMA_PRODUCTS])b;
    struct factors factors;
    factors_of(1, dtype, column, &factors);
    row_product(1, tensor_core, dtype, a, column, &factors, &c);
    return c;
}

static inline void product(enum tensor_core tensor_core, enum dtype dtype, struct mma_operands *operands)
{
    const uint16_t(*columns)[MMA_PRODUCTS] = (const uint16_t(*)[MMA_PRODUCTS])operands->b;
    struct factors factors;
    factors_of(MMA_COLUMNS, dtype, columns, &factors);
    for (int m = 0; m < MMA_ROWS; m++)
        row_product(MMA_COLUMNS, tensor_core, dtype, operands->a[m], columns, &factors, operands->d[m]);
}

/* The dtype a constant, for speed. */
void fused_product(enum tensor_core tensor_core, enum dtype dtype, struct mma_operands *operands)
{
    if (dtype == DTYPE_F16)
        product(tensor_core, DTYPE_F16, operands);
    else
        product(tensor_core, DTYPE_BF16, operands);
}

double fused_sum_bound(enum tensor_core tensor_core, double absolute_sum, double largest)
{
    const struct tensor_core_info *info = &tensor_cores[tensor_core];
    int later_steps = MMA_PRODUCTS / info->products - 1;
    double place = info->products * ldexp(1, -info->fraction_bits); /* of terms, in units of the largest */
    double to_f32 = fmax(0x1p-23 * absolute_sum, 0x1p-149);
    return place * largest + to_f32 + later_steps * (place * fmax(fmax(largest, absolute_sum), 0x1p-126) + to_f32);
}

/* Each step's 2^e is at most absolute_sum + extra + 2^-126: 2^-133 is less, and so is what c = 0 is aligned to. */
struct fused_sum_errors fused_sum_errors(enum tensor_core tensor_core)
{
    const struct tensor_core_info *info = &tensor_cores[tensor_core];
    int steps = MMA_PRODUCTS / info->products;
    double alignment = steps * info->products * ldexp(1, -info->fraction_bits);
    return (struct fused_sum_errors){
        .relative = alignment + steps * 0x1p-23,
        .alignment = alignment,
        .floor = alignment * 0x1p-126 + steps * 0x1p-149,
    };
}
