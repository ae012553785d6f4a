/*
 * Sums for a tensor core that tell hypotheses about it apart: how many places terms keep, what they are aligned to,
 * whether they are cut or rounded, in how many steps, what becomes of subnormal numbers, zeros, overflows, infinities.
 */
#ifndef KERNELS_PROBE_MMA_MADE_H
#define KERNELS_PROBE_MMA_MADE_H

#include "kernels/probe/mma_sums.h"

enum { MADE_F16 = 1, MADE_BF16 = 2, MADE_BOTH = 3, SWEEP_NONE = -1, SWEEP_C = MMA_TERMS };

/* Sweeping halves one operand a step: a of a term, or c. */
struct mma_made {
    const char *tells;
    int dtypes;
    int sweep, steps;
    float c;
    float terms[MMA_TERMS][2]; /* a, b */
};

/* clang-format off */
#define MADE_2(a, b) {a, b}, {a, b}
#define MADE_7(a, b) MADE_2(a, b), MADE_2(a, b), MADE_2(a, b), {a, b}
#define MADE_ALL(a, b) MADE_7(a, b), MADE_7(a, b), MADE_2(a, b)
#define MADE_NO_6 MADE_2(0, 0), MADE_2(0, 0), MADE_2(0, 0)

static const struct mma_made mma_made[] = {
    /* Bits kept below the largest term. */
    {"1 - 1 + 2^-q: fraction bits", MADE_BOTH, 2, 12, 0, {{1, 1}, {-1, 1}, {0x1p-3f, 0x1p-14f}}},
    {"1 - 1 + 2^-q in the other half", MADE_BOTH, 8, 12, 0, {{1, 1}, {-1, 1}, MADE_NO_6, {0x1p-3f, 0x1p-14f}}},
    {"1 + 2^-q - 1, -1 in the other half", MADE_BOTH, 1, 12, 0,
     {{1, 1}, {0x1p-3f, 0x1p-14f}, MADE_NO_6, {-1, 1}}},
    {"1 - 1 + 1.5 2^-q: truncation or rounding", MADE_BOTH, 2, 12, 0, {{1, 1}, {-1, 1}, {0x1.8p-3f, 0x1p-14f}}},
    {"1 - 1 - 1.5 2^-q: toward zero or down", MADE_BOTH, 2, 12, 0, {{1, 1}, {-1, 1}, {-0x1.8p-3f, 0x1p-14f}}},
    {"1 - 1 + 1.96875^2 2^-q", MADE_BOTH, 2, 12, 0, {{1, 1}, {-1, 1}, {0x1.f8p-3f, 0x1.f8p-14f}}},
    {"1 - 1 + 2 * 1.5 2^-26: terms truncated, or their sum", MADE_BOTH, SWEEP_NONE, 1, 0,
     {{1, 1}, {-1, 1}, {0x1.8p-12f, 0x1p-14f}, {0x1.8p-12f, 0x1p-14f}}},
    {"1 - 1 + 2 * 1.5 2^-25", MADE_BOTH, SWEEP_NONE, 1, 0,
     {{1, 1}, {-1, 1}, {0x1.8p-11f, 0x1p-14f}, {0x1.8p-11f, 0x1p-14f}}},
    {"1 - 1 + 4 * 1.5 2^-26 in both halves", MADE_BOTH, SWEEP_NONE, 1, 0,
     {{1, 1}, {-1, 1}, MADE_2(0x1.8p-12f, 0x1p-14f), {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0},
      MADE_2(0x1.8p-12f, 0x1p-14f)}},
    /* c in the alignment. */
    {"c = 1, -1 + 2^-q: c as the largest", MADE_BOTH, 1, 12, 1, {{-1, 1}, {0x1p-3f, 0x1p-14f}}},
    {"c = 1 + 2^-23, -1 + 2^-q", MADE_BOTH, 1, 12, 0x1.000002p0f, {{-1, 1}, {0x1p-3f, 0x1p-14f}}},
    {"1 - 1 + c: bits of c that are kept", MADE_BOTH, SWEEP_C, 40, 0x1.fffffep0f, {{1, 1}, {-1, 1}}},
    {"4 - 4 + c", MADE_BOTH, SWEEP_C, 40, 0x1.555556p0f, {{2, 2}, {-2, 2}}},
    {"1 + c: bits of c", MADE_BOTH, SWEEP_C, 40, 0x1.fffffep0f, {{1, 1}}},
    {"1 - c", MADE_BOTH, SWEEP_C, 40, -0x1.fffffep0f, {{1, 1}}},
    {"2^14 - 2^14 + c over the whole range of c", MADE_BOTH, SWEEP_C, 40, 0x1.fffffep20f,
     {{0x1p7f, 0x1p7f}, {-0x1p7f, 0x1p7f}}},
    /* Products from 2 to 4 have the exponent of 1 if exponents are not normalised. */
    {"2.25 - 2.25 + 2^-q: are product exponents normalised", MADE_BOTH, 2, 12, 0,
     {{1.5f, 1.5f}, {-1.5f, 1.5f}, {0x1p-3f, 0x1p-14f}}},
    {"3.75 - 3.75 + 2^-q", MADE_BOTH, 2, 12, 0, {{0x1.fp0f, 0x1.fp0f}, {-0x1.fp0f, 0x1.fp0f}, {0x1p-3f, 0x1p-14f}}},
    {"c = -2.25, 2.25 + 2^-q: c's exponent is normalised", MADE_BOTH, 1, 12, -2.25f,
     {{1.5f, 1.5f}, {0x1p-3f, 0x1p-14f}}},
    {"2.25 + 1.5 2^-q, final bits", MADE_BOTH, 1, 12, 0, {{1.5f, 1.5f}, {0x1.8p-3f, 0x1p-14f}}},
    /* The final rounding to f32. */
    {"c = 1, + 2^-q: final rounding", MADE_BOTH, 0, 12, 1, {{0x1p-3f, 0x1p-14f}}},
    {"c = 1, + 1.75 2^-q", MADE_BOTH, 0, 12, 1, {{0x1.cp-3f, 0x1p-14f}}},
    {"c = 1 + 2^-23, + 1.5 2^-q: a tie to even", MADE_BOTH, 0, 12, 0x1.000002p0f, {{0x1.8p-3f, 0x1p-14f}}},
    {"c = 1, - 2^-q: final rounding below a power of two", MADE_BOTH, 0, 12, 1, {{-0x1p-3f, 0x1p-14f}}},
    {"c = 1, - 1.75 2^-q", MADE_BOTH, 0, 12, 1, {{-0x1.cp-3f, 0x1p-14f}}},
    {"c = 1, + 16 * 2^-24", MADE_BOTH, SWEEP_NONE, 1, 1, {MADE_ALL(0x1p-10f, 0x1p-14f)}},
    {"c = 1, + 16 * 2^-25", MADE_BOTH, SWEEP_NONE, 1, 1, {MADE_ALL(0x1p-11f, 0x1p-14f)}},
    {"c = 1, + 16 * 2^-26", MADE_BOTH, SWEEP_NONE, 1, 1, {MADE_ALL(0x1p-12f, 0x1p-14f)}},
    {"c = 1, + 16 * 1.75 2^-25", MADE_BOTH, SWEEP_NONE, 1, 1, {MADE_ALL(0x1.cp-11f, 0x1p-14f)}},
    {"c = -1, + 16 * 2^-25", MADE_BOTH, SWEEP_NONE, 1, -1, {MADE_ALL(0x1p-11f, 0x1p-14f)}},
    {"c = 1, + 3 * 2^-25", MADE_BOTH, SWEEP_NONE, 1, 1,
     {{0x1p-11f, 0x1p-14f}, {0x1p-11f, 0x1p-14f}, {0x1p-11f, 0x1p-14f}}},
    {"c = 1, + 4 * 2^-25", MADE_BOTH, SWEEP_NONE, 1, 1,
     {{0x1p-11f, 0x1p-14f}, {0x1p-11f, 0x1p-14f}, {0x1p-11f, 0x1p-14f}, {0x1p-11f, 0x1p-14f}}},
    /* Carries above the largest term. */
    {"16 * 3.75 + c: carries", MADE_BOTH, SWEEP_C, 40, 0x1.fffffep1f, {MADE_ALL(0x1.fp0f, 0x1.fp0f)}},
    {"16 * 3.97 + c", MADE_BOTH, SWEEP_C, 40, 0x1.fffffep1f, {MADE_ALL(0x1.fep0f, 0x1.fep0f)}},
    {"15 * 3.75 + 2^-q", MADE_BOTH, 15, 12, 0,
     {MADE_7(0x1.fp0f, 0x1.fp0f), MADE_7(0x1.fp0f, 0x1.fp0f), {0x1.fp0f, 0x1.fp0f}, {0x1.8p-3f, 0x1p-14f}}},
    {"7 * 3.75 - 7 * 3.75 + 2^-q", MADE_BOTH, 15, 12, 0,
     {MADE_7(0x1.fp0f, 0x1.fp0f), {0, 0}, MADE_7(-0x1.fp0f, 0x1.fp0f), {0x1.8p-3f, 0x1p-14f}}},
    /* Three sizes: what has been cut stays cut after the largest have cancelled. */
    {"2^10 - 2^10 + 1 - 1 + 2^-q", MADE_BOTH, 4, 12, 0,
     {{0x1p10f, 1}, {-0x1p10f, 1}, {1, 1}, {-1, 1}, {0x1p-3f, 0x1p-10f}}},
    {"2^10 - 2^10 + 1.5 2^-q", MADE_BOTH, 2, 12, 0, {{0x1p10f, 1}, {-0x1p10f, 1}, {0x1.8p-3f, 0x1p-10f}}},
    {"cancels to 0", MADE_BOTH, SWEEP_NONE, 1, 0, {{1, 1}, {-1, 1}}},
    {"cancels to 0 with c", MADE_BOTH, SWEEP_NONE, 1, 1, {{-1, 1}}},
    {"cancels to 0, c = -0", MADE_BOTH, SWEEP_NONE, 1, -0.0f, {{1, 1}, {-1, 1}}},
    {"cancels to 0 in eight pairs", MADE_BOTH, SWEEP_NONE, 1, 0,
     {{1, 1}, {-1, 1}, {3, 1}, {-3, 1}, {5, 1}, {-5, 1}, {7, 1}, {-7, 1}, {1, 2}, {-1, 2}, {3, 2}, {-3, 2}, {5, 2},
      {-5, 2}, {7, 2}, {-7, 2}}},
    /* Does a zero factor's exponent count? */
    {"0 * 2^15 + 2^-q: a zero's exponent", MADE_BOTH, 1, 12, 0, {{0, 0x1p15f}, {0x1p-3f, 0x1p-14f}}},
    {"2^15 * 0 + 2^-q", MADE_BOTH, 1, 12, 0, {{0x1p15f, 0}, {0x1p-3f, 0x1p-14f}}},
    {"16 * 0 * 2^15 + c", MADE_BOTH, SWEEP_C, 40, 0x1.fffffep-10f, {MADE_ALL(0, 0x1p15f)}},
    {"0 * 2^127 + 2^-q", MADE_BF16, 1, 40, 0, {{0, 0x1p127f}, {0x1p-3f, 0x1p-14f}}},
    {"16 * 0 * 2^127 + c", MADE_BF16, SWEEP_C, 60, 0x1.fffffep-3f, {MADE_ALL(0, 0x1p127f)}},
    {"c alone", MADE_BOTH, SWEEP_C, 30, 0x1.fffffep-120f, {{0, 0}}},
    /* Subnormal factors: is their exponent that of the smallest normal number? */
    {"2^-24 * 2^15 + 2^-q", MADE_F16, 1, 12, 0, {{0x1p-24f, 0x1p15f}, {0x1p-3f, 0x1p-14f}}},
    {"2^-24 * 2^15 - the same + 2^-q", MADE_F16, 2, 12, 0,
     {{0x1p-24f, 0x1p15f}, {-0x1p-24f, 0x1p15f}, {0x1p-3f, 0x1p-14f}}},
    {"2^15 * 2^-24 - the same + 2^-q", MADE_F16, 2, 12, 0,
     {{0x1p15f, 0x1p-24f}, {-0x1p15f, 0x1p-24f}, {0x1p-3f, 0x1p-14f}}},
    {"2^-24 * 2^-24", MADE_F16, SWEEP_NONE, 1, 0, {{0x1p-24f, 0x1p-24f}}},
    {"16 * 2^-24 * 2^-24", MADE_F16, SWEEP_NONE, 1, 0, {MADE_ALL(0x1p-24f, 0x1p-24f)}},
    {"2^-24 * 2^-24 + c", MADE_F16, SWEEP_C, 60, 0x1.fffffep-28f, {{0x1p-24f, 0x1p-24f}}},
    {"1023^2 2^-48", MADE_F16, SWEEP_NONE, 1, 0, {{0x1.ff8p-15f, 0x1.ff8p-15f}}},
    {"1 * subnormals", MADE_F16, 0, 11, 0, {{0x1p-14f, 1}}},
    {"2^-133 * 2^127 + 2^-q", MADE_BF16, 1, 40, 0, {{0x1p-133f, 0x1p127f}, {0x1p-3f, 0x1p-14f}}},
    {"2^-133 * 2^127 - the same + 2^-q", MADE_BF16, 2, 40, 0,
     {{0x1p-133f, 0x1p127f}, {-0x1p-133f, 0x1p127f}, {0x1p-3f, 0x1p-14f}}},
    /* Results that are subnormal or vanish. */
    {"1 * subnormals", MADE_BF16, 0, 8, 0, {{0x1p-126f, 1}}},
    {"2^-q alone, to below the smallest f32", MADE_BF16, 0, 16, 0, {{0x1p-70f, 0x1p-70f}}},
    {"1.5 2^-q alone", MADE_BF16, 0, 16, 0, {{0x1.8p-70f, 0x1p-70f}}},
    {"1.99 2^-q alone", MADE_BF16, 0, 34, 0, {{0x1.fep-60f, 0x1p-66f}}},
    {"16 * 2^-148", MADE_BF16, SWEEP_NONE, 1, 0, {MADE_ALL(0x1p-74f, 0x1p-74f)}},
    {"16 * 2^-150", MADE_BF16, SWEEP_NONE, 1, 0, {MADE_ALL(0x1p-75f, 0x1p-75f)}},
    {"16 * 2^-151: is there a smallest alignment", MADE_BF16, SWEEP_NONE, 1, 0, {MADE_ALL(0x1p-76f, 0x1p-75f)}},
    {"16 * 2^-152", MADE_BF16, SWEEP_NONE, 1, 0, {MADE_ALL(0x1p-76f, 0x1p-76f)}},
    {"16 * 2^-153", MADE_BF16, SWEEP_NONE, 1, 0, {MADE_ALL(0x1p-77f, 0x1p-76f)}},
    {"16 * 1.75 2^-153", MADE_BF16, SWEEP_NONE, 1, 0, {MADE_ALL(0x1.cp-77f, 0x1p-76f)}},
    {"16 * 2^-154", MADE_BF16, SWEEP_NONE, 1, 0, {MADE_ALL(0x1p-77f, 0x1p-77f)}},
    {"c = 2^-149, 15 * 2^-152", MADE_BF16, SWEEP_NONE, 1, 0x1p-149f, {MADE_ALL(0x1p-76f, 0x1p-76f)}},
    {"c = -2^-149, 15 * 2^-152", MADE_BF16, SWEEP_NONE, 1, -0x1p-149f, {MADE_ALL(0x1p-76f, 0x1p-76f)}},
    {"c = 2^-149, + 2^-q", MADE_BF16, 0, 16, 0x1p-149f, {{0x1p-70f, 0x1p-70f}}},
    {"c = 2^-149, - 2^-q", MADE_BF16, 0, 16, 0x1p-149f, {{-0x1p-70f, 0x1p-70f}}},
    {"c = 2^-126, - 2^-q", MADE_BF16, 0, 30, 0x1p-126f, {{-0x1p-64f, 0x1p-64f}}},
    {"c subnormal, + 2^-q", MADE_BF16, 0, 30, 0x1.fffff8p-127f, {{0x1.8p-64f, 0x1p-64f}}},
    {"c subnormal, - 2^-q", MADE_BF16, 0, 30, 0x1.fffff8p-127f, {{-0x1.8p-64f, 0x1p-64f}}},
    {"c subnormal cancels", MADE_BF16, SWEEP_NONE, 1, 0x1p-133f, {{-0x1p-133f, 1}}},
    {"2^-130 - 2^-130 + 2^-q: exponents below those of f32", MADE_BF16, 2, 30, 0,
     {{0x1p-65f, 0x1p-65f}, {-0x1p-65f, 0x1p-65f}, {0x1p-68f, 0x1p-68f}}},
    {"2^-110 - 2^-110 + 2^-q", MADE_BF16, 2, 30, 0,
     {{0x1p-55f, 0x1p-55f}, {-0x1p-55f, 0x1p-55f}, {0x1.8p-62f, 0x1p-62f}}},
    {"2^-133 * 2^-133", MADE_BF16, SWEEP_NONE, 1, 0, {MADE_ALL(0x1p-133f, 0x1p-133f)}},
    /* Results that overflow. */
    {"2^128 alone", MADE_BF16, SWEEP_NONE, 1, 0, {{0x1p64f, 0x1p64f}}},
    {"2^254 alone", MADE_BF16, SWEEP_NONE, 1, 0, {{0x1p127f, 0x1p127f}}},
    {"2^127 + c, to 2^128 and below", MADE_BF16, SWEEP_C, 30, 0x1.fffffep127f, {{0x1p64f, 0x1p63f}}},
    {"2^128 - 2^128", MADE_BF16, SWEEP_NONE, 1, 0, {{0x1p64f, 0x1p64f}, {-0x1p64f, 0x1p64f}}},
    {"2^128 - 2^127", MADE_BF16, SWEEP_NONE, 1, 0, {{0x1p64f, 0x1p64f}, {-0x1p64f, 0x1p63f}}},
    {"2^128 - 1.9 2^127", MADE_BF16, SWEEP_NONE, 1, 0, {{0x1p64f, 0x1p64f}, {-0x1p64f, 0x1.ep63f}}},
    {"2^128 - 2^128 + 1", MADE_BF16, 2, 12, 0, {{0x1p64f, 0x1p64f}, {-0x1p64f, 0x1p64f}, {0x1p55f, 0x1p55f}}},
    {"2^254 - 2^254", MADE_BF16, SWEEP_NONE, 1, 0, {{0x1p127f, 0x1p127f}, {-0x1p127f, 0x1p127f}}},
    {"2^254 - 2^254 + 2^-q", MADE_BF16, 2, 16, 0, {{0x1p127f, 0x1p127f}, {-0x1p127f, 0x1p127f}, {0x1p118f, 0x1p118f}}},
    {"2^254 - 2^254 + c", MADE_BF16, SWEEP_NONE, 1, 0x1p127f, {{0x1p127f, 0x1p127f}, {-0x1p127f, 0x1p127f}}},
    {"3.97 2^254 * 8 - the same", MADE_BF16, SWEEP_NONE, 1, 0,
     {MADE_7(0x1.fep127f, 0x1.fep127f), {0x1.fep127f, 0x1.fep127f}, MADE_7(-0x1.fep127f, 0x1.fep127f),
      {-0x1.fep127f, 0x1.fep127f}}},
    {"largest f32 + half its ulp and less", MADE_BF16, 0, 6, 0x1.fffffep127f, {{0x1p52f, 0x1p53f}}},
    {"largest f32 + 3/4 of its ulp", MADE_BF16, 0, 6, 0x1.fffffep127f, {{0x1.8p52f, 0x1p52f}}},
    {"largest f32 + 2^127 - 2^127", MADE_BF16, SWEEP_NONE, 1, 0x1.fffffep127f,
     {{0x1p64f, 0x1p63f}, {-0x1p64f, 0x1p63f}}},
    {"largest f32 + largest products of f16", MADE_F16, SWEEP_NONE, 1, 0x1.fffffep127f, {MADE_ALL(65504.0f, 65504.0f)}},
    {"largest products of f16", MADE_F16, SWEEP_NONE, 1, 0, {MADE_ALL(65504.0f, 65504.0f)}},
    /* Infinity and NaN. */
    {"infinity * 1", MADE_BOTH, SWEEP_NONE, 1, 0, {{INFINITY, 1}}},
    {"infinity * -1", MADE_BOTH, SWEEP_NONE, 1, 0, {{INFINITY, -1}}},
    {"1 * infinity", MADE_BOTH, SWEEP_NONE, 1, 0, {{1, INFINITY}}},
    {"infinity * 0", MADE_BOTH, SWEEP_NONE, 1, 0, {{INFINITY, 0}}},
    {"0 * infinity", MADE_BOTH, SWEEP_NONE, 1, 0, {{0, INFINITY}}},
    {"infinity * subnormal", MADE_F16, SWEEP_NONE, 1, 0, {{INFINITY, 0x1p-24f}}},
    {"infinity * subnormal", MADE_BF16, SWEEP_NONE, 1, 0, {{INFINITY, 0x1p-133f}}},
    {"infinity - infinity", MADE_BOTH, SWEEP_NONE, 1, 0, {{INFINITY, 1}, {-INFINITY, 1}}},
    {"infinity - infinity in halves", MADE_BOTH, SWEEP_NONE, 1, 0,
     {{INFINITY, 1}, MADE_NO_6, {0, 0}, {-INFINITY, 1}}},
    {"infinity + infinity", MADE_BOTH, SWEEP_NONE, 1, 0, {{INFINITY, 1}, {-INFINITY, -1}}},
    {"infinity + 0 infinity", MADE_BOTH, SWEEP_NONE, 1, 0, {{INFINITY, 1}, {0, INFINITY}}},
    {"c infinite", MADE_BOTH, SWEEP_NONE, 1, INFINITY, {{1, 1}}},
    {"c infinite, - infinity", MADE_BOTH, SWEEP_NONE, 1, INFINITY, {{-INFINITY, 1}}},
    {"c infinite, - 65504^2 * 16", MADE_F16, SWEEP_NONE, 1, INFINITY, {MADE_ALL(-65504.0f, 65504.0f)}},
    {"c infinite, - 2^254", MADE_BF16, SWEEP_NONE, 1, INFINITY, {{-0x1p127f, 0x1p127f}}},
    {"infinity * 1 - 2^254", MADE_BF16, SWEEP_NONE, 1, 0, {{INFINITY, 1}, {-0x1p127f, 0x1p127f}}},
    {"NaN * 1", MADE_BOTH, SWEEP_NONE, 1, 0, {{NAN, 1}}},
    {"NaN * 0", MADE_BOTH, SWEEP_NONE, 1, 0, {{NAN, 0}}},
    {"0 * NaN", MADE_BOTH, SWEEP_NONE, 1, 0, {{0, NAN}}},
    {"c NaN", MADE_BOTH, SWEEP_NONE, 1, NAN, {{1, 1}}},
    {"NaN + infinity", MADE_BOTH, SWEEP_NONE, 1, 0, {{NAN, 1}, {INFINITY, 1}}},
    /* Signs of zero. */
    {"0", MADE_BOTH, SWEEP_NONE, 1, 0, {MADE_ALL(0, 0)}},
    {"c = -0, products 0", MADE_BOTH, SWEEP_NONE, 1, -0.0f, {MADE_ALL(0, 1)}},
    {"c = 0, products -0", MADE_BOTH, SWEEP_NONE, 1, 0, {MADE_ALL(-0.0f, 1)}},
    {"c = -0, products -0", MADE_BOTH, SWEEP_NONE, 1, -0.0f, {MADE_ALL(-0.0f, 1)}},
    {"c = -0, products 0 * -1", MADE_BOTH, SWEEP_NONE, 1, -0.0f, {MADE_ALL(0, -1)}},
    {"c = -0, one product 0 of 16", MADE_BOTH, SWEEP_NONE, 1, -0.0f,
     {{0, 1}, MADE_7(-0.0f, 1), MADE_7(-0.0f, 1), {-0.0f, 1}}},
    /* Is there a least exponent that terms are aligned to? What is cut shows as a result one place larger. */
    {"2^-139 - 2^-q: the least alignment", MADE_BF16, 1, 40, 0, {{0x1p-69f, 0x1p-70f}, {-0x1p-74f, 0x1p-74f}}},
    {"2^-139 - 2^-q, c = -0", MADE_BF16, 1, 40, -0.0f, {{0x1p-69f, 0x1p-70f}, {-0x1p-74f, 0x1p-74f}}},
    {"2^-139 - 1.5 2^-q", MADE_BF16, 1, 40, 0, {{0x1p-69f, 0x1p-70f}, {-0x1.8p-74f, 0x1p-74f}}},
    {"2^-133 - 2^-q", MADE_BF16, 1, 40, 0, {{0x1p-63f, 0x1p-70f}, {-0x1p-74f, 0x1p-74f}}},
    {"2^-132 - 2^-q", MADE_BF16, 1, 40, 0, {{0x1p-62f, 0x1p-70f}, {-0x1p-74f, 0x1p-74f}}},
    {"2^-134 - 2^-q", MADE_BF16, 1, 40, 0, {{0x1p-64f, 0x1p-70f}, {-0x1p-74f, 0x1p-74f}}},
    {"2^-147 - 2^-q", MADE_BF16, 1, 40, 0, {{0x1p-73f, 0x1p-74f}, {-0x1p-76f, 0x1p-76f}}},
    {"2^-133 * 2^-6 - 2^-q: subnormal factors", MADE_BF16, 1, 40, 0, {{0x1p-133f, 0x1p-6f}, {-0x1p-74f, 0x1p-74f}}},
    {"2^-139 - 2^-q, no product 0", MADE_BF16, 1, 40, 0,
     {{0x1p-69f, 0x1p-70f}, {-0x1p-74f, 0x1p-74f}, {0x1p-72f, 0x1p-72f}, {-0x1p-72f, 0x1p-72f}, {0x1p-72f, 0x1p-72f},
      {-0x1p-72f, 0x1p-72f}, {0x1p-72f, 0x1p-72f}, {-0x1p-72f, 0x1p-72f}, {0x1p-72f, 0x1p-72f}, {-0x1p-72f, 0x1p-72f},
      {0x1p-72f, 0x1p-72f}, {-0x1p-72f, 0x1p-72f}, {0x1p-72f, 0x1p-72f}, {-0x1p-72f, 0x1p-72f}, {0x1p-72f, 0x1p-72f},
      {-0x1p-72f, 0x1p-72f}}},
    {"2^-139 - 2^-q, c = 2^-149", MADE_BF16, 1, 40, 0x1p-149f, {{0x1p-69f, 0x1p-70f}, {-0x1p-74f, 0x1p-74f}}},
    {"2^-139 - 2^-q, product 0 * 2^127", MADE_BF16, 1, 40, 0,
     {{0x1p-69f, 0x1p-70f}, {-0x1p-74f, 0x1p-74f}, {0, 0x1p127f}}},
    {"all products -2^-160", MADE_BF16, SWEEP_NONE, 1, -0.0f, {MADE_ALL(-0x1p-80f, 0x1p-80f)}},
};

#undef MADE_2
#undef MADE_7
#undef MADE_ALL
#undef MADE_NO_6
/* clang-format on */

/* Each row is run for each step, with each of 16 rotations of its terms, and negated. */
enum {
    MADE_ROWS = sizeof mma_made / sizeof mma_made[0],
    MADE_ROTATIONS = MMA_TERMS,
    MADE_SIGNS = 2,
    MADE_MOST_STEPS = 60,
    MADE_MOST_SUMS = MADE_MOST_STEPS * MADE_ROTATIONS * MADE_SIGNS /* of a row */
};

static inline size_t mma_made_sums(size_t row)
{
    return (size_t)mma_made[row].steps * MADE_ROTATIONS * MADE_SIGNS;
}

/* Sum number i < mma_made_sums(row) of a row; false if the row is not one of the dtype. */
static inline bool mma_made_sum(enum dtype dtype, size_t row, size_t i, struct mma_sum *sum)
{
    const struct mma_made *made = &mma_made[row];
    bool negated = i % MADE_SIGNS;
    size_t rotation = i / MADE_SIGNS % MADE_ROTATIONS, step = i / (MADE_SIGNS * MADE_ROTATIONS);
    if (!(made->dtypes & (dtype == DTYPE_F16 ? MADE_F16 : MADE_BF16)))
        return false;
    for (size_t k = 0; k < MMA_TERMS; k++) {
        float a = made->sweep == (int)k ? ldexpf(made->terms[k][0], -(int)step) : made->terms[k][0];
        size_t place = (k + rotation) % MMA_TERMS;
        sum->a[place] = (uint16_t)(mma_element(dtype, a) ^ (negated ? 0x8000u : 0));
        sum->b[place] = mma_element(dtype, made->terms[k][1]);
    }
    float c = made->sweep == SWEEP_C ? ldexpf(made->c, -(int)step) : made->c;
    sum->c = mma_float(mma_float_bits(c) ^ (negated ? 0x80000000u : 0));
    return true;
}

#endif
