/*
 * Sums for a tensor core, the same on every machine: what dump_mma.cu runs on a GPU and the tests through the host's
 * model (fused_sum.h). A sum is c + a[0] b[0] + ... + a[15] b[15], one element of an m16n8k16 product. Plain C that is
 * C++ as well.
 *
 * Sums made by hand are in mma_made.h. Drawn sums are numbered: sum n of a dtype depends on n and the dtype alone, its
 * random bits are splitmix64 of a counter, and no step of it rounds in a way that machines differ in. DRAWN_BLOCK sums
 * that follow each other have one distribution, n / DRAWN_BLOCK % DRAWN_DISTRIBUTIONS.
 */
#ifndef KERNELS_PROBE_MMA_SUMS_H
#define KERNELS_PROBE_MMA_SUMS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "reference/dtype.h"

enum { MMA_TERMS = 16, DRAWN_BLOCK = 1000, DRAWN_BLOCKS = 1000, DIGESTED_BLOCKS = 200 };

struct mma_sum {
    uint16_t a[MMA_TERMS], b[MMA_TERMS]; /* f16 or bf16 */
    float c;
};

/* An FNV-1a digest of results, 64 bits; each is taken lowest byte first. */
#define MMA_DIGEST_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t mma_digest(uint64_t digest, uint32_t result)
{
    for (int i = 0; i < 4; i++)
        digest = (digest ^ (result >> 8 * i & 0xff)) * UINT64_C(0x100000001b3);
    return digest;
}

/* NaNs are one: their payload is not part of any promise. */
static inline uint32_t mma_result(uint32_t bits)
{
    return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fffffffu : bits;
}

static inline uint32_t mma_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float mma_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x in the dtype, f16 or bf16; bits that do not fit are dropped, what is too large becomes infinity. */
static inline uint16_t mma_element(enum dtype dtype, float x)
{
    uint32_t bits = mma_float_bits(x), sign = bits >> 16 & 0x8000u, fraction = bits & 0x7fffffu;
    int exponent = (int)(bits >> 23 & 0xff) - 127;
    if (dtype == DTYPE_BF16)
        return (uint16_t)(bits >> 16);
    if (exponent == 128)
        return (uint16_t)(sign | 0x7c00u | (fraction ? 0x200u : 0));
    if (exponent > 15)
        return (uint16_t)(sign | 0x7c00u);
    if (exponent >= -14)
        return (uint16_t)(sign | (uint32_t)(exponent + 15) << 10 | fraction >> 13);
    return (uint16_t)(exponent < -24 ? sign : sign | (0x800000u | fraction) >> (-1 - exponent));
}

static inline uint64_t mma_draw(uint64_t *counter)
{
    uint64_t z = *counter += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* An integer in [low, high]. */
static inline int mma_draw_int(uint64_t *counter, int low, int high)
{
    return low + (int)(mma_draw(counter) % (uint64_t)(high - low + 1));
}

/* Either sign, 24 random bits of significand, an exponent in [low, high]; subnormal where that is below f32's. */
static inline float mma_draw_float(uint64_t *counter, int low, int high)
{
    uint64_t bits = mma_draw(counter);
    int exponent = mma_draw_int(counter, low, high);
    float x = ldexpf((float)(0x800000u | (bits & 0x7fffffu)), exponent - 23);
    return bits >> 63 ? -x : x;
}

/* Near a normal deviate, of standard deviation 1: a sum of 12 uniform ones, exact. */
static inline float mma_draw_normal(uint64_t *counter)
{
    int32_t sum = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t bits = mma_draw(counter);
        for (int j = 0; j < 4; j++)
            sum += (int32_t)(bits >> 16 * j & 0xffff) - 0x8000;
    }
    return (float)sum * 0x1p-16f;
}

/* The sum of the products in double, in their order. */
static inline double mma_sum_double(enum dtype dtype, const struct mma_sum *sum)
{
    double total = 0;
    for (int k = 0; k < MMA_TERMS; k++) {
        double factor[2];
        for (int f = 0; f < 2; f++) {
            uint32_t x = f ? sum->b[k] : sum->a[k], exponent = x >> 10 & 31, fraction = x & 0x3ffu;
            double magnitude =
                exponent ? ldexp((double)(0x400u | fraction), (int)exponent - 25) : ldexp((double)fraction, -24);
            factor[f] = dtype == DTYPE_BF16 ? (double)mma_float(x << 16) : x & 0x8000u ? -magnitude : magnitude;
        }
        total += factor[0] * factor[1];
    }
    return total;
}

enum mma_distribution {
    DRAWN_NORMAL,       /* a, b and c standard normal; c times 4 */
    DRAWN_WEIGHTS,      /* a in [0, 1), b normal, c up to 2^6 times larger */
    DRAWN_NEAR,         /* exponents in [-6, 6], c in [-14, 14] */
    DRAWN_WIDE,         /* exponents over the whole of the dtype, so far as the sum is finite */
    DRAWN_ONE_EXPONENT, /* all products of one exponent: carries */
    DRAWN_PAIRS,        /* products cancel in pairs, wholly or but for their last bits */
    DRAWN_CANCEL_C,     /* c cancels the products but for a rounding */
    DRAWN_SUBNORMAL,    /* subnormal factors */
    DRAWN_TINY,         /* results that are subnormal or vanish (bf16), small subnormal factors and c (f16) */
    DRAWN_TINY_ALONE,   /* c = 0, products within 2^12 of each other, down to results that vanish */
    DRAWN_FEW,          /* 1 to 4 terms that are not 0 */
    DRAWN_LARGE_C,      /* c 2^8 to 2^30 above the products */
    DRAWN_SMALL_C,      /* c 2^8 to 2^40 below the products */
    DRAWN_HUGE,         /* near and beyond the largest f32 (bf16), the largest f16 */
    DRAWN_BITS,         /* any bits, infinity and NaN now and then */
    DRAWN_DISTRIBUTIONS
};

static inline float mma_draw_factor(enum dtype dtype, enum mma_distribution distribution, bool second,
                                    uint64_t *counter)
{
    int lowest = dtype == DTYPE_F16 ? -24 : -133, highest = dtype == DTYPE_F16 ? 15 : 62;
    switch (distribution) {
    case DRAWN_WEIGHTS:
        return second ? mma_draw_normal(counter) : (float)(mma_draw(counter) >> 40) * 0x1p-24f;
    case DRAWN_NEAR:
    case DRAWN_CANCEL_C:
        return mma_draw_float(counter, -6, 6);
    case DRAWN_WIDE:
        return mma_draw_float(counter, lowest, highest);
    case DRAWN_ONE_EXPONENT:
        return mma_draw_float(counter, 0, 0);
    case DRAWN_PAIRS:
        return mma_draw_float(counter, -4, 4);
    case DRAWN_SUBNORMAL:
        if (dtype == DTYPE_F16)
            return mma_draw_float(counter, -24, second ? 2 : -12);
        return second ? mma_draw_float(counter, -16, 16) : mma_draw_float(counter, -133, -125);
    case DRAWN_TINY:
        return dtype == DTYPE_F16 ? mma_draw_float(counter, -24, -14) : mma_draw_float(counter, -80, -64);
    case DRAWN_FEW:
        return mma_draw_float(counter, -8, 8);
    case DRAWN_HUGE:
        return dtype == DTYPE_F16 ? mma_draw_float(counter, 12, 15) : mma_draw_float(counter, 57, 62);
    default:
        return mma_draw_normal(counter);
    }
}

/* Exponents of c; those of the products follow from mma_draw_factor. */
static inline float mma_draw_c(enum dtype dtype, enum mma_distribution distribution, uint64_t *counter)
{
    switch (distribution) {
    case DRAWN_NORMAL:
        return 4 * mma_draw_normal(counter);
    case DRAWN_WEIGHTS:
        return mma_draw_float(counter, -4, 6);
    case DRAWN_NEAR:
        return mma_draw_float(counter, -14, 14);
    case DRAWN_WIDE:
        return dtype == DTYPE_F16 ? mma_draw_float(counter, -60, 40) : mma_draw_float(counter, -149, 127);
    case DRAWN_ONE_EXPONENT:
        return mma_draw_float(counter, -4, 4);
    case DRAWN_SUBNORMAL:
        return dtype == DTYPE_F16 ? mma_draw_float(counter, -50, -10) : mma_draw_float(counter, -152, -120);
    case DRAWN_TINY:
        return dtype == DTYPE_F16 ? mma_draw_float(counter, -149, -24) : mma_draw_float(counter, -152, -124);
    case DRAWN_FEW:
        return mma_draw(counter) % 2 ? mma_draw_float(counter, -16, 16) : 0;
    case DRAWN_LARGE_C:
        return mma_draw_float(counter, 8, 30);
    case DRAWN_SMALL_C:
        return mma_draw_float(counter, -40, -8);
    case DRAWN_HUGE:
        return dtype == DTYPE_F16 ? mma_draw_float(counter, 20, 40) : mma_draw_float(counter, 120, 127);
    case DRAWN_BITS:
        return mma_float((uint32_t)mma_draw(counter));
    default:
        return mma_draw(counter) % 2 ? mma_draw_float(counter, -20, 8) : 0;
    }
}

/* Sum n of the dtype. */
static inline void mma_drawn_sum(enum dtype dtype, uint64_t n, struct mma_sum *sum)
{
    uint64_t counter = (n << 1 | (dtype == DTYPE_BF16)) * UINT64_C(0xd1342543de82ef95) + 1;
    enum mma_distribution distribution = (enum mma_distribution)(n / DRAWN_BLOCK % DRAWN_DISTRIBUTIONS);
    uint32_t infinity = dtype == DTYPE_F16 ? 0x7c00u : 0x7f80u;
    for (int k = 0; k < MMA_TERMS; k++) {
        sum->a[k] = mma_element(dtype, mma_draw_factor(dtype, distribution, false, &counter));
        sum->b[k] = mma_element(dtype, mma_draw_factor(dtype, distribution, true, &counter));
    }
    sum->c = mma_draw_c(dtype, distribution, &counter);
    if (distribution == DRAWN_PAIRS) {
        int distance = 1 << mma_draw_int(&counter, 0, 3); /* 1, 2, 4 or 8 */
        for (int k = 0; k < MMA_TERMS; k++)
            if (k & distance) {
                uint64_t bits = mma_draw(&counter);
                sum->a[k] = (uint16_t)(sum->a[k ^ distance] ^ 0x8000u ^ (bits % 4 == 0));
                sum->b[k] = (uint16_t)(sum->b[k ^ distance] ^ (bits / 4 % 4 == 0));
            }
    } else if (distribution == DRAWN_CANCEL_C) {
        uint64_t bits = mma_draw(&counter);
        sum->c = -(float)mma_sum_double(dtype, sum);
        sum->c = mma_float(mma_float_bits(sum->c) ^ (uint32_t)(bits % 2 ? bits >> 62 : 0));
    } else if (distribution == DRAWN_TINY_ALONE) {
        int low = dtype == DTYPE_F16 ? -24 : mma_draw_int(&counter, -80, -66);
        for (int k = 0; k < MMA_TERMS; k++) {
            sum->a[k] = mma_element(dtype, mma_draw_float(&counter, low, low + 6));
            sum->b[k] = mma_element(dtype, mma_draw_float(&counter, low, low + 6));
        }
        sum->c = mma_draw(&counter) % 2 ? 0 : -0.0f;
    } else if (distribution == DRAWN_FEW) {
        int terms = mma_draw_int(&counter, 1, 4);
        uint64_t bits = mma_draw(&counter);
        for (int k = 0, left = MMA_TERMS; k < MMA_TERMS; k++, left--) {
            if (mma_draw_int(&counter, 1, left) <= terms)
                terms--;
            else
                sum->a[k] = (uint16_t)(bits >> k & 1 ? 0x8000u : 0);
        }
    } else if (distribution == DRAWN_BITS) {
        for (int k = 0; k < MMA_TERMS; k++) {
            uint64_t bits = mma_draw(&counter);
            sum->a[k] = (uint16_t)bits, sum->b[k] = (uint16_t)(bits >> 16);
            if (dtype == DTYPE_BF16 && sum->a[k] & 0x4000u && bits >> 44 & 0x1f)
                sum->b[k] &= (uint16_t)~0x4000u; /* or nearly all sums overflow */
            if ((sum->a[k] & infinity) == infinity && bits >> 32 & 0x3f)
                sum->a[k] ^= (uint16_t)(infinity & (infinity >> 1)); /* between 2 and 4 in bf16 and f16 */
            if ((sum->b[k] & infinity) == infinity && bits >> 38 & 0x3f)
                sum->b[k] ^= (uint16_t)(infinity & (infinity >> 1));
        }
    }
}

#endif
