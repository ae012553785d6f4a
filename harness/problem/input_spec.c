#include "harness/problem/input_spec.h"

#include <float.h>

#include "kernels/kernel.h"

const struct input_spec input_spec_default = {
    .distribution = DISTRIBUTION_NORMAL,
    .mean = 0,
    .stddev = 1,
    .low = -1,
    .high = 1,
    .value = 1,
    .spread = 1,
    .channels = 4,
    .factor = 30,
};

/* Values stay within f32, in which inputs are made. */
#define REAL(member, from, to, says)                                                                                 \
    {                                                                                                                \
        .name = #member, .type = FIELD_REAL, FIELD_MEMBER(struct input_spec, member), .real = {(from), (to), false}, \
        .allowed = (says)                                                                                            \
    }

static const struct field fields[INPUT_PARAMETER_COUNT] = {
    [INPUT_MEAN] = REAL(mean, -(double)FLT_MAX, (double)FLT_MAX, "numbers that f32 can hold"),
    [INPUT_STDDEV] = REAL(stddev, 0, (double)FLT_MAX, "numbers from 0 on that f32 can hold"),
    [INPUT_LOW] = REAL(low, -(double)FLT_MAX, (double)FLT_MAX, "numbers that f32 can hold"),
    [INPUT_HIGH] = REAL(high, -(double)FLT_MAX, (double)FLT_MAX, "numbers that f32 can hold"),
    [INPUT_VALUE] = REAL(value, -(double)FLT_MAX, (double)FLT_MAX, "numbers that f32 can hold"),
    [INPUT_SPREAD] = REAL(spread, 0, (double)FLT_MAX, "numbers from 0 on that f32 can hold"),
    [INPUT_CHANNELS] = {.name = "channels",
                        .type = FIELD_WHOLE,
                        FIELD_MEMBER(struct input_spec, channels),
                        .whole = {1, PROBLEM_MAX_DIM, 0},
                        .allowed = "whole numbers from 1 to head_dim"},
    [INPUT_FACTOR] = REAL(factor, (double)FLT_MIN, (double)FLT_MAX, "numbers above 0 that f32 can hold"),
};

const struct field_table input_fields = FIELD_TABLE(fields);

bool input_spec_equal(const struct input_spec *a, const struct input_spec *b)
{
    return a->distribution == b->distribution && fields_compare(&input_fields, a, b) == 0;
}
