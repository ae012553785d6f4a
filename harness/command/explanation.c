#include "harness/command/explanation.h"

#include <math.h>

/* A replay's `exact` is good to that much of sum w|v| / l, see unexplained_at. */
#define EXACT 1e-9

struct sources {
    const struct evaluation *evaluation;
    const struct replay *replay;
};

static double truth_at(const struct sources *sources, int64_t element)
{
    return sources->evaluation->judged.truth.value[element];
}

static float output_at(const struct sources *sources, int64_t element)
{
    float value;
    dtype_widen(sources->evaluation->judged.problem.dtype, sources->evaluation->judged.output.out, (size_t)element, 1,
                &value);
    return value;
}

static double kernel_err(const struct sources *sources, int64_t element)
{
    return (double)output_at(sources, element) - truth_at(sources, element) -
           sources->evaluation->judged.truth.tail[element];
}

static double stage_err(const struct sources *sources, int64_t element, enum stage stage)
{
    const double *alone = sources->replay->out[element].alone;
    if (stage != STAGE_NONE)
        return alone[stage] - alone[STAGE_NONE];
    return alone[STAGE_NONE] - truth_at(sources, element) - sources->evaluation->judged.truth.tail[element];
}

/* Doubles hold logits to 2^-53 of their size, and a weight's relative error is its logit's absolute one. A row without
 * visible keys is 0, with no logit to round. */
static double unexplained_at(const struct sources *sources, int64_t element)
{
    const struct problem *problem = &sources->evaluation->judged.problem;
    const struct truth *truth = &sources->evaluation->judged.truth;
    int64_t head = element / problem->head_dim;
    if (truth->lse[head] == -INFINITY)
        return 0;
    double reach = fabs(truth->lse[head]) + fabs((double)problem->slopes[head] * (double)problem->q_position);
    return truth->magnitude[element] * (EXACT + 0x1p-50 * reach);
}

/* What is below it is double's, not the kernel's. */
static double counted_err(const struct sources *sources, int64_t element, enum stage stage)
{
    double err = stage_err(sources, element, stage);
    return stage == STAGE_NONE && fabs(err) <= unexplained_at(sources, element) ? 0 : err;
}

/* A NaN is the largest, and the first one stays. */
static void add_err(struct stage_error *stage, int64_t element, double err)
{
    if (!isnan(stage->max_abs_err) && !(fabs(err) <= stage->max_abs_err)) {
        stage->max_abs_err = fabs(err);
        stage->worst = element;
    }
    stage->rms_err += err * err; /* the sum of squares, until finish() */
}

static void finish(struct stage_error *stage, int64_t elements, double err, double sum_abs_err)
{
    stage->rms_err = elements ? sqrt(stage->rms_err / (double)elements) : 0;
    stage->err = err;
    stage->share = sum_abs_err > 0 ? fabs(err) / sum_abs_err : 0;
}

static double sum_of_abs_errs(const struct sources *sources, int64_t element)
{
    double sum = 0;
    for (enum stage stage = STAGE_NONE; stage <= STAGE_OUTPUT; stage++)
        sum += fabs(counted_err(sources, element, stage));
    return sum;
}

static struct head_error head_error_of(const struct sources *sources, int head)
{
    int dim = sources->evaluation->judged.problem.head_dim;
    const struct metrics *metrics = &sources->evaluation->judged.verdict.rows[head];
    struct head_error error = {head, (int)(metrics->worst % dim), metrics->max_abs_err, 0, STAGE_NONE};
    double sum = sum_of_abs_errs(sources, metrics->worst);
    for (enum stage stage = STAGE_NONE; stage <= STAGE_OUTPUT; stage++) {
        double share = sum > 0 ? fabs(counted_err(sources, metrics->worst, stage)) / sum : 0;
        if (share > error.share) {
            error.share = share;
            error.stage = stage;
        }
    }
    return error;
}

/* The heads with the largest errors, descending. */
static void rank_heads(struct explanation *explanation, const struct sources *sources)
{
    for (int head = 0; head < sources->evaluation->judged.problem.num_heads; head++) {
        struct head_error error = head_error_of(sources, head);
        int place = explanation->num_heads;
        while (place > 0 && explanation->heads[place - 1].max_abs_err < error.max_abs_err)
            place--;
        if (place == EXPLAINED_HEADS)
            continue;
        if (explanation->num_heads < EXPLAINED_HEADS)
            explanation->num_heads++;
        for (int i = explanation->num_heads - 1; i > place; i--)
            explanation->heads[i] = explanation->heads[i - 1];
        explanation->heads[place] = error;
    }
}

void explanation_make(struct explanation *explanation, const struct evaluation *evaluation, const struct replay *replay,
                      int64_t element)
{
    struct sources sources = {evaluation, replay};
    int64_t elements = problem_elements(&evaluation->judged.problem), counted = 0;
    if (element < 0)
        element = evaluation->judged.verdict.total.worst;
    *explanation = (struct explanation){
        .element = element,
        .output = (double)output_at(&sources, element),
        .truth = truth_at(&sources, element),
        .bound = evaluation->judged.bound[element],
        .unexplained = unexplained_at(&sources, element),
    };
    for (int64_t i = 0; i < elements; i++) {
        float output = output_at(&sources, i), computed = replay->out[i].computed;
        explanation->differing += !(output == computed || (isnan(output) && isnan(computed)));
        if (!isfinite(truth_at(&sources, i)))
            continue;
        double together = 0;
        for (enum stage stage = STAGE_NONE; stage <= STAGE_OUTPUT; stage++) {
            double err = stage_err(&sources, i, stage);
            together += err;
            add_err(&explanation->stages[stage], i, err);
        }
        add_err(&explanation->together, i, together);
        add_err(&explanation->kernel, i, kernel_err(&sources, i));
        counted++;
    }
    double sum = sum_of_abs_errs(&sources, element), together = 0;
    for (enum stage stage = STAGE_NONE; stage <= STAGE_OUTPUT; stage++) {
        together += stage_err(&sources, element, stage);
        finish(&explanation->stages[stage], counted, counted_err(&sources, element, stage), sum);
    }
    finish(&explanation->together, counted, together, sum);
    finish(&explanation->kernel, counted, kernel_err(&sources, element), sum);
    rank_heads(explanation, &sources);
}
