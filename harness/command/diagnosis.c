#include "harness/command/diagnosis.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/case/recipe_field.h"
#include "harness/command/narrow_step.h"
#include "harness/evaluate/point_subject.h"

/* What sentences are made from. */
struct findings {
    const struct point *point;
    const struct recipe *recipe; /* for the problem's dtype */
    const struct evaluation *evaluation;
    const struct explanation *explanation;
    int head, dim;
};

/* Appends to a diagnosis's text. */
static void say(struct diagnosis *diagnosis, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct diagnosis *diagnosis, const char *format, ...)
{
    size_t used = strlen(diagnosis->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(diagnosis->text + used, sizeof diagnosis->text - used, format, arguments);
    va_end(arguments);
}

/* printf would show a NaN's sign. */
static double without_sign(double value)
{
    return isnan(value) ? NAN : value;
}

static struct rounding_model rounding_of(const struct findings *findings)
{
    const struct shipped_subject shipped = point_subject(findings->point, NULL);
    return shipped.subject.ops->rounding(&shipped.subject, &findings->evaluation->problem);
}

/* Units a nat of the logits as they are formed, and of those that maxima are taken of. */
static double formed_a_nat(const struct findings *findings)
{
    return findings->recipe->log2e == LOG2E_FOLDED ? M_LOG2E : 1;
}

static double taken_a_nat(const struct findings *findings)
{
    return findings->recipe->log2e == LOG2E_EXPONENTIAL ? 1 : M_LOG2E;
}

static const char *units_of(double units_a_nat)
{
    return units_a_nat == 1 ? "natural units" : "base 2";
}

/* "one f32 ulp is 2^-8, 0.0039; half of it changes a weight by 0.14%", for a logit in its units. */
static void say_logit_ulp(struct diagnosis *diagnosis, const struct findings *findings, double logit)
{
    double ulp = dtype_ulp(DTYPE_F32, logit);
    say(diagnosis, "one f32 ulp is 2^%d, %.2g; half of it changes a weight by %.2g%%", ilogb(ulp), ulp,
        100 * expm1(0.5 * ulp / formed_a_nat(findings)));
}

/* ---- causes ----------------------------------------------------------------------------------------------------- */

static void say_bias(struct diagnosis *diagnosis, const struct findings *findings)
{
    const struct problem *problem = &findings->evaluation->problem;
    int64_t key = problem->seq_len - 1;
    while (key > 0 && !problem_visible(problem, key))
        key--;
    double bias = (double)problem->slopes[findings->head] * formed_a_nat(findings) * (double)key;
    say(diagnosis,
        "the rounding of slope * j and of the logit that it enters: at key %lld slope * j is %.0f in %s, where ",
        (long long)key, bias, units_of(formed_a_nat(findings)));
    say_logit_ulp(diagnosis, findings, bias);
}

static void say_logit(struct diagnosis *diagnosis, const struct findings *findings)
{
    double lse = findings->evaluation->truth.lse[findings->head] * formed_a_nat(findings);
    say(diagnosis, "the rounding of logits: those that matter are near %.3g in %s, where ", lse,
        units_of(formed_a_nat(findings)));
    say_logit_ulp(diagnosis, findings, lse);
}

static void say_dot(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis, "the rounding of q.k: a sum of %d products that rounds %d times in f32",
        findings->evaluation->problem.head_dim, (int)lround(rounding_of(findings).dot * 0x1p24));
}

/* The maximum that the row begins with, in nats; -infinity where it is below every logit. */
static double initial_max_of(const struct findings *findings)
{
    const struct recipe *recipe = findings->recipe;
    double max = -INFINITY;
    if (recipe->initial_max == INITIAL_MAX_VALUE)
        max = (double)recipe->initial_max_value;
    else if (recipe->initial_max == INITIAL_MAX_AS_SENTINEL && recipe->sentinel.policy == SENTINEL_VALUE)
        max = (double)recipe->sentinel.value;
    if (recipe->guards == GUARDS_ZERO_MAX)
        max = 0;
    return max / taken_a_nat(findings);
}

/* Whether weights are subnormal numbers, below 2^-126: against a maximum that no logit of the row reaches. */
static bool underflows(const struct findings *findings)
{
    return initial_max_of(findings) - findings->evaluation->truth.lse[findings->head] > 126 * M_LN2 - 8;
}

static void say_exponential(struct diagnosis *diagnosis, const struct findings *findings)
{
    if (underflows(findings))
        say(diagnosis,
            "that of weights that are subnormal numbers, with few digits left: the maximum begins at %.4g in %s, and "
            "the "
            "logits of this head are near %.4g",
            initial_max_of(findings) * taken_a_nat(findings), units_of(taken_a_nat(findings)),
            findings->evaluation->truth.lse[findings->head] * taken_a_nat(findings));
    else
        say(diagnosis, "the exponential (%s): each weight is off by up to %.2g of itself",
            exponential_names[findings->recipe->exponential], rounding_of(findings).exponential);
}

static void say_sum(struct diagnosis *diagnosis, const struct findings *findings)
{
    struct rounding_model rounding = rounding_of(findings);
    say(diagnosis, "the rounding of sums over keys: %d addition%s to a partial output for every %lld keys",
        rounding.out_adds_per_round, rounding.out_adds_per_round == 1 ? "" : "s", (long long)rounding.keys_per_round);
}

static void say_merge(struct diagnosis *diagnosis, const struct findings *findings)
{
    int64_t chunk_len = rounding_of(findings).chunk_len, seq_len = findings->evaluation->problem.seq_len;
    say(diagnosis, "the merging of partial results: those of warps%s", chunk_len ? "" : ", one block for all keys");
    if (chunk_len)
        say(diagnosis, " and of %lld chunks", (long long)((seq_len + chunk_len - 1) / chunk_len));
}

static void say_division(struct diagnosis *diagnosis, const struct findings *findings)
{
    (void)findings;
    say(diagnosis, "the rounding of the final division, half an f32 ulp at most");
}

static void say_output(struct diagnosis *diagnosis, const struct findings *findings)
{
    const struct explanation *explanation = findings->explanation;
    const struct dtype_info *dtype = &dtypes[findings->evaluation->problem.dtype];
    double err_ulp = fabs(explanation->kernel.err) / dtype_ulp(findings->evaluation->problem.dtype, explanation->truth);
    say(diagnosis, "the rounding of the output to %s: it is off by %.3g ulp, %s", dtype->name, err_ulp,
        err_ulp <= 0.5 ? "the nearest to the truth that there is" : "next to the nearest");
}

/* A cause of rounding: the stages it covers in the relative and in the absolute form, its sentence and the remedy. */
#define STAGE(name) (1u << STAGE_##name)
static const struct cause {
    const char *name;
    unsigned stages[BIAS_COUNT];
    void (*say)(struct diagnosis *diagnosis, const struct findings *findings);
    const char *remedy;
} causes[] = {
    {"bias",
     {0, STAGE(BIAS) | STAGE(LOGIT)},
     say_bias,
     "Form the bias relative to the query, slope * (j - P), and it vanishes."},
    {"logit",
     {STAGE(SLOPE) | STAGE(SCALE) | STAGE(CAP) | STAGE(BIAS) | STAGE(LOGIT) | STAGE(SHIFT),
      STAGE(SLOPE) | STAGE(SCALE) | STAGE(CAP) | STAGE(SHIFT)},
     say_logit,
     "Only a logit that is held more exactly has less."},
    {"dot", {STAGE(DOT), STAGE(DOT)}, say_dot, "Shorter chains of additions have less."},
    {"exponential",
     {STAGE(EXPONENTIAL), STAGE(EXPONENTIAL)},
     say_exponential,
     "Only a more exact exponential has less."},
    {"sum",
     {STAGE(RESCALE) | STAGE(SUM) | STAGE(WEIGHTED_SUM), STAGE(RESCALE) | STAGE(SUM) | STAGE(WEIGHTED_SUM)},
     say_sum,
     "Shorter chains of additions have less."},
    {"merge", {STAGE(MERGE), STAGE(MERGE)}, say_merge, "Fewer and larger parts have less."},
    {"division", {STAGE(DIVISION), STAGE(DIVISION)}, say_division, "Nothing to fix."},
    {"output", {STAGE(OUTPUT), STAGE(OUTPUT)}, say_output, "Nothing to fix: only a wider dtype has less."},
};

static double share_of(const struct cause *cause, const struct findings *findings)
{
    double share = 0;
    for (int stage = 0; stage < ROUNDING_STAGE_COUNT; stage++)
        if (cause->stages[findings->recipe->bias] >> stage & 1)
            share += findings->explanation->stages[stage].share;
    return share;
}

/* The step of the recipe in the cause's stages that rounds to a narrow dtype, where that is most of the cause. */
static const struct narrow_step *narrow_step_of(const struct cause *cause, const struct findings *findings)
{
    const struct recipe *recipe = findings->recipe;
    const struct narrow_step *found = NULL;
    double most = share_of(cause, findings) / 2;
    for (int stage = 0; stage < ROUNDING_STAGE_COUNT; stage++) {
        const struct narrow_step *step = narrow_step_in(recipe, (enum stage)stage);
        if (step && cause->stages[recipe->bias] >> stage & 1 && findings->explanation->stages[stage].share >= most) {
            most = findings->explanation->stages[stage].share;
            found = step;
        }
    }
    return found;
}

static void say_narrow_step(struct diagnosis *diagnosis, const struct findings *findings,
                            const struct narrow_step *step)
{
    struct rounding_model model = rounding_of(findings);
    bool absolute = narrow_step_is_of_bias(step) && findings->recipe->bias == BIAS_ABSOLUTE;
    char text[384];
    narrow_step_format(text, sizeof text, step, findings->recipe, &model, findings->evaluation, findings->head);
    say(diagnosis, "%s. Hold %s in f32%s.", text, narrow_step_name(step),
        absolute ? ", and form the bias relative to the query, slope * (j - P)" : "");
}

static void diagnose_rounding(struct diagnosis *diagnosis, const struct findings *findings)
{
    const struct cause *cause = &causes[0];
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (share_of(&causes[i], findings) > share_of(cause, findings))
            cause = &causes[i];
    diagnosis->is_rounding = true;
    diagnosis->cause = cause->name;
    diagnosis->share = share_of(cause, findings);
    say(diagnosis, "%.0f%% of the error of head %d, dim %d is ", 100 * diagnosis->share, findings->head, findings->dim);
    bool underflow = cause->say == say_exponential && underflows(findings);
    const struct narrow_step *step = underflow ? NULL : narrow_step_of(cause, findings);
    if (step) {
        say_narrow_step(diagnosis, findings, step);
    } else {
        cause->say(diagnosis, findings);
        say(diagnosis, ". %s", underflow ? "Start the maximum at -inf, or at the first visible key." : cause->remedy);
    }
    if (!underflow && fabs(findings->explanation->kernel.err) > findings->explanation->bound)
        say(diagnosis, " It is above the error bound: the kernel does not do what its rounding model says.");
}

/* ---- what rounding does not explain ----------------------------------------------------------------------------- */

/* A row without visible keys: what of the recipe makes it anything but 0, or NULL. */
static const char *empty_row_reason(const struct findings *findings)
{
    const struct recipe *recipe = findings->recipe;
    bool finite = recipe->sentinel.policy == SENTINEL_VALUE || recipe->sentinel.policy == SENTINEL_ADAPTIVE;
    if (findings->evaluation->truth.lse[findings->head] != -INFINITY)
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
    const struct problem *problem = &findings->evaluation->problem;
    char text[SENTINEL_TEXT_SIZE];
    double highest = findings->evaluation->truth.lse[findings->head];
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
        findings->evaluation->truth.lse[findings->head] * taken_a_nat(findings), units_of(taken_a_nat(findings)));
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
           initial_max_of(findings) > findings->evaluation->truth.lse[findings->head];
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
    if (findings->evaluation->truth.lse[findings->head] != -INFINITY) { /* what is of empty rows alone */
        recipe.empty_row = EMPTY_ROW_ZERO;
        recipe.contract.empty_row_lse = EMPTY_ROW_LSE_BELOW;
        recipe.contract.merge_guards = MERGE_GUARDS_AS_GUARDS;
    }
    return recipe_contract_format(text, &recipe);
}

static bool has_contract(const struct findings *findings)
{
    char text[RECIPE_CONTRACT_TEXT_SIZE];
    return *contract_of(text, findings);
}

static void say_contract(struct diagnosis *diagnosis, const struct findings *findings)
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
    {has_contract, say_contract},
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

static void diagnose_recipe(struct diagnosis *diagnosis, const struct findings *findings)
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

static void diagnose_device(struct diagnosis *diagnosis, const struct findings *findings)
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
    if (lacks && has_contract(findings)) {
        diagnosis->cause = "recipe";
        say(diagnosis, " ");
        say_contract(diagnosis, findings);
    }
}

struct diagnosis diagnose(const struct point *point, const struct evaluation *evaluation,
                          const struct explanation *explanation)
{
    int head_dim = evaluation->problem.head_dim;
    struct diagnosis diagnosis = {.text = ""};
    const struct recipe recipe = recipe_for(&point->recipe, evaluation->problem.dtype);
    struct findings findings = {
        point,
        &recipe,
        evaluation,
        explanation,
        (int)(explanation->element / head_dim),
        (int)(explanation->element % head_dim),
    };
    const struct stage_error *none = &explanation->stages[STAGE_NONE];
    double err = explanation->kernel.err, difference = fabs(err - explanation->together.err);
    /* Products of errors are no reason for alarm. */
    bool replayed = explanation->differing == 0 || difference <= 0.1 * fabs(err) || difference <= explanation->bound;
    bool wrong = none->share > 0.5 && fabs(none->err) > explanation->unexplained;
    if (wrong || (!isfinite(err) && explanation->differing == 0)) {
        diagnose_recipe(&diagnosis, &findings);
    } else if (!isfinite(err) || !replayed) {
        diagnose_device(&diagnosis, &findings);
    } else if (explanation->together.share == 0 && err == 0) {
        diagnosis.cause = "exact";
        diagnosis.is_rounding = true;
        say(&diagnosis, "Head %d, dim %d has no error.", findings.head, findings.dim);
    } else {
        diagnose_rounding(&diagnosis, &findings);
    }
    if (diagnosis.is_rounding && has_contract(&findings)) {
        say(&diagnosis, " Its lse may be another matter. ");
        say_contract(&diagnosis, &findings);
    }
    return diagnosis;
}
