/*
 * What a problem's q, k and v are drawn from: a distribution (distribution.h) and its parameters.
 */
#ifndef HARNESS_PROBLEM_INPUT_SPEC_H
#define HARNESS_PROBLEM_INPUT_SPEC_H

#include "harness/support/field.h"

enum distribution {
    DISTRIBUTION_NORMAL,     /* mean + stddev * N(0, 1) */
    DISTRIBUTION_UNIFORM,    /* [low, high) */
    DISTRIBUTION_CONSTANT,   /* value */
    DISTRIBUTION_OUTLIERS,   /* normal, with a few channels of k (the same ones for all keys) `factor` times larger */
    DISTRIBUTION_CANCELLING, /* normal q and k; keys in pairs, from the newest, whose weighted v nearly cancel: k alike,
                              * v(newer) = -exp(-slope) v(older) rounded, slope that of the KV group's first head */
    DISTRIBUTION_ONEHOT,     /* normal, and for each KV head one of the newest 8 keys that takes all the weight of the
                              * group's first head: k = factor * q of that head */
    DISTRIBUTION_LOGIT_FLOOR, /* logits near a chosen value: q = c e_0, c a power of two, and element 0 of a key is
                               * (value + spread * N(0, 1)) / (scale * k_scale * c); the rest of k, and v, normal */
    DISTRIBUTION_COUNT
};

/* A parameter that the distribution does not name keeps its default and is not read. */
struct input_spec {
    enum distribution distribution;
    double mean, stddev; /* normal, outliers, cancelling, onehot, logit_floor: 0, 1 */
    double low, high;    /* uniform: -1, 1 */
    double value;        /* constant: 1; logit_floor: -10000, in natural units, bias apart */
    double spread;       /* logit_floor: 1 */
    int channels;        /* outliers: 4 (at most head_dim) */
    double factor;       /* outliers: 30; onehot: 8, the dominating key is factor * q */
};

extern const struct input_spec input_spec_default; /* normal, all parameters at their defaults */

/* The parameters, in the order of input_fields. */
enum input_parameter {
    INPUT_MEAN,
    INPUT_STDDEV,
    INPUT_LOW,
    INPUT_HIGH,
    INPUT_VALUE,
    INPUT_SPREAD,
    INPUT_CHANNELS,
    INPUT_FACTOR,
    INPUT_PARAMETER_COUNT
};

extern const struct field_table input_fields; /* of struct input_spec */

/* Whether all is the same, what the distribution does not read too. */
bool input_spec_equal(const struct input_spec *a, const struct input_spec *b);

#endif
