/* What `alibicheck tolerance` is asked. */
#ifndef HARNESS_COMMAND_TOLERANCE_OPTIONS_H
#define HARNESS_COMMAND_TOLERANCE_OPTIONS_H

#include "harness/judge/class/arithmetic_class.h"
#include "harness/judge/rule/rule.h"
#include "harness/run/selection.h"

enum { TOLERANCE_MAX_POINTS = 64, TOLERANCE_SEEDS_MAX = 1000 };

/* Seeds by default: so many, and fewer where keys * heads * head_dim of all of them are more numbers than these, which
 * take seconds. */
enum { TOLERANCE_SEEDS = 100, TOLERANCE_SEEDS_OF_POINT = -1 };
#define TOLERANCE_SEEDS_NUMBERS 0x1p28

struct tolerance_options {
    struct selection_options selection;
    struct rule rule;
    unsigned said;                  /* bit by bit, which of the command's own options were given */
    bool has_rule;                  /* else the tolerances of the point */
    struct arithmetic_class sought; /* whose outputs the rule has to accept */
    int seeds; /* how many the point's own kernel is run on, to see what its error is; TOLERANCE_SEEDS_OF_POINT */
    bool json;
};

#endif
