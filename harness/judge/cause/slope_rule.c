#include "harness/judge/cause/slope_rule.h"

#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/suspect_match.h"
#include "reference/slopes.h"

const struct slope_rule slope_rules[] = {
    {"the bloom convention for this number of heads, max_bias 8", RULE_BLOOM, 8, 0},
    {"the geometric convention for this number of heads, max_bias 8", RULE_GEOMETRIC, 8, 0},
    {"the bloom convention for this number of heads, max_bias 16", RULE_BLOOM, 16, 0},
    {"the geometric convention for this number of heads, max_bias 16", RULE_GEOMETRIC, 16, 0},
    {"its square, max_bias doubled", RULE_SQUARE, 0, 0},
    {"its square root, max_bias halved", RULE_ROOT, 0, 0},
    {"rounded to bf16", RULE_DTYPE, 0, DTYPE_BF16},
    {"rounded to f16", RULE_DTYPE, 0, DTYPE_F16},
    {"2 times it", RULE_FACTOR, 2, 0},
    {"half of it", RULE_FACTOR, 0.5, 0},
    {"log2(e) times it", RULE_FACTOR, 0x1.71547652b82fep+0, 0},
    {"ln(2) times it", RULE_FACTOR, 0x1.62e42fefa39efp-1, 0},
    {"the softmax scale times it", RULE_SCALED, 0, 0},
    {"the softmax scale times it, times k_scale", RULE_CACHED, 0, 0},
    {"it divided by the softmax scale", RULE_UNSCALED, 0, 0},
    {"that of the next head", RULE_NEXT, 1, 0},
    {"that of the head before", RULE_NEXT, -1, 0},
    {"that of the head half of them further on", RULE_HALF, 0, 0},
    {"that of the head in reverse order", RULE_REVERSED, 0, 0},
    {"that of the head with the number of its KV head", RULE_KV_HEAD, 0, 0},
};
const int slope_rules_count = sizeof slope_rules / sizeof slope_rules[0];

/* What the head's slope is by a convention, or NaN if there are too many heads to say. */
static double conventional_slope(const struct suspect *suspect, enum slope_convention convention, double max_bias)
{
    enum { MAX_HEADS = 1024 };
    float slopes[MAX_HEADS];
    int heads = suspect->problem->num_heads;
    if (heads > MAX_HEADS)
        return NAN;
    slopes_fill(slopes, heads, convention, max_bias, 0, heads);
    return (double)slopes[suspect->head];
}

double slope_by_rule(const struct suspect *suspect, const struct slope_rule *rule)
{
    const struct problem *problem = suspect->problem;
    const int heads = problem->num_heads, head = suspect->head;
    switch (rule->kind) {
    case RULE_BLOOM:
        return conventional_slope(suspect, SLOPES_BLOOM, rule->number);
    case RULE_GEOMETRIC:
        return conventional_slope(suspect, SLOPES_GEOMETRIC, rule->number);
    case RULE_SQUARE:
        return suspect->slope * suspect->slope;
    case RULE_ROOT:
        return sqrt(suspect->slope);
    case RULE_FACTOR:
        return suspect->slope * rule->number;
    case RULE_SCALED:
        return suspect->slope * (double)problem->scale;
    case RULE_CACHED:
        return problem_logit_scale(problem) == (double)problem->scale ? NAN
                                                                      : suspect->slope * problem_logit_scale(problem);
    case RULE_UNSCALED:
        return suspect->slope / (double)problem->scale;
    case RULE_DTYPE:
        return (double)dtype_round(rule->dtype, (float)suspect->slope);
    case RULE_NEXT:
        return (double)problem->slopes[(head + heads + (int)rule->number) % heads];
    case RULE_HALF:
        return (double)problem->slopes[(head + heads / 2) % heads];
    case RULE_REVERSED:
        return (double)problem->slopes[heads - 1 - head];
    case RULE_KV_HEAD:
        return (double)problem->slopes[problem_kv_head(problem, head)];
    }
    return NAN;
}

/* The reason that a match by the rule has, of the relative form of biases or of the absolute one. */
static uint64_t reason_of(const struct slope_rule *rule, bool absolute)
{
    char text[SIGNATURE_DETAIL_SIZE];
    snprintf(text, sizeof text, "%s%s", rule->origin, absolute ? SLOPE_RULE_ABSOLUTE : "");
    return suspect_reason(text);
}

const struct slope_rule *slope_rule_of(const struct match *match)
{
    for (int i = 0; i < slope_rules_count && match->signature == SIGNATURE_WRONG_SLOPE; i++)
        if (match->reason == reason_of(&slope_rules[i], false) || match->reason == reason_of(&slope_rules[i], true))
            return &slope_rules[i];
    return NULL;
}

int slope_owner(const struct suspect *suspect, double slope)
{
    for (int h = 0; h < suspect->problem->num_heads; h++)
        if (h != suspect->head && fabs((double)suspect->problem->slopes[h] / slope - 1) < 1e-3)
            return h;
    return -1;
}
