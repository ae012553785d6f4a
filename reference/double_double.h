/*
 * Double-double arithmetic: an unevaluated sum hi + lo with |lo| <= u |hi|, u = 2^-53, about 106 bits.
 *
 * Algorithms and bounds: Joldes, Muller and Popescu, Tight and rigorous error bounds for basic building blocks of
 * double-word arithmetic, ACM TOMS 44(2), 2017. Each function states its relative error. Barring overflow, and
 * underflow below 2^-900. Every operation is one IEEE operation, so the bits are the same everywhere;
 * -ffp-contract=off.
 */
#ifndef REFERENCE_DOUBLE_DOUBLE_H
#define REFERENCE_DOUBLE_DOUBLE_H

struct double_double {
    double hi, lo;
};

#define DD_INLINE static inline __attribute__((always_inline))

/* a + b exactly, any order of magnitudes (Knuth; Moller). */
DD_INLINE struct double_double dd_two_sum(double a, double b)
{
    double sum = a + b, shadow = sum - a;
    return (struct double_double){sum, (a - (sum - shadow)) + (b - shadow)};
}

/* a + b exactly for |a| >= |b| or a = 0 (Dekker). */
DD_INLINE struct double_double dd_fast_two_sum(double a, double b)
{
    double sum = a + b;
    return (struct double_double){sum, b - (sum - a)};
}

/* a * b exactly. */
DD_INLINE struct double_double dd_two_product(double a, double b)
{
    double product = a * b;
    return (struct double_double){product, __builtin_fma(a, b, -product)};
}

/* Relative error 2 u^2 (algorithm 4). */
DD_INLINE struct double_double dd_add_d(struct double_double a, double b)
{
    struct double_double sum = dd_two_sum(a.hi, b);
    return dd_fast_two_sum(sum.hi, a.lo + sum.lo);
}

/* Relative error 3 u^2 + 13 u^3, whatever the signs (algorithm 6). */
DD_INLINE struct double_double dd_add(struct double_double a, struct double_double b)
{
    struct double_double high = dd_two_sum(a.hi, b.hi), low = dd_two_sum(a.lo, b.lo);
    struct double_double sum = dd_fast_two_sum(high.hi, high.lo + low.hi);
    return dd_fast_two_sum(sum.hi, low.lo + sum.lo);
}

/* Relative error 2 u^2 (algorithm 9). */
DD_INLINE struct double_double dd_mul_d(struct double_double a, double b)
{
    struct double_double product = dd_two_product(a.hi, b);
    return dd_fast_two_sum(product.hi, __builtin_fma(a.lo, b, product.lo));
}

/* Relative error 5 u^2 (algorithm 11). */
DD_INLINE struct double_double dd_mul(struct double_double a, struct double_double b)
{
    struct double_double product = dd_two_product(a.hi, b.hi);
    double cross = __builtin_fma(a.lo, b.hi, a.hi * b.lo);
    return dd_fast_two_sum(product.hi, product.lo + cross);
}

/* Relative error 15 u^2 + 56 u^3 (algorithm 17, with algorithm 9 for its product, which is no less exact). */
DD_INLINE struct double_double dd_div(struct double_double a, struct double_double b)
{
    double quotient = a.hi / b.hi;
    struct double_double product = dd_mul_d(b, quotient);
    double remainder = (a.hi - product.hi) + (a.lo - product.lo);
    return dd_fast_two_sum(quotient, remainder / b.hi);
}

#endif
