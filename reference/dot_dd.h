/*
 * Products of a query and a key, and soft caps, in double and in double-double: what a certified logit is made of.
 * truth_certified.md, lemma 1, derives the errors; u = 2^-53, D = head_dim. Arrays are padded to a multiple of
 * DOT_LANES with zeros.
 */
#ifndef REFERENCE_DOT_DD_H
#define REFERENCE_DOT_DD_H

#include <math.h>
#include <stddef.h>

#include "reference/exp_dd.h"

enum { DOT_LANES = 16 }; /* partial sums */

/* Error at most (D + 4) u sum |q k|: products are exact. */
DD_INLINE double dot_double(const double *query, const float *row, size_t padded)
{
    double sums[DOT_LANES] = {0};
    for (size_t i = 0; i < padded; i += DOT_LANES)
#pragma omp simd
        for (size_t lane = 0; lane < DOT_LANES; lane++)
            sums[lane] += query[i + lane] * (double)row[i + lane];
    for (size_t half = DOT_LANES / 2; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; lane++)
            sums[lane] += sums[lane + half];
    return sums[0];
}

/* Lemma 1: error at most D^2 u^2 sum |q k|. Every addition is a two-sum whose errors are added up in double. */
DD_INLINE struct double_double dot_dd(const double *query, const float *row, size_t padded)
{
    double sums[DOT_LANES] = {0}, errors[DOT_LANES] = {0};
    for (size_t i = 0; i < padded; i += DOT_LANES)
#pragma omp simd
        for (size_t lane = 0; lane < DOT_LANES; lane++) {
            struct double_double sum = dd_two_sum(sums[lane], query[i + lane] * (double)row[i + lane]);
            sums[lane] = sum.hi;
            errors[lane] += sum.lo;
        }
    for (size_t half = DOT_LANES / 2; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; lane++) {
            struct double_double sum = dd_two_sum(sums[lane], sums[lane + half]);
            sums[lane] = sum.hi;
            errors[lane] += errors[lane + half] + sum.lo;
        }
    return dd_two_sum(sums[0], errors[0]);
}

/* Lemma 1: C tanh(x / C) = C (1 - e^(-2 |x| / C)) / (1 + e^(-2 |x| / C)) with x's sign, error at most C 2^-48 and C
 * 2^-90 on top of what x is off by and, in double-double, 15 u^2 |x|. */
#define CAP_DOUBLE_ERROR 0x1p-48
#define CAP_DD_ERROR 0x1p-90

static inline double cap_double(double cap, double x)
{
    double e = exp_double(fmax(-2 * (fabs(x) / cap), EXP_LOWEST));
    return copysign(cap * ((1 - e) / (1 + e)), x);
}

static inline struct double_double cap_dd(double cap, struct double_double x)
{
    struct double_double y = dd_div(x, (struct double_double){cap, 0});
    double sign = copysign(1, y.hi), twice = -2 * sign;
    if (fabs(y.hi) > 245) /* e^-490 is below 2^-706 */
        return (struct double_double){sign * cap, 0};
    struct double_double e = exp_dd((struct double_double){twice * y.hi, twice * y.lo});
    struct double_double below = dd_add_d((struct double_double){-e.hi, -e.lo}, 1), above = dd_add_d(e, 1);
    return dd_mul_d(dd_div(below, above), sign * cap);
}

#endif
