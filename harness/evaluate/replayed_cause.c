#include "harness/evaluate/replayed_cause.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/cause/signature_info.h"
#include "kernels/device/replay.h"

/* What exact arithmetic may be off by, of what is allowed or of what the output is off by. */
#define SHARE_OF_RECIPE 0.125

struct replayed_output {
    const struct exhibit *exhibit;
    const struct replay *replay;
};

/* A replay is worth its time and says what the rounding of this output is. */
static bool may_replay(const struct signature_finding *finding, const struct exhibit *exhibit,
                       const struct verdict *verdict, const struct subject *subject)
{
    const struct problem *problem = exhibit->problem;
    const struct metrics *total = &verdict->total;
    double elements = (double)problem->seq_len * problem->num_heads * problem->head_dim;
    return finding->signature == SIGNATURE_UNKNOWN && finding->num_rows_examined > 0 &&
           criterion_decide(&exhibit->criterion, total) == DECISION_FAIL && subject->ops->replay && problem->k &&
           problem->v && problem_queries(problem) == 1 && elements <= (double)REPLAYED_ELEMENTS &&
           (criterion_out_off(total) || criterion_lse_off(total)) && total->nan + total->inf == 0 &&
           !(total->budget_used > 1) && !(total->lse_budget_used > 1);
}

static double output_at(const struct exhibit *exhibit, int64_t element)
{
    float value;
    dtype_widen(exhibit->problem->dtype, exhibit->output->out, (size_t)element, 1, &value);
    return (double)value;
}

/* How far a number of the recipe in exact arithmetic may be from the truth, where the output's is `off`. */
static bool recipe_is_right(double exact, double truth, double off, double allowed)
{
    double error = fabs(exact - truth);
    return error <= SHARE_OF_RECIPE * allowed && (off <= allowed || error <= SHARE_OF_RECIPE * off);
}

static bool element_is_right(const struct replayed_output *replayed, int64_t element)
{
    const struct exhibit *exhibit = replayed->exhibit;
    const struct replayed *of = &replayed->replay->out[element];
    const struct tolerance *tolerance = &exhibit->criterion.tolerance;
    double out = output_at(exhibit, element), truth = exhibit->truth->value[element] + exhibit->truth->tail[element];
    return out == (double)of->computed && recipe_is_right(of->alone[STAGE_NONE], truth, fabs(out - truth),
                                                          tolerance->atol + tolerance->rtol * fabs(truth));
}

/* A row without a visible key has no roundings. */
static bool lse_is_right(const struct replayed_output *replayed, int head)
{
    const struct exhibit *exhibit = replayed->exhibit;
    const struct replayed *of = &replayed->replay->lse[head];
    double lse = (double)exhibit->output->lse[head], truth = exhibit->truth->lse[head];
    if (truth == -INFINITY)
        return lse == truth;
    return exhibit->output->lse[head] == of->computed &&
           recipe_is_right(of->alone[STAGE_NONE], truth, fabs(lse - truth),
                           tolerance_lse(&exhibit->criterion.tolerance, truth));
}

static bool all_is_right(const struct replayed_output *replayed)
{
    const struct problem *problem = replayed->exhibit->problem;
    for (int64_t i = 0; i < problem_elements(problem); i++)
        if (!element_is_right(replayed, i))
            return false;
    for (int head = 0; head < problem->num_heads && replayed->exhibit->output->lse; head++)
        if (!lse_is_right(replayed, head))
            return false;
    return true;
}

/* The stage whose roundings are the largest of a number, their share of all, and that of slopes. */
static enum stage largest_stage(const struct replayed *number, double *share, double *of_slopes)
{
    enum stage largest = STAGE_OUTPUT;
    double all = 0, most = 0;
    for (enum stage stage = STAGE_SLOPE; stage < ROUNDING_STAGE_COUNT; stage++) {
        double error = fabs(number->alone[stage] - number->alone[STAGE_NONE]);
        all += error;
        if (error > most) {
            most = error;
            largest = stage;
        }
    }
    *share = all > 0 ? most / all : 0;
    *of_slopes = all > 0 ? fabs(number->alone[STAGE_SLOPE] - number->alone[STAGE_NONE]) / all : 1;
    return largest;
}

/* *share: of the stage that is named. */
static bool name_rounding(struct signature_finding *finding, const struct replayed_output *replayed,
                          const struct verdict *verdict, double *share)
{
    const struct problem *problem = replayed->exhibit->problem;
    bool of_out = criterion_out_off(&verdict->total);
    int64_t worst = verdict->total.worst;
    int head = of_out ? (int)(worst / problem->head_dim) : finding->head < 0 ? 0 : finding->head;
    double of_slopes;
    enum stage stage =
        largest_stage(of_out ? &replayed->replay->out[worst] : &replayed->replay->lse[head], share, &of_slopes);
    bool by_slopes = stage == STAGE_SLOPE && *share > 0.5;
    if (of_slopes > SHARE_OF_RECIPE && !by_slopes)
        return false;
    enum signature signature = by_slopes ? SIGNATURE_WRONG_SLOPE : SIGNATURE_PRECISION_LOSS;
    finding->signature = signature;
    finding->query = 0;
    finding->head = head;
    finding->num_rows_explained = finding->num_rows_examined;
    finding->residual = NAN;
    finding->remedy = signature_remedy(signature);
    snprintf(finding->detail, sizeof finding->detail,
             "by a replay, the recipe is right in exact arithmetic; of all roundings those of the stage %s are %.0f%%",
             stage_names[stage], 100 * *share);
    return true;
}

/* What the replay says, behind a prediction, if there is room for the whole of it. */
static void add_share(struct signature_finding *finding, double share)
{
    char said[64];
    int size = snprintf(said, sizeof said, "; of all roundings those of the slopes are %.0f%%", 100 * share);
    if (strlen(finding->detail) + (size_t)size < sizeof finding->detail)
        strcat(finding->detail, said);
}

/*
 * Which slopes they are, and in which form, predictions say. They were asked before (signature.h), where an error bound
 * that has the very rounding in it leaves them nothing to tell; without one they see the output as it is. What they say
 * is taken if it is of slopes, too.
 */
static enum error_kind say_slopes(struct signature_finding *finding, const struct exhibit *exhibit, double share,
                                  int threads, struct error *error)
{
    struct exhibit unbounded = *exhibit;
    struct verdict verdict;
    struct signature_finding predicted = {.signature = SIGNATURE_UNKNOWN};
    unbounded.bound = unbounded.lse_bound = NULL;
    enum error_kind kind = verdict_reach(&verdict, &unbounded, error);
    if (!kind)
        kind = signature_find(&predicted, &unbounded, &verdict, &(struct oracle_facts){0}, threads, error);
    if (!kind && predicted.signature == finding->signature && predicted.detail[0]) {
        *finding = predicted;
        add_share(finding, share);
    }
    verdict_clear(&verdict);
    return kind;
}

enum error_kind replayed_cause(struct signature_finding *finding, const struct exhibit *exhibit,
                               const struct verdict *verdict, const struct subject *subject, int threads,
                               struct error *error)
{
    if (!may_replay(finding, exhibit, verdict, subject))
        return ERROR_NONE;
    struct replay replay;
    enum error_kind kind = subject->ops->replay(subject, &replay, exhibit->problem, threads, error);
    const struct replayed_output replayed = {exhibit, &replay};
    double share;
    bool named = !kind && all_is_right(&replayed) && name_rounding(finding, &replayed, verdict, &share);
    if (!kind)
        replay_clear(&replay);
    return named && finding->signature == SIGNATURE_WRONG_SLOPE ? say_slopes(finding, exhibit, share, threads, error)
                                                                : kind;
}
