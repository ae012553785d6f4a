/*
 * What a word of a random stream (random_words.h) is made into, on any device: a number of a plain distribution, in
 * f32. The same bits everywhere: * + - and comparisons in a fixed order, each rounded by itself.
 */
#ifndef KERNELS_RANDOM_VARIATE_H
#define KERNELS_RANDOM_VARIATE_H

#include "kernels/random/normal_quantile.h"

enum variate_kind { VARIATE_NORMAL, VARIATE_UNIFORM, VARIATE_CONSTANT };

/* A plain distribution, and its parameters; the other ones are 0. */
struct variate {
    enum variate_kind kind;
    float mean, stddev;       /* normal */
    float low, high, highest; /* uniform; low <= high, both finite; highest of variate_highest */
    float value;              /* constant */
};

/* mean + stddev z, as random_normal (harness/problem/random_stream.h) says; rows as in normal_quantile.h. */
SIMT_FUNCTION float variate_normal(const float (*rows)[NORMAL_BINADES], uint32_t word, float mean, float stddev)
{
    return __fadd_rn(mean, __fmul_rn(stddev, normal_quantile_by(rows, word)));
}

#ifndef __CUDACC__
/* The largest number of [low, high); low if there is no other. */
static inline float variate_highest(float low, float high)
{
    return low < high ? nextafterf(high, low) : low;
}
#endif

/* Rounding may reach high or pass low by an ulp. */
SIMT_FUNCTION float variate_uniform(uint32_t word, float low, float high, float highest)
{
    float fraction = __fmul_rn((float)(int32_t)(word >> 8), 0x1p-24f);
    float value = __fadd_rn(__fmul_rn(low, __fsub_rn(1, fraction)), __fmul_rn(high, fraction));
    value = value > low ? value : low;
    return value < highest ? value : highest;
}

SIMT_FUNCTION float variate_of(const struct variate *variate, const float (*rows)[NORMAL_BINADES], uint32_t word)
{
    switch (variate->kind) {
    case VARIATE_NORMAL:
        return variate_normal(rows, word, variate->mean, variate->stddev);
    case VARIATE_UNIFORM:
        return variate_uniform(word, variate->low, variate->high, variate->highest);
    default:
        return variate->value;
    }
}

/* Inputs are finite: what the dtype cannot hold becomes its largest value. So does infinity times a factor of 0. */
SIMT_FUNCTION float variate_clamp(float value, float largest)
{
    float below = value < largest ? value : largest;
    return below > -largest ? below : -largest;
}

#endif
