#include "harness/judge/contract/contract_makers.h"

#include <math.h>
#include <string.h>

#include "reference/slopes.h"

/* False where the slopes are what they were. */
static bool slopes_differ(const struct contract_trial *trial)
{
    size_t size = (size_t)trial->problem.num_heads * sizeof(float);
    return memcmp(trial->problem.slopes, trial->before.slopes, size) != 0;
}

bool contract_make_no_bias(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    float *slopes = contract_own_slopes(trial);
    for (int h = 0; slopes && h < trial->problem.num_heads; h++)
        slopes[h] = 0;
    return slopes && slopes_differ(trial) && contract_say(trial, "no bias");
}

bool contract_make_convention(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const double max_biases[CONTRACT_MAX_BIASES] = {8, 16, 4};
    const struct problem *problem = &trial->problem;
    enum slope_convention convention = (enum slope_convention)(variant / CONTRACT_MAX_BIASES);
    double max_bias = max_biases[variant % CONTRACT_MAX_BIASES];
    float *slopes = contract_own_slopes(trial);
    bool whole = problem_whole_heads(problem) == problem->num_heads;
    if (!slopes || !whole)
        return false;
    slopes_fill(slopes, problem->num_heads, convention, max_bias, 0, problem->num_heads);
    return slopes_differ(trial) && contract_say(trial, "slopes of the %s convention, max_bias %g",
                                                slope_convention_names[convention], max_bias);
}

bool contract_make_slope_factor(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    const double scale = (double)trial->problem.scale, of_cache = problem_logit_scale(&trial->problem);
    const struct {
        double factor;
        const char *what;
    } variants[] = {
        {-1, "of the opposite sign"},
        {M_LOG2E, "multiplied by log2(e)"},
        {M_LN2, "multiplied by ln 2"},
        {scale, "multiplied by the scale"},
        {1 / scale, "divided by the scale"},
        {2, "counted twice"},
        {0.5, "halved"},
        {of_cache, "multiplied by the scale and by k_scale"},
    };
    if (variant == 7 && of_cache == scale)
        return false;
    float *slopes = contract_own_slopes(trial);
    for (int h = 0; slopes && h < trial->problem.num_heads; h++)
        slopes[h] = (float)((double)slopes[h] * variants[variant].factor);
    for (int h = 0; slopes && h < trial->problem.num_heads; h++)
        if (!isfinite(slopes[h]))
            return false;
    return slopes && slopes_differ(trial) && contract_say(trial, "biases %s", variants[variant].what);
}

bool contract_make_base(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    struct problem *problem = &trial->problem;
    const double factor = variant ? M_LOG2E : M_LN2;
    float *slopes = problem->sink_logits || problem->soft_cap ? NULL : contract_own_slopes(trial);
    problem->scale = (float)((double)problem->scale * factor);
    for (int h = 0; slopes && h < problem->num_heads; h++)
        slopes[h] = (float)((double)slopes[h] * factor);
    return slopes && slopes_differ(trial) && isfinite(problem->scale) &&
           contract_say(trial, variant ? "logits multiplied by log2(e), biases too: e^x of logits in base 2"
                                       : "logits multiplied by ln 2, biases too: 2^x of natural logits");
}

/* Slopes that heads take from one another. */
bool contract_make_slope_heads(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const char *const what[] = {"that of the next head", "that of the head before", "in reversed order"};
    int heads = trial->problem.num_heads;
    float *slopes = contract_own_slopes(trial);
    const float *before = trial->before.slopes;
    for (int h = 0; slopes && h < heads; h++)
        slopes[h] = before[variant == 2 ? heads - 1 - h : (h + (variant ? heads - 1 : 1)) % heads];
    return slopes && slopes_differ(trial) && contract_say(trial, "each head's slope %s", what[variant]);
}
