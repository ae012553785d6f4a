/*
 * The arithmetic of the kernels beyond that of real.h: one named primitive for everything whose bits could differ
 * between devices.
 */
#ifndef KERNELS_DIALECT_ARITHMETIC_H
#define KERNELS_DIALECT_ARITHMETIC_H

#include "kernels/dialect/simt.h"
#include "kernels/recipe.h"
#ifndef __CUDACC__
#include "kernels/dialect/special_functions.h"
#endif

#define FLOAT_INFINITY float_from_bits(0x7f800000u)

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
    float scaled = __fmul_rn(p, float_from_bits((float_to_bits(shifted) + 127u) << 23));
    return x < -126.0f ? 0.0f : scaled;
}

#ifdef __CUDACC__
SIMT_FUNCTION float ex2_approx_ftz(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

SIMT_FUNCTION float cuda_exp2f(float x)
{
    return exp2f(x);
}

SIMT_FUNCTION float cuda_expf(float x)
{
    return expf(x);
}

SIMT_FUNCTION float rcp_approx_ftz(float x)
{
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
#endif

/*
 * Vectorized<float>::fexp_u20 of PyTorch on CPUs (aten/src/ATen/cpu/vec/vec512/vec512_float.h; pull request 151441,
 * after Malossi, Ineichen, Bekas and Curioni, Fast Exponential Computation on SIMD Architectures): the bits of the
 * result are an integer that is linear in x log2(e), less a cubic p in its fraction f, for which 1 + f - p(f) is nearly
 * 2^f.
 *
 * With y the product x log2(e) in f32 and z = y - p(f), the result is what 2^23 (z + 127) means as bits:
 * (1) 1 + f - p(f), or half of 2 + f - p(f) where that is below 1, is within 0x1.bf8p-14 of 2^f, relative (the cubic as
 *     it is rounded; worst near f = 2^-12.7);
 * (2) f is exact, or off by 2^-25 for y in (-1, 0), where p' is below 0.31; its three fmaf round by 2^-26, 2^-26 and
 *     2^-28: z is off by less than 2^-24;
 * (3) the fmaf rounds to a multiple of 64 at most for x below ln 2, the conversion drops less than 1: 33 2^-23 of
 *     1 <= 1 + f, relative. For larger x, multiples are of 128: 65 2^-23.
 * Together less than 0x1.d1p-14 for x <= ln 2, and 0x1.e1p-14 beyond. Besides,
 * (4) the product with log2(e) moves x by a share of itself, BASE_CHANGE, and so does the rounding of y - p(f), which
 *     goes into an integer that is linear in the result: 1.45 UNIT. The rounding model has both in its shift.
 *
 * Of the sum, no f32 takes more than 0.996 (FEXP_STEP=1 test_arithmetic). Below -0x1.5d58ap+6, a hair under ln 2^-126,
 * the result is 0. NaN gives -0, as the conversion does that has no NaN.
 */
SIMT_NOINLINE float fexp_u20(float x)
{
    const float least = -0x1.5d58a0p+6f, most = 0x1.62e430p+6f;
    bool in_range = x >= least && x <= most;
    float y = __fmul_rn(in_range ? x : 0.0f, 0x1.715476p+0f), fraction = __fsub_rn(y, floorf(y));
    float p = fmaf(fraction, -0x1.446baap-4f, -0x1.cb71eap-3f);
    p = fmaf(fraction, p, 0x1.36d3e0p-2f);
    p = fmaf(fraction, p, 0x1.c0ef42p-14f);
    float bits = fmaf(0x1p+23f, __fsub_rn(y, p), 0x1.fcp+29f);
    float result = float_from_bits((uint32_t)(int32_t)bits);
    return in_range ? result : x < least ? 0.0f : x > most ? FLOAT_INFINITY : -0.0f;
}

/* The exponentials of GPUs, and that one. On the host they are long, and a kernel has many places for one. */
SIMT_CALLED float gpu_exponential(int exponential, float x)
{
    switch (exponential) {
    case EXPONENTIAL_EX2_APPROX:
        return ex2_approx_ftz(x);
    case EXPONENTIAL_EXP2:
        return cuda_exp2f(x);
    case EXPONENTIAL_FEXP_U20:
        return fexp_u20(x);
    default:
        return cuda_expf(x);
    }
}

/* The recipe's exponential: e^x for natural differences, else 2^x. */
SIMT_FUNCTION float exponential_by(int exponential, float x)
{
    return exponential == EXPONENTIAL_POLYNOMIAL ? exp2_polynomial(x) : gpu_exponential(exponential, x);
}

/*
 * log2(x) for x > 0; -inf for 0, infinity and NaN for themselves. x = m 2^e with m in [sqrt(1/2), sqrt(2)), a subnormal
 * one scaled first, s = (m - 1) / (m + 1), and s times a polynomial of degree 4 in s^2 (minimax, 4.2e-12 relative).
 * Error at most 2^-23 (|log2 x| + 1/2).
 */
SIMT_FUNCTION float log2_polynomial(float x)
{
    bool subnormal = x < 0x1p-126f;
    uint32_t bits = float_to_bits(subnormal ? __fmul_rn(x, 0x1p24f) : x), offset = bits - 0x3f3504f3u; /* sqrt(1/2) */
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

/*
 * tanh x. Below 0.625 x and x^3 times a polynomial of degree 4 in x^2 (Cephes, tanhf.c, S. L. Moshier), beyond (1 - e)
 * / (1 + e) with e = e^(-2 |x|). At most 0x1.fp0 ulp; 1.8897 is the worst of all f32, at 0x1.bc1ff4p-1 (TANH_STEP=1
 * test_arithmetic), and no result is beyond 1.
 */
SIMT_NOINLINE float tanh_polynomial(float x)
{
    float a = float_from_bits(float_to_bits(x) & 0x7fffffffu), z = __fmul_rn(a, a);
    float p = -0x1.75e1d4p-8f;
    p = fmaf(p, z, 0x1.52269cp-6f);
    p = fmaf(p, z, -0x1.b83c5ap-5f);
    p = fmaf(p, z, 0x1.110726p-3f);
    p = fmaf(p, z, -0x1.555532p-2f);
    float near = fmaf(__fmul_rn(a, z), p, a);
    float e = exp2_polynomial(__fmul_rn(a, -0x1.715476p+1f));
    float far = __fdiv_rn(__fsub_rn(1.0f, e), __fadd_rn(1.0f, e));
    return float_from_bits(float_to_bits(a < 0.625f ? near : far) | (float_to_bits(x) & 0x80000000u));
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

/* Not inline: without an instruction for it, it is long. */
SIMT_NOINLINE float round_fp8(int rounding, float x)
{
    __nv_fp8_interpretation_t kind = rounding == ROUND_E4M3 ? __NV_E4M3 : __NV_E5M2;
    return __half2float(__half(__nv_cvt_fp8_to_halfraw(__nv_cvt_float_to_fp8(x, __NV_NOSAT, kind), kind)));
}
#else
SIMT_FUNCTION float round_f16(float x)
{
    return dtype_round(DTYPE_F16, x);
}

SIMT_FUNCTION float round_fp8(int rounding, float x)
{
    return dtype_round(rounding == ROUND_E4M3 ? DTYPE_E4M3 : DTYPE_E5M2, x);
}

SIMT_FUNCTION float round_bf16(float x)
{
    return dtype_round(DTYPE_BF16, x);
}
#endif

SIMT_CALLED float round_to_16_bits(int rounding, float x)
{
    return rounding == ROUND_F16 ? round_f16(x) : round_bf16(x);
}

SIMT_FUNCTION float round_to(int rounding, float x)
{
    return rounding == ROUND_F16 || rounding == ROUND_BF16 ? round_to_16_bits(rounding, x) : x;
}

/* The same for weights, which may be fp8. */
SIMT_FUNCTION float round_weight_to(int rounding, float x)
{
    return rounding >= ROUND_E4M3 ? round_fp8(rounding, x) : round_to(rounding, x);
}

/* exponential_by, log2, tanh, the approximate reciprocal, and rounding to a dtype_rounding. */
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

SIMT_FUNCTION real tanh_in(enum stage stage, real x)
{
    (void)stage;
    return tanh_polynomial(x);
}

SIMT_FUNCTION real reciprocal_in(enum stage stage, real x)
{
    (void)stage;
    return rcp_approx_ftz(x);
}

SIMT_FUNCTION real round_in(enum stage stage, int rounding, real x)
{
    (void)stage;
    return round_to(rounding, x);
}

SIMT_FUNCTION real round_weight_in(enum stage stage, int rounding, real x)
{
    (void)stage;
    return round_weight_to(rounding, x);
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

SIMT_FUNCTION double exponential_exact(int exponential, double x)
{
    return exp2_double(exponential_is_natural(exponential) ? x * LOG2_E : x);
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

SIMT_FUNCTION real tanh_in(enum stage stage, real x)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = tanh(x.alone[s]);
    return replay_rounding(y, stage, tanh_polynomial(x.computed), tanh((double)x.computed));
}

SIMT_FUNCTION real reciprocal_in(enum stage stage, real x)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = 1 / x.alone[s];
    return replay_rounding(y, stage, rcp_approx_ftz(x.computed), 1 / (double)x.computed);
}

SIMT_FUNCTION real round_in(enum stage stage, int rounding, real x)
{
    return rounding == ROUND_F32 ? x : replay_rounding(x, stage, round_to(rounding, x.computed), (double)x.computed);
}

SIMT_FUNCTION real round_weight_in(enum stage stage, int rounding, real x)
{
    return rounding == ROUND_F32 ? x
                                 : replay_rounding(x, stage, round_weight_to(rounding, x.computed), (double)x.computed);
}
#endif

#endif
