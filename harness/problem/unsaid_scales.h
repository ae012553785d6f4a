/*
 * What was not said of the scales of k and v: tensors in fp8 alone have some, and nothing in them says which.
 */
#ifndef HARNESS_PROBLEM_UNSAID_SCALES_H
#define HARNESS_PROBLEM_UNSAID_SCALES_H

#include <stdbool.h>

#include "reference/dtype.h"

enum unsaid_scales {
    SCALES_SAID,         /* or there are none */
    SCALES_UNSAID,       /* of fp8 one is missing at least, which is taken for 1 */
    SCALES_OF_TWO_TYPES, /* k and v are of two types, of which one is fp8: they are 1 */
    UNSAID_SCALES_COUNT
};

struct unsaid_scales_info {
    const char *name; /* in a bundle; NULL: nothing stands there */
    const char *note; /* for who reads the verdict; NULL: there is nothing to say */
};

extern const struct unsaid_scales_info unsaid_scales[UNSAID_SCALES_COUNT];

/* Of k and v as they were given, and whether somebody has said the scale of each. */
enum unsaid_scales unsaid_scales_of(enum dtype k, enum dtype v, bool k_said, bool v_said);

#endif
