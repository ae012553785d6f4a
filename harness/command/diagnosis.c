#include "harness/command/diagnosis.h"

#include <string.h>

#include "harness/command/diagnosis_recipe.h"
#include "harness/command/narrow_step.h"
#include "harness/evaluate/point_subject.h"

static struct rounding_model rounding_of(const struct findings *findings)
{
    const struct shipped_subject shipped = point_subject(findings->point, NULL);
    return shipped.subject.ops->rounding(&shipped.subject, &findings->evaluation->judged.problem);
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
    const struct problem *problem = &findings->evaluation->judged.problem;
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
    double lse = findings->evaluation->judged.truth.lse[findings->head] * formed_a_nat(findings);
    say(diagnosis, "the rounding of logits: those that matter are near %.3g in %s, where ", lse,
        units_of(formed_a_nat(findings)));
    say_logit_ulp(diagnosis, findings, lse);
}

static void say_dot(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis, "the rounding of q.k: a sum of %d products that rounds %d times in f32",
        findings->evaluation->judged.problem.head_dim, (int)lround(rounding_of(findings).dot * 0x1p24));
}

static void say_exponential(struct diagnosis *diagnosis, const struct findings *findings)
{
    if (underflows(findings))
        say(diagnosis,
            "that of weights that are subnormal numbers, with few digits left: the maximum begins at %.4g in %s, and "
            "the "
            "logits of this head are near %.4g",
            initial_max_of(findings) * taken_a_nat(findings), units_of(taken_a_nat(findings)),
            findings->evaluation->judged.truth.lse[findings->head] * taken_a_nat(findings));
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
    int64_t chunk_len = rounding_of(findings).chunk_len, seq_len = findings->evaluation->judged.problem.seq_len;
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
    const struct dtype_info *dtype = &dtypes[findings->evaluation->judged.problem.dtype];
    double err_ulp =
        fabs(explanation->kernel.err) / dtype_ulp(findings->evaluation->judged.problem.dtype, explanation->truth);
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

/* What another stage of the cause has to have of the error to be said beside a step's. */
#define SHARE_SAID 0.05

/* The other stages of the cause that have much of the error, and what is to be held in f32 of them: "; another 19% is
 * the rounding of logits to bf16". held is added to. */
static void say_other_stages(struct diagnosis *diagnosis, const struct findings *findings, const struct cause *cause,
                             enum stage said, char *held, size_t size)
{
    const struct recipe *recipe = findings->recipe;
    for (int stage = 0; stage < ROUNDING_STAGE_COUNT; stage++) {
        const struct narrow_step *other = narrow_step_in(recipe, (enum stage)stage);
        double share = findings->explanation->stages[stage].share;
        if (stage == (int)said || !(cause->stages[recipe->bias] >> stage & 1) || !(share >= SHARE_SAID))
            continue;
        if (!other) {
            say(diagnosis, "; another %.0f%% is that of the stage %s", 100 * share, stage_names[stage]);
            continue;
        }
        say(diagnosis, "; another %.0f%% is the rounding of %s to %s", 100 * share, narrow_step_name(other),
            dtypes[narrow_step_dtype(other, recipe)].name);
        size_t length = strlen(held);
        snprintf(held + length, size - length, " and %s", narrow_step_name(other));
    }
}

static void say_narrow_step(struct diagnosis *diagnosis, const struct findings *findings, const struct cause *cause,
                            const struct narrow_step *step)
{
    struct rounding_model model = rounding_of(findings);
    bool absolute = narrow_step_is_of_bias(step) && findings->recipe->bias == BIAS_ABSOLUTE;
    char text[384], held[128];
    narrow_step_format(text, sizeof text, step, findings->recipe, &model, findings->evaluation, findings->head);
    snprintf(held, sizeof held, "%s", narrow_step_name(step));
    say(diagnosis, "%s", text);
    say_other_stages(diagnosis, findings, cause, narrow_step_stage(step), held, sizeof held);
    say(diagnosis, ". Hold %s in f32%s.", held,
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
    bool underflow = cause->say == say_exponential && underflows(findings);
    const struct narrow_step *step = underflow ? NULL : narrow_step_of(cause, findings);
    double said = step ? findings->explanation->stages[narrow_step_stage(step)].share : diagnosis->share;
    say(diagnosis, "%.0f%% of the error of head %d, dim %d is ", 100 * said, findings->head, findings->dim);
    if (step) {
        say_narrow_step(diagnosis, findings, cause, step);
    } else {
        cause->say(diagnosis, findings);
        say(diagnosis, ". %s", underflow ? "Start the maximum at -inf, or at the first visible key." : cause->remedy);
    }
    if (!underflow && fabs(findings->explanation->kernel.err) > findings->explanation->bound)
        say(diagnosis, " It is above the error bound: the kernel does not do what its rounding model says.");
}

struct diagnosis diagnose(const struct point *point, const struct evaluation *evaluation,
                          const struct explanation *explanation)
{
    int head_dim = evaluation->judged.problem.head_dim;
    struct diagnosis diagnosis = {.text = ""};
    const struct recipe recipe = recipe_for(&point->recipe, evaluation->judged.problem.dtype);
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
    if (diagnosis.is_rounding && diagnosis_has_contract(&findings)) {
        say(&diagnosis, " Its lse may be another matter. ");
        diagnosis_say_contract(&diagnosis, &findings);
    }
    return diagnosis;
}
