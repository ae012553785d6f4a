/*
 * The GPU's special functions on the host, bit for bit: ex2.approx.ftz, rcp.approx.ftz and lg2.approx.ftz (MUFU.EX2,
 * .RCP and .LG2 of sm_90), and CUDA 13's exp2f, expf and __expf, which are built on the first. NaN is 0x7fffffff, as
 * there. tests/test_special_functions.c compares them with a GPU's results for all 2^32 inputs.
 *
 * The three instructions share an interpolator (Oberman and Siu, "A High-Performance Area-Efficient Multifunction
 * Interpolator", ARITH-17, 2005): the upper bits of a 23-bit fraction choose a segment, the others are x, and the
 * result is the sum c0 2^n + c1 x + c2 square(x) + bias without its lowest bits. What they do before and after that,
 * and the squarer, was first described by Koscielnicki for the G80 (envytools, 2015). The coefficients are those that
 * tests/fit_functions.c finds in what an H100 returned for all fractions: they are still the G80's.
 */
#ifndef KERNELS_DIALECT_SPECIAL_FUNCTIONS_H
#define KERNELS_DIALECT_SPECIAL_FUNCTIONS_H

#include "kernels/dialect/intrinsics.h"
#include "kernels/dialect/special_functions_table.h"

#define GPU_NAN float_from_bits(0x7fffffffu)

/*
 * x^2 2^-19 for x < 2^17, less what the hardware's squarer leaves out: of the partial products x 2^i, one for each bit
 * i of x, all bits below 2^18. With x = high 2^9 + low, those are all of low^2 and, of high low, those that the shifts
 * here drop.
 */
SIMT_FUNCTION uint32_t interpolator_square(uint32_t x)
{
    uint32_t low = x & 0x1ffu, high = x >> 9, cross = 0;
    for (uint32_t i = 1; i < 8; i++)
        cross += (low >> (9 - i)) & (0u - (high >> i & 1u));
    return (high * high + 2 * cross) >> 1;
}

/* c0 2^n + c1 x + c2 square. */
SIMT_FUNCTION int64_t interpolator_sum(const struct interpolator_segment *segment, int n, uint32_t x, uint32_t square)
{
    return ((int64_t)segment->c0 << n) + (int64_t)segment->c1 * x + (int64_t)segment->c2 * square;
}

/*
 * MUFU.EX2. The input becomes a number with 23 bits after the point, truncated; of a negative one that is not an
 * integer the one's complement is taken, which is 2^-23 too low: most of the 2.06 ulp by which it errs.
 */
SIMT_FUNCTION float ex2_approx_ftz(float x)
{
    float held = x >= -128.0f && x < 128.0f ? x : 0.0f;
    int32_t fixed = (int32_t)(held * 0x1p23f);
    fixed -= fixed < 0 && (fixed & 0x7fffff) != 0;
    uint32_t low = (uint32_t)fixed & 0x1ffffu;
    const struct interpolator_segment *segment = &ex2_segments[fixed >> 17 & 0x3f];
    int64_t sum = interpolator_sum(segment, EX2_C0_SHIFT, low, interpolator_square(low)) + EX2_BIAS;
    int32_t bits = ((fixed >> 23) + 126) * 0x800000 + (int32_t)(sum >> 15);
    float y = bits < 0x800000 ? 0.0f : float_from_bits((uint32_t)bits);
    return x != x ? GPU_NAN : x >= 128.0f ? float_from_bits(0x7f800000u) : x < -128.0f ? 0.0f : y;
}

/* MUFU.RCP. */
SIMT_FUNCTION float rcp_approx_ftz(float x)
{
    uint32_t input = float_to_bits(x), sign = input & 0x80000000u, fraction = input & 0x7fffffu;
    int32_t exponent = (int32_t)(input >> 23 & 0xffu);
    uint32_t low = fraction & 0xffffu;
    const struct interpolator_segment *segment = &rcp_segments[fraction >> 16];
    int64_t sum = interpolator_sum(segment, RCP_C0_SHIFT, low, interpolator_square(low << 1)) + RCP_BIAS;
    int32_t bits = (252 - exponent) * 0x800000 + (int32_t)(sum >> 15);
    bits = exponent == 0 ? 0x7f800000 : exponent == 255 || bits < 0x800000 ? 0 : bits;
    return x != x ? GPU_NAN : float_from_bits(sign | (uint32_t)bits);
}

/* MUFU.LG2. The sum has 36 bits after the point; of a negative one the one's complement is taken; 24 bits are kept. */
SIMT_FUNCTION float lg2_approx_ftz(float x)
{
    uint32_t input = float_to_bits(x), fraction = input & 0x7fffffu, low = fraction & 0x1ffffu;
    int32_t exponent = (int32_t)(input >> 23 & 0xffu);
    if (exponent == 0)
        return float_from_bits(0xff800000u);
    if (x != x || x < 0.0f)
        return GPU_NAN;
    if (exponent == 255 || x == 1.0f)
        return x == 1.0f ? 0.0f : x;
    const struct interpolator_segment *segment = &lg2_segments[fraction >> 17];
    int64_t sum = interpolator_sum(segment, LG2_C0_SHIFT, low, 2 * interpolator_square(low)) + LG2_BIAS;
    int64_t logarithm = (exponent - 127) * (INT64_C(1) << 36) + (sum >> 2);
    uint32_t sign = logarithm < 0 ? 0x80000000u : 0;
    uint64_t magnitude = (uint64_t)(logarithm < 0 ? ~logarithm : logarithm);
    if (magnitude == 0)
        return float_from_bits(sign);
    int zeros = __builtin_clzll(magnitude);
    uint32_t significand = (uint32_t)(magnitude << zeros >> 40);
    return float_from_bits(sign | (uint32_t)((127 + 63 - 36 - zeros - 1) * 0x800000 + (int32_t)significand));
}

/* exp2f: below -126, the square of 2^(x/2), so that results may be subnormal. */
SIMT_FUNCTION float cuda_exp2f(float x)
{
    bool halved = x < -126.0f;
    float y = ex2_approx_ftz(halved ? __fmul_rn(x, 0.5f) : x);
    return halved ? __fmul_rn(y, y) : y;
}

/* __expf. */
SIMT_FUNCTION float cuda_fast_expf(float x)
{
    return cuda_exp2f(__fmul_rn(x, 0x1.715476p+0f));
}

/*
 * expf: 2^n 2^f with n the integer below x / ln 2 + 1/2, in [-126, 126], and f = x / ln 2 - n by two fmas. The integer
 * is that of 252 s rounded down, s = x / (252 ln 2) + 1/2 between 0 and 1.
 */
SIMT_FUNCTION float cuda_expf(float x)
{
    float place = fmaf(x, 0x1.77313ap-8f, 0.5f);
    float held = place >= 0.0f ? place <= 1.0f ? place : 1.0f : 0.0f; /* NaN becomes 0 */
    int32_t n = (int32_t)(252.0 * (double)held) - 126;
    float f = fmaf(x, 0x1.715476p+0f, (float)-n);
    f = fmaf(x, 0x1.4ae0c0p-26f, f);
    float y = __fmul_rn(ex2_approx_ftz(f), float_from_bits((uint32_t)(n + 127) << 23));
    return x != x ? GPU_NAN : y;
}

#endif
