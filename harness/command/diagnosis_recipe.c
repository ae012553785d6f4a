#include "harness/command/diagnosis_recipe.h"

#include "harness/case/recipe_field.h"

/* A row without visible keys: what of the recipe makes it anything but 0, or NULL. */
static const char *empty_row_reason(const struct findings *findings)
{
    const struct recipe *recipe = findings->recipe;
    bool finite = recipe->sentinel.policy == SENTINEL_VALUE || recipe->sentinel.policy == SENTINEL_ADAPTIVE;
    if (findings->evaluation->judged.truth.lse[findings->head] != -INFINITY)
        return NULL;
    if (finite && isfinite(findings->explanation->kernel.err))
        return "is finite and became the maximum, so that masked keys carry the weight";
    if (recipe->guards != GUARDS_SOUND || recipe->empty_row == EMPTY_ROW_DIVIDE)
        return "leaves a maximum of -inf or a sum of 0, and inf - inf or 0 / 0 is formed";
    return NULL;
}

/* Choices of a recipe that change results in exact arithmetic. */
static void say_sentinel(struct diagnosis *diagnosis, const struct findings *findings)
{
    const struct recipe *recipe = findings->recipe;
    const struct problem *problem = &findings->evaluation->judged.problem;
    char text[SENTINEL_TEXT_SIZE];
    double highest = findings->evaluation->judged.truth.lse[findings->head];
    bool added = recipe_adds_sentinel(recipe), starts = recipe->initial_max == INITIAL_MAX_AS_SENTINEL;
    if (recipe->bias == BIAS_ABSOLUTE)
        highest += (double)problem->slopes[findings->head] * (double)problem->q_position;
    say(diagnosis,
        "The sentinel %s %s%s, and the logits of this head are no higher than %.6g in %s; -inf, adaptive and exclude "
        "are "
        "never reached.",
        sentinel_format(text, &recipe->sentinel),
        recipe->masked_entry == MASKED_ADD_EACH ? "is added to masked logits, once for each mask,"
        : added                                 ? "is added to masked logits"
                                                : "takes the place of masked logits",
        !starts ? ""
        : added ? " and takes the place of the maximum before the first key"
                : " and of the maximum before the first key",
        highest * taken_a_nat(findings), units_of(taken_a_nat(findings)));
}

static void say_initial_max(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis,
        "The maximum begins at %.6g, and the logits of this head are no higher than %.6g in %s: what is far below it "
        "has no "
        "weight. Start it at -inf, or at the first visible key.",
        initial_max_of(findings) * taken_a_nat(findings),
        findings->evaluation->judged.truth.lse[findings->head] * taken_a_nat(findings),
        units_of(taken_a_nat(findings)));
}

static void say_initial_sum(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis,
        "The sum begins with %.4g at the maximum %.6g, which is not rescaled away where no logit is higher. Begin it "
        "with "
        "0.",
        (double)findings->recipe->initial_sum, initial_max_of(findings) * taken_a_nat(findings));
}

static void say_epsilon(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis,
        "The epsilon %.4g is added to every denominator, which scales outputs down. Guard the division by a test for "
        "an "
        "empty row in its place.",
        (double)findings->recipe->epsilon);
}

static void say_no_bias(struct diagnosis *diagnosis, const struct findings *findings)
{
    (void)findings;
    say(diagnosis, "The recipe drops the bias.");
}

static void say_slopes(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis, "The recipe makes its own slopes, by the %s convention.",
        slopes_source_names[findings->recipe->slopes]);
}

static void say_positions(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis, "The recipe has positions of its own: %s, keys %+d off.",
        positions_names[findings->recipe->positions], findings->recipe->key_shift);
}

static void say_merge_cutoff(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis, "Chunks whose factor lies below exp(%.4g) are left out of the merge.",
        (double)findings->recipe->merge_cutoff);
}

static void say_positive_bias(struct diagnosis *diagnosis, const struct findings *findings)
{
    (void)findings;
    say(diagnosis, "Keys whose bias is positive are masked.");
}

static bool has_sentinel(const struct findings *findings)
{
    return findings->recipe->sentinel.policy == SENTINEL_VALUE;
}

/* A maximum other than the sentinel's above the row's logits. */
static bool has_initial_max(const struct findings *findings)
{
    const struct recipe *recipe = findings->recipe;
    return (recipe->initial_max == INITIAL_MAX_VALUE || recipe->guards == GUARDS_ZERO_MAX) &&
           initial_max_of(findings) > findings->evaluation->judged.truth.lse[findings->head];
}

static bool has_initial_sum(const struct findings *findings)
{
    return findings->recipe->initial_sum != 0 && isfinite(initial_max_of(findings));
}

static bool has_epsilon(const struct findings *findings)
{
    return findings->recipe->epsilon != 0;
}

static bool has_no_bias(const struct findings *findings)
{
    return findings->recipe->bias == BIAS_NONE;
}

static bool has_slopes(const struct findings *findings)
{
    return findings->recipe->slopes != SLOPES_FROM_INPUT;
}

static bool has_positions(const struct findings *findings)
{
    return findings->recipe->positions != POSITIONS_GLOBAL || findings->recipe->key_shift != 0;
}

static bool has_merge_cutoff(const struct findings *findings)
{
    return findings->recipe->merge_cutoff != 0;
}

static bool has_positive_bias(const struct findings *findings)
{
    return findings->recipe->positive_bias != POSITIVE_BIAS_KEPT;
}

/* What of the recipe takes the problem for another one: a text, which is empty if nothing does. */
static char *contract_of(char *text, const struct findings *findings)
{
    struct recipe recipe = *findings->recipe;
    if (findings->evaluation->judged.truth.lse[findings->head] != -INFINITY) { /* what is of empty rows alone */
        recipe.empty_row = EMPTY_ROW_ZERO;
        recipe.contract.empty_row_lse = EMPTY_ROW_LSE_BELOW;
        recipe.contract.merge_guards = MERGE_GUARDS_AS_GUARDS;
    }
    return recipe_contract_format(text, &recipe);
}

bool diagnosis_has_contract(const struct findings *findings)
{
    char text[RECIPE_CONTRACT_TEXT_SIZE];
    return *contract_of(text, findings);
}

void diagnosis_say_contract(struct diagnosis *diagnosis, const struct findings *findings)
{
    char text[RECIPE_CONTRACT_TEXT_SIZE];
    say(diagnosis, "The recipe keeps another contract than the problem: %s.", contract_of(text, findings));
}

/* What a replay, of this problem alone and on memory of its own, does not have. */
static bool replay_lacks(const struct recipe *recipe)
{
    return recipe->empty_row == EMPTY_ROW_UNWRITTEN || recipe->contract.page_table_row != PAGE_ROW_OWN;
}

static const struct choice {
    bool (*made)(const struct findings *findings);
    void (*say)(struct diagnosis *diagnosis, const struct findings *findings);
} choices[] = {
    {diagnosis_has_contract, diagnosis_say_contract},
    {has_sentinel, say_sentinel},
    {has_initial_max, say_initial_max},
    {has_initial_sum, say_initial_sum},
    {has_epsilon, say_epsilon},
    {has_no_bias, say_no_bias},
    {has_slopes, say_slopes},
    {has_positions, say_positions},
    {has_merge_cutoff, say_merge_cutoff},
    {has_positive_bias, say_positive_bias},
};

void diagnose_recipe(struct diagnosis *diagnosis, const struct findings *findings)
{
    const struct explanation *explanation = findings->explanation;
    const struct sentinel *sentinel = &findings->recipe->sentinel;
    char text[SENTINEL_TEXT_SIZE];
    double exact = explanation->truth + explanation->stages[STAGE_NONE].err;
    diagnosis->share = explanation->stages[STAGE_NONE].share;
    say(diagnosis,
        "Rounding does not explain it: in exact arithmetic the kernel gives %.6g at head %d, dim %d, where "
        "the truth is %.6g.",
        without_sign(exact), findings->head, findings->dim, explanation->truth);
    const char *reason = empty_row_reason(findings);
    if (reason) {
        diagnosis->cause = "recipe";
        say(diagnosis,
            " No key is visible. The sentinel %s %s. Write 0 for a row without visible keys, and tell it by the keys' "
            "indices, not by its maximum.",
            sentinel_format(text, sentinel), reason);
        return;
    }
    diagnosis->cause = "kernel";
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        if (choices[i].made(findings)) {
            diagnosis->cause = "recipe";
            say(diagnosis, " ");
            choices[i].say(diagnosis, findings);
        }
    if (!strcmp(diagnosis->cause, "kernel"))
        say(diagnosis, " No sentinel is in reach of this problem's logits; the kernel is wrong.");
}

void diagnose_device(struct diagnosis *diagnosis, const struct findings *findings)
{
    const struct explanation *explanation = findings->explanation;
    bool lacks = replay_lacks(&findings->point->recipe);
    diagnosis->cause = "device";
    diagnosis->share = 1;
    say(diagnosis,
        "Rounding does not explain it: the output at head %d, dim %d is %.6g, and the same arithmetic on %s "
        "gives an error of %.3g where it has %.3g.",
        findings->head, findings->dim, without_sign(explanation->output), lacks ? "this sequence alone" : "the host",
        without_sign(explanation->together.err), without_sign(explanation->kernel.err));
    if (lacks && diagnosis_has_contract(findings)) {
        diagnosis->cause = "recipe";
        say(diagnosis, " ");
        diagnosis_say_contract(diagnosis, findings);
    }
}
