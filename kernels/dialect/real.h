/*
 * The number that kernels compute with, and its arithmetic. Every operation that rounds names its stage (stage.h).
 *
 * A `real` is a float, add_in(STAGE_SUM, a, b) is __fadd_rn(a, b), and stages leave no trace in the machine code.
 *
 * In the replay build (SIMT_REPLAY, replay.h) a real is a struct replayed: the float that the kernel computes, the same
 * bits, and beside it the same quantity once for each stage, as it would be if that stage alone rounded. With `exact`
 * for an operation in double, an operation of stage s on a and b yields
 *
 *     computed = f32(exact(a.computed, b.computed))
 *     alone[t] = exact(a.alone[t], b.alone[t]) + (t == s ? computed - exact(a.computed, b.computed) : 0)
 *
 * so alone[s] holds the very roundings that the kernel made in stage s and no other, and to first order the errors of
 * all alone[s] add up to that of `computed`. Double's own roundings, 2^-53 each, are what "exact" leaves out. Branches
 * follow `computed`: a replay goes the kernel's way.
 */
#ifndef KERNELS_DIALECT_REAL_H
#define KERNELS_DIALECT_REAL_H

#include "kernels/dialect/intrinsics.h"
#include "kernels/dialect/stage.h"

/* A multiple of 4, so that loops over it are vectors without a rest. */
enum { REPLAY_COLUMNS = (ROUNDING_STAGE_COUNT + 3) / 4 * 4 };

struct replayed {
    float computed;
    double alone[REPLAY_COLUMNS]; /* [enum stage] */
};

#ifndef SIMT_REPLAY

typedef float real;

/* A number as it is given, without error. */
SIMT_FUNCTION real real_of(float x)
{
    return x;
}

/* What the kernel computed. */
SIMT_FUNCTION float value_of(real x)
{
    return x;
}

/* b only if it is larger. */
SIMT_FUNCTION real real_max(real a, real b)
{
    return float_max(a, b);
}

/* The f32 that stands for a number that is no f32. */
SIMT_FUNCTION real constant_in(enum stage stage, float rounded, double exact)
{
    (void)stage, (void)exact;
    return rounded;
}

SIMT_FUNCTION real integer_in(enum stage stage, int64_t n)
{
    (void)stage;
    return (float)n;
}

SIMT_FUNCTION real add_in(enum stage stage, real a, real b)
{
    (void)stage;
    return __fadd_rn(a, b);
}

SIMT_FUNCTION real sub_in(enum stage stage, real a, real b)
{
    (void)stage;
    return __fsub_rn(a, b);
}

SIMT_FUNCTION real mul_in(enum stage stage, real a, real b)
{
    (void)stage;
    return __fmul_rn(a, b);
}

SIMT_FUNCTION real div_in(enum stage stage, real a, real b)
{
    (void)stage;
    return __fdiv_rn(a, b);
}

/* a * b + c, one rounding */
SIMT_FUNCTION real fma_in(enum stage stage, real a, real b, real c)
{
    (void)stage;
    return fmaf(a, b, c);
}

#else

typedef struct replayed real;

#define REPLAY_EACH(s) for (int s = 0; s < REPLAY_COLUMNS; s++)

/* x, of which alone[] is what an exact operation gives, with what the kernel computed and what was exact for that. */
SIMT_FUNCTION real replay_rounding(real x, enum stage stage, float computed, double exact)
{
    x.computed = computed;
    x.alone[stage] += (double)computed == exact ? 0 : (double)computed - exact; /* infinities cancel */
    return x;
}

SIMT_FUNCTION real constant_in(enum stage stage, float rounded, double exact)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = exact;
    return replay_rounding(y, stage, rounded, exact);
}

SIMT_FUNCTION real real_of(float x)
{
    return constant_in(STAGE_NONE, x, (double)x);
}

SIMT_FUNCTION float value_of(real x)
{
    return x.computed;
}

SIMT_FUNCTION real real_max(real a, real b)
{
    return b.computed > a.computed || a.computed != a.computed ? b : a;
}

SIMT_FUNCTION real integer_in(enum stage stage, int64_t n)
{
    return constant_in(stage, (float)n, (double)n);
}

SIMT_FUNCTION real add_in(enum stage stage, real a, real b)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = a.alone[s] + b.alone[s];
    return replay_rounding(y, stage, __fadd_rn(a.computed, b.computed), (double)a.computed + (double)b.computed);
}

SIMT_FUNCTION real sub_in(enum stage stage, real a, real b)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = a.alone[s] - b.alone[s];
    return replay_rounding(y, stage, __fsub_rn(a.computed, b.computed), (double)a.computed - (double)b.computed);
}

SIMT_FUNCTION real mul_in(enum stage stage, real a, real b)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = a.alone[s] * b.alone[s];
    return replay_rounding(y, stage, __fmul_rn(a.computed, b.computed), (double)a.computed * (double)b.computed);
}

SIMT_FUNCTION real div_in(enum stage stage, real a, real b)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = a.alone[s] / b.alone[s];
    return replay_rounding(y, stage, __fdiv_rn(a.computed, b.computed), (double)a.computed / (double)b.computed);
}

SIMT_FUNCTION real fma_in(enum stage stage, real a, real b, real c)
{
    real y;
    REPLAY_EACH(s)
    y.alone[s] = a.alone[s] * b.alone[s] + c.alone[s];
    return replay_rounding(y, stage, fmaf(a.computed, b.computed, c.computed),
                           (double)a.computed * (double)b.computed + (double)c.computed);
}

#endif

#endif
