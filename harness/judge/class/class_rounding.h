/*
 * What the kernels of a class round at most: its rounding model, of any order (reference/any_order.md), and the table
 * of the roundings that make it.
 */
#ifndef HARNESS_JUDGE_CLASS_CLASS_ROUNDING_H
#define HARNESS_JUDGE_CLASS_CLASS_ROUNDING_H

#include "reference/error_bound.h"

/* What is rounded beside f32's own roundings. 16 bits are f16 for outputs in f16, bf16 for all others. */
enum class_rounding {
    CLASS_WEIGHTS16,
    CLASS_WEIGHTS8, /* includes CLASS_WEIGHTS16 */
    CLASS_ABSOLUTE_BIAS,
    CLASS_BIAS16,
    CLASS_QUERY16,
    CLASS_LOGITS16,
    CLASS_PARTIALS16,
    CLASS_SUMS16, /* includes CLASS_PARTIALS16 */
    CLASS_ROUNDING_COUNT
};

/* A set is a bit for each of its roundings; none: f32. */
typedef unsigned class_set;
enum { CLASS_F32 = 0, CLASS_SETS = 1 << CLASS_ROUNDING_COUNT };

/* 16 bits as an output's dtype has them. */
struct class_narrow {
    double unit; /* unit roundoff: 2^-11 of f16; 2^-8 of bf16, for other outputs */
    double max;  /* beyond which f16 overflows; infinite for other outputs */
    int bits;    /* significant ones */
};

struct class_rounding_info {
    const char *name, *meaning;
    class_set includes; /* roundings that it has in it */
    void (*apply)(struct rounding_model *model, const struct problem *problem, const struct class_narrow *narrow);
};

extern const struct class_rounding_info class_roundings[CLASS_ROUNDING_COUNT];

/* The set with all that its roundings include. */
class_set class_closed(class_set set);

/* The model of a set for a problem's shape, scale and dtype. */
struct rounding_model class_rounding_model(class_set set, const struct problem *problem);

#endif
