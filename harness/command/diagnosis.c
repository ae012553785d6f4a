#include "harness/command/diagnosis.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/evaluate/point_subject.h"

/* What sentences are made from. */
struct findings {
    const struct point *point;
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

static struct rounding_model rounding_of(const struct findings *findings)
{
    const struct shipped_subject shipped = point_subject(findings->point, NULL);
    return shipped.subject.ops->rounding(&shipped.subject, &findings->evaluation->problem);
}

/* "one f32 ulp is 2^-8, 0.0039; half of it changes a weight by 0.14%", for a logit in base 2. */
static void say_logit_ulp(struct diagnosis *diagnosis, double logit)
{
    double ulp = dtype_ulp(DTYPE_F32, logit);
    say(diagnosis, "one f32 ulp is 2^%d, %.2g; half of it changes a weight by %.2g%%", ilogb(ulp), ulp,
        100 * expm1(0.5 * ulp * M_LN2));
}

/* ---- causes ----------------------------------------------------------------------------------------------------- */

static void say_bias(struct diagnosis *diagnosis, const struct findings *findings)
{
    const struct problem *problem = &findings->evaluation->problem;
    int64_t key = problem->seq_len - 1;
    while (key > 0 && !problem_visible(problem, key))
        key--;
    double bias = (double)problem->slopes[findings->head] * M_LOG2E * (double)key;
    say(diagnosis,
        "the rounding of slope * j and of the logit that it enters: at key %lld slope * j is %.0f in base 2, where ",
        (long long)key, bias);
    say_logit_ulp(diagnosis, bias);
}

static void say_logit(struct diagnosis *diagnosis, const struct findings *findings)
{
    double lse = findings->evaluation->truth.lse[findings->head] * M_LOG2E;
    say(diagnosis, "the rounding of logits: those that matter are near %.3g in base 2, where ", lse);
    say_logit_ulp(diagnosis, lse);
}

static void say_dot(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis, "the rounding of q.k: a sum of %d products that rounds %d times in f32",
        findings->evaluation->problem.head_dim, (int)lround(rounding_of(findings).dot * 0x1p24));
}

static void say_exponential(struct diagnosis *diagnosis, const struct findings *findings)
{
    say(diagnosis, "the exponential (%s): each weight is off by up to %.2g of itself",
        exponential_names[findings->point->recipe.exponential], rounding_of(findings).exponential);
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
     {STAGE(SLOPE) | STAGE(SCALE) | STAGE(BIAS) | STAGE(LOGIT) | STAGE(SHIFT),
      STAGE(SLOPE) | STAGE(SCALE) | STAGE(SHIFT)},
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
        if (cause->stages[findings->point->recipe.bias] >> stage & 1)
            share += findings->explanation->stages[stage].share;
    return share;
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
    cause->say(diagnosis, findings);
    say(diagnosis, ". %s", cause->remedy);
    if (fabs(findings->explanation->kernel.err) > findings->explanation->bound)
        say(diagnosis, " It is above the error bound: the kernel does not do what its rounding model says.");
}

/* ---- what rounding does not explain ----------------------------------------------------------------------------- */

/* A row without visible keys: what of the recipe makes it anything but 0, or NULL. */
static const char *empty_row_reason(const struct findings *findings)
{
    const struct recipe *recipe = &findings->point->recipe;
    bool finite = recipe->sentinel.policy == SENTINEL_VALUE || recipe->sentinel.policy == SENTINEL_ADAPTIVE;
    if (findings->evaluation->truth.lse[findings->head] != -INFINITY)
        return NULL;
    if (finite && isfinite(findings->explanation->kernel.err))
        return "is finite and became the maximum, so that masked keys carry the weight";
    if (recipe->guards != GUARDS_SOUND || recipe->empty_row == EMPTY_ROW_DIVIDE)
        return "leaves a maximum of -inf or a sum of 0, and inf - inf or 0 / 0 is formed";
    return NULL;
}

static void diagnose_recipe(struct diagnosis *diagnosis, const struct findings *findings)
{
    const struct explanation *explanation = findings->explanation;
    const struct sentinel *sentinel = &findings->point->recipe.sentinel;
    const struct problem *problem = &findings->evaluation->problem;
    char text[SENTINEL_TEXT_SIZE];
    diagnosis->share = explanation->stages[STAGE_NONE].share;
    say(diagnosis,
        "Rounding does not explain it: in exact arithmetic the kernel gives %.6g at head %d, dim %d, where "
        "the truth is %.6g. ",
        explanation->truth + explanation->stages[STAGE_NONE].err, findings->head, findings->dim, explanation->truth);
    const char *reason = empty_row_reason(findings);
    if (reason) {
        diagnosis->cause = "recipe";
        say(diagnosis,
            "No key is visible. The sentinel %s %s. Write 0 for a row without visible keys, and tell it by the keys' "
            "indices, not by its maximum.",
            sentinel_format(text, sentinel), reason);
        return;
    }
    if (sentinel->policy != SENTINEL_VALUE) {
        diagnosis->cause = "kernel";
        say(diagnosis, "No sentinel is in reach of this problem's logits; the kernel is wrong.");
        return;
    }
    diagnosis->cause = "recipe";
    double highest = findings->evaluation->truth.lse[findings->head];
    if (findings->point->recipe.bias == BIAS_ABSOLUTE)
        highest += (double)problem->slopes[findings->head] * (double)problem->q_position;
    say(diagnosis,
        "The sentinel %s takes the place of masked logits and of the maximum before the first key, and the logits of "
        "this head are no higher than %.6g in base 2; -inf, adaptive and exclude are never reached.",
        sentinel_format(text, sentinel), highest * M_LOG2E);
}

static void diagnose_device(struct diagnosis *diagnosis, const struct findings *findings)
{
    const struct explanation *explanation = findings->explanation;
    diagnosis->cause = "device";
    diagnosis->share = 1;
    say(diagnosis,
        "Rounding does not explain it: the output at head %d, dim %d is %.6g, and the same arithmetic on the host "
        "gives an error of %.3g where it has %.3g.",
        findings->head, findings->dim, explanation->output, explanation->together.err, explanation->kernel.err);
}

struct diagnosis diagnose(const struct point *point, const struct evaluation *evaluation,
                          const struct explanation *explanation)
{
    int head_dim = evaluation->problem.head_dim;
    struct diagnosis diagnosis = {.text = ""};
    struct findings findings = {
        point, evaluation, explanation, (int)(explanation->element / head_dim), (int)(explanation->element % head_dim),
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
    return diagnosis;
}
