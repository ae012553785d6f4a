/*
 * Rules that give every head another slope: what is a reason for wrong slopes in all rows, and false in all if one row
 * has another.
 */
#ifndef HARNESS_JUDGE_CAUSE_SLOPE_RULE_H
#define HARNESS_JUDGE_CAUSE_SLOPE_RULE_H

#include "harness/judge/cause/suspect.h"

/* How a rule for all heads makes a head's slope, of the number or the dtype beside it. */
enum rule_kind {
    RULE_BLOOM,     /* that of the convention for this number of heads, of a max_bias */
    RULE_GEOMETRIC, /* the same */
    RULE_SQUARE,    /* of its own one */
    RULE_ROOT,      /* the same */
    RULE_FACTOR,    /* times its own one */
    RULE_SCALED,    /* the softmax scale times its own one */
    RULE_CACHED,    /* the same times k_scale, of an fp8 cache that has one */
    RULE_UNSCALED,  /* its own one divided by that */
    RULE_DTYPE,     /* its own one in a dtype */
    RULE_NEXT,      /* that of a head some further on, round */
    RULE_HALF,      /* half of all heads */
    RULE_REVERSED,  /* of the heads in reverse order */
    RULE_KV_HEAD    /* that of the head with the number of its KV head */
};

struct slope_rule {
    const char *origin; /* what is said of a slope by it, and the reason of a match */
    enum rule_kind kind;
    double number;
    enum dtype dtype;
};

extern const struct slope_rule slope_rules[];
extern const int slope_rules_count;

/* What stands behind the origin of slopes whose biases are of the absolute form. */
#define SLOPE_RULE_ABSOLUTE ", in the absolute form"

/* The slope of the suspect's head, which may be its own; NaN where the rule has none for so many heads. */
double slope_by_rule(const struct suspect *suspect, const struct slope_rule *rule);

/* The rule that is a match's reason; NULL: none is. */
const struct slope_rule *slope_rule_of(const struct match *match);

/* Another head of the problem whose slope this is, or -1. */
int slope_owner(const struct suspect *suspect, double slope);

#endif
