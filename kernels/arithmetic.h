/*
 * The arithmetic of the kernels beyond that of real.h: one named primitive for everything whose bits could differ
 * between devices.
 */
#ifndef KERNELS_ARITHMETIC_H
#define KERNELS_ARITHMETIC_H

#include "kernels/recipe.h"
#include "kernels/simt.h"

#define FLOAT_INFINITY float_from_bits(0x7f800000u)

enum { LANE_DIMS = 8 }; /* elements of a row that a lane holds */

/*
 * 2^x for x <= 127; results below 2^-126 are 0, as with ex2.approx.ftz. Round to the nearest integer n, a polynomial of
 * degree 6 for 2^(x - n) - 1 on [-1/2, 1/2] (minimax, 2.6e-9 relative before its coefficients are rounded), exponent
 * bits for 2^n. At most 0x1.06p0 ulp; 1.0145 is the worst of all f32 in [-126, 127] (EXP2_STEP=1 test_arithmetic);
 * exact at integers.
 */
SIMT_FUNCTION float exp2_polynomial(float x)
{
    const float to_integer = 0x1.8p+23f; /* adding it leaves the nearest integer in the low bits */
    float shifted = __fadd_rn(x, to_integer);
    float fraction = __fsub_rn(x, __fsub_rn(shifted, to_integer));
    float p = 0x1.470b4ap-13f;
    p = fmaf(p, fraction, 0x1.5f7276p-10f);
    p = fmaf(p, fraction, 0x1.3b270ep-7f);
    p = fmaf(p, fraction, 0x1.c6ae72p-5f);
    p = fmaf(p, fraction, 0x1.ebfbe2p-3f);
    p = fmaf(p, fraction, 0x1.62e432p-1f);
    p = fmaf(p, fraction, 1.0f);
    float scaled = __fmul_rn(p, float_from_bits((float_bits(shifted) + 127u) << 23));
    return x < -126.0f ? 0.0f : scaled;
}

#ifdef __CUDACC__
SIMT_FUNCTION float exp2_approx(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

SIMT_FUNCTION float exp2_rounded(float x)
{
    return exp2f(x);
}

SIMT_FUNCTION float exp_rounded(float x)
{
    return expf(x);
}

SIMT_FUNCTION float reciprocal_approx(float x)
{
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
#else
/* 2^x, error 2^-50; 0 below 2^-1022. */
SIMT_FUNCTION double exp2_double(double x)
{
    static const double coefficients[] = {0x1.62e42fefa39f3p-1,  0x1.ebfbdff82c598p-3,  0x1.c6b08d7048f31p-5,
                                          0x1.3b2ab6fba1e1cp-7,  0x1.5d87fe7bbbe07p-10, 0x1.4309130961163p-13,
                                          0x1.ffcbee3b0af8cp-17, 0x1.62bfd49ed0adfp-20, 0x1.b54167a0b9061p-24,
                                          0x1.e605f979c7a5dp-28, 0x1.c0638527edf34p-32};
    enum { DEGREE = sizeof coefficients / sizeof coefficients[0] };
    const double to_integer = 0x1.8p+52; /* adding it leaves the nearest integer in the low bits */
    double shifted = x + to_integer, fraction = x - (shifted - to_integer), p = 0, scale;
    for (int i = DEGREE - 1; i >= 0; i--)
        p = p * fraction + coefficients[i];
    p = p * fraction + 1.0;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(&scale, &bits, sizeof scale);
    return x < -1022 ? 0 : x >= 1023 ? (double)FLOAT_INFINITY : p * scale;
}

#define LOG2_E 0x1.71547652b82fep+0

/* Subnormal numbers become 0, as in PTX's .ftz instructions. */
SIMT_FUNCTION float flush_to_zero(float x)
{
    return fabsf(x) < 0x1p-126f ? 0.0f : x;
}

/*
 * The host's models of the GPU's functions: the exact result rounded to nearest. The hardware's differ from them, in
 * bits that the models do not know, by at most 2 ulp (ex2.approx.ftz, PTX ISA), 2 ulp (exp2f and expf, CUDA C
 * Programming Guide) and 1 ulp (rcp.approx.ftz, PTX ISA); tests/measure_functions.cu measures them.
 */
SIMT_FUNCTION float exp2_rounded(float x)
{
    return x != x ? x : x >= 128.0f ? FLOAT_INFINITY : (float)exp2_double((double)x);
}

SIMT_FUNCTION float exp2_approx(float x)
{
    return flush_to_zero(exp2_rounded(flush_to_zero(x)));
}

SIMT_FUNCTION float exp_rounded(float x)
{
    return x != x ? x : x >= 89.0f ? FLOAT_INFINITY : (float)exp2_double((double)x * LOG2_E);
}

SIMT_FUNCTION float reciprocal_approx(float x)
{
    return flush_to_zero(1.0f / flush_to_zero(x));
}
#endif

/* The recipe's exponential: e^x for EXPONENTIAL_EXP, 2^x for the others. */
SIMT_FUNCTION float exponential_by(int exponential, float x)
{
    switch (exponential) {
    case EXPONENTIAL_EX2_APPROX:
        return exp2_approx(x);
    case EXPONENTIAL_EXP2:
        return exp2_rounded(x);
    case EXPONENTIAL_EXP:
        return exp_rounded(x);
    default:
        return exp2_polynomial(x);
    }
}

/*
 * log2(x) for x > 0; -inf for 0, infinity and NaN for themselves. x = m 2^e with m in [sqrt(1/2), sqrt(2)), a subnormal
 * one scaled first, s = (m - 1) / (m + 1), and s times a polynomial of degree 4 in s^2 (minimax, 4.2e-12 relative).
 * Error at most 2^-23 (|log2 x| + 1/2).
 */
SIMT_FUNCTION float log2_polynomial(float x)
{
    bool subnormal = x < 0x1p-126f;
    uint32_t bits = float_bits(subnormal ? __fmul_rn(x, 0x1p24f) : x), offset = bits - 0x3f3504f3u; /* sqrt(1/2) */
    int exponent = (int)offset >> 23;
    float m = float_from_bits(bits - ((uint32_t)exponent << 23));
    exponent -= subnormal ? 24 : 0;
    float s = __fdiv_rn(__fsub_rn(m, 1.0f), __fadd_rn(m, 1.0f));
    float z = __fmul_rn(s, s);
    float p = 0x1.5ce7cep-2f;
    p = fmaf(p, z, 0x1.a58d90p-2f);
    p = fmaf(p, z, 0x1.277780p-1f);
    p = fmaf(p, z, 0x1.ec709ep-1f);
    p = fmaf(p, z, 0x1.715476p+1f);
    return x == 0.0f ? -FLOAT_INFINITY : x < FLOAT_INFINITY ? fmaf(s, p, (float)exponent) : x;
}

/* x log2(e) and x ln(2): logits and lse between base e and base 2. */
SIMT_FUNCTION real to_base_2_in(enum stage stage, real x)
{
    return mul_in(stage, x, constant_in(stage, 0x1.715476p+0f, 0x1.71547652b82fep+0));
}

SIMT_FUNCTION real to_base_e_in(enum stage stage, real x)
{
    return mul_in(stage, x, constant_in(stage, 0x1.62e430p-1f, 0x1.62e42fefa39efp-1));
}

#ifdef __CUDACC__
SIMT_FUNCTION float round_f16(float x)
{
    return __half2float(__float2half_rn(x));
}

SIMT_FUNCTION float round_bf16(float x)
{
    return __bfloat162float(__float2bfloat16_rn(x));
}
#else
SIMT_FUNCTION float round_f16(float x)
{
    return dtype_round(DTYPE_F16, x);
}

SIMT_FUNCTION float round_bf16(float x)
{
    return dtype_round(DTYPE_BF16, x);
}
#endif

SIMT_FUNCTION float round_to(int rounding, float x)
{
    return rounding == ROUND_F16 ? round_f16(x) : rounding == ROUND_BF16 ? round_bf16(x) : x;
}

/* exponential_by, log2, the approximate reciprocal, and rounding to a dtype_rounding. */
#ifndef SIMT_REPLAY
SIMT_FUNCTION real exponential_in(enum stage stage, int exponential, real x)
{
    (void)stage;
    return exponential_by(exponential, x);
}

SIMT_FUNCTION real log2_in(enum stage stage, real x)
{
    (void)stage;
    return log2_polynomial(x);
}

SIMT_FUNCTION real reciprocal_in(enum stage stage, real x)
{
    (void)stage;
    return reciprocal_approx(x);
}

SIMT_FUNCTION real round_in(enum stage stage, int rounding, real x)
{
    (void)stage;
    return round_to(rounding, x);
}
#else
SIMT_FUNCTION double exponential_exact(int exponential, double x)
{
    return exp2_double(exponential == EXPONENTIAL_EXP ? x * LOG2_E : x);
}

/* The error is carried over as a relative one: its sizes are those of results that may be far apart. */
SIMT_FUNCTION real exponential_in(enum stage stage, int exponential, real x)
{
    real y = {.computed = exponential_by(exponential, x.computed)};
    double exact = exponential_exact(exponential, (double)x.computed);
    REPLAY_EACH(s)
    y.alone[s] = exponential_exact(exponential, x.alone[s]);
    if ((double)y.computed != exact)
        y.alone[stage] *= (double)y.computed / exact;
    return y;
}

SIMT_FUNCTION real log2_in(enum stage stage, real x)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = log2(x.alone[s]);
    return replay_rounding(y, stage, log2_polynomial(x.computed), log2((double)x.computed));
}

SIMT_FUNCTION real reciprocal_in(enum stage stage, real x)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = 1 / x.alone[s];
    return replay_rounding(y, stage, reciprocal_approx(x.computed), 1 / (double)x.computed);
}

SIMT_FUNCTION real round_in(enum stage stage, int rounding, real x)
{
    return rounding == ROUND_F32 ? x : replay_rounding(x, stage, round_to(rounding, x.computed), (double)x.computed);
}
#endif

/*
 * e5m2 is the upper byte of f16. e4m3 in f16's places is 2^-8 of the value, subnormals included; its one NaN is all
 * ones (OCP 8-bit floating point specification, 2023).
 */
#ifdef __CUDACC__
SIMT_FUNCTION float widen_fp8(enum dtype dtype, uint32_t byte)
{
    if (dtype == DTYPE_E5M2)
        return __half2float(__ushort_as_half((unsigned short)(byte << 8)));
    float eighth = __half2float(__ushort_as_half((unsigned short)((byte & 0x80u) << 8 | (byte & 0x7fu) << 7)));
    return (byte & 0x7fu) == 0x7fu ? float_from_bits(0x7fffffffu) : __fmul_rn(0x1p8f, eighth);
}
#endif

/* destination[0..7] = elements first..first+7 of a tensor, widened; first is a multiple of 8. 16-byte loads, 8 of fp8.
 */
#ifdef __CUDACC__
SIMT_FUNCTION void widen_lane(enum dtype dtype, const void *tensor, size_t first, float *destination)
{
    if (dtype == DTYPE_F32) {
        const float4 *source = (const float4 *)((const float *)tensor + first);
        float4 low = __ldg(source), high = __ldg(source + 1);
        destination[0] = low.x, destination[1] = low.y, destination[2] = low.z, destination[3] = low.w;
        destination[4] = high.x, destination[5] = high.y, destination[6] = high.z, destination[7] = high.w;
    } else if (dtype == DTYPE_E4M3 || dtype == DTYPE_E5M2) {
        uint2 packed = __ldg((const uint2 *)((const uint8_t *)tensor + first));
        SIMT_UNROLL
        for (int i = 0; i < 4; i++) {
            destination[i] = widen_fp8(dtype, packed.x >> 8 * i & 0xffu);
            destination[4 + i] = widen_fp8(dtype, packed.y >> 8 * i & 0xffu);
        }
    } else {
        uint4 packed = __ldg((const uint4 *)((const uint16_t *)tensor + first));
        uint32_t words[4] = {packed.x, packed.y, packed.z, packed.w};
        SIMT_UNROLL
        for (int i = 0; i < 4; i++) {
            if (dtype == DTYPE_BF16) {
                destination[2 * i] = __uint_as_float(words[i] << 16);
                destination[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
            } else {
                destination[2 * i] = __half2float(__ushort_as_half((unsigned short)(words[i] & 0xffffu)));
                destination[2 * i + 1] = __half2float(__ushort_as_half((unsigned short)(words[i] >> 16)));
            }
        }
    }
}

SIMT_FUNCTION void store_element(enum dtype dtype, void *tensor, size_t index, float value)
{
    if (dtype == DTYPE_F32)
        ((float *)tensor)[index] = value;
    else if (dtype == DTYPE_BF16)
        ((uint16_t *)tensor)[index] = __bfloat16_as_ushort(__float2bfloat16_rn(value));
    else
        ((uint16_t *)tensor)[index] = __half_as_ushort(__float2half_rn(value));
}
#else
#ifdef __F16C__
#include <immintrin.h>
#endif
SIMT_FUNCTION void widen_lane(enum dtype dtype, const void *tensor, size_t first, float *destination)
{
#ifdef __F16C__
    if (dtype == DTYPE_F16) {
        const __m128i *source = (const __m128i *)((const uint16_t *)tensor + first);
        _mm256_storeu_ps(destination, _mm256_cvtph_ps(_mm_loadu_si128(source)));
        return;
    }
#endif
    if (dtype == DTYPE_F32) {
        memcpy(destination, (const float *)tensor + first, LANE_DIMS * sizeof *destination);
    } else if (dtype == DTYPE_BF16) {
        const uint16_t *source = (const uint16_t *)tensor + first;
        for (int i = 0; i < LANE_DIMS; i++)
            destination[i] = float_from_bits((uint32_t)source[i] << 16);
    } else {
        dtype_widen(dtype, tensor, first, LANE_DIMS, destination);
    }
}

SIMT_FUNCTION void store_element(enum dtype dtype, void *tensor, size_t index, float value)
{
    dtype_narrow(dtype, tensor, index, 1, &value);
}
#endif

/* The same for reals; a replay's tensor out holds reals. */
#ifndef SIMT_REPLAY
SIMT_FUNCTION void load_lane(enum dtype dtype, const void *tensor, size_t first, real *destination)
{
    widen_lane(dtype, tensor, first, destination);
}

SIMT_FUNCTION void store_in(enum stage stage, enum dtype dtype, void *tensor, size_t index, real value)
{
    (void)stage;
    store_element(dtype, tensor, index, value);
}
#else
SIMT_FUNCTION void load_lane(enum dtype dtype, const void *tensor, size_t first, real *destination)
{
    float lane[LANE_DIMS];
    widen_lane(dtype, tensor, first, lane);
    for (int i = 0; i < LANE_DIMS; i++)
        destination[i] = real_of(lane[i]);
}

SIMT_FUNCTION void store_in(enum stage stage, enum dtype dtype, void *tensor, size_t index, real value)
{
    float rounded = dtype_round(dtype, value.computed);
    ((real *)tensor)[index] = replay_rounding(value, stage, rounded, (double)value.computed);
}
#endif

#endif
