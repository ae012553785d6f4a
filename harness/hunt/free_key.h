/*
 * A key that is free in a hunt, and its limits.
 */
#ifndef HARNESS_HUNT_FREE_KEY_H
#define HARNESS_HUNT_FREE_KEY_H

#include "harness/case/case_keys.h"

enum free_kind {
    FREE_WHOLE, /* a whole number from least to greatest, least plus a multiple of step */
    FREE_REAL,  /* a number from low to high */
    FREE_LIST,  /* one of some values */
    FREE_INPUT, /* a distribution of `kinds`, its parameters within theirs */
    FREE_MASK   /* none, or removed keys of `kinds` */
};

struct real_limits {
    double low, high;
};

struct free_key {
    enum key_id id;
    enum free_kind kind;
    int64_t least, greatest, step;
    struct real_limits real;
    char **values; /* [num_values], as candidates have them; allocated */
    size_t num_values;
    unsigned kinds; /* bit i: distribution i; or a set of enum mask_kind */
    struct real_limits parameters[INPUT_PARAMETER_COUNT];
    bool parameters_said; /* by whoever hunts, so that they hold for every distribution */
};

#endif
