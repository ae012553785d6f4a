#include "harness/evaluate/evaluate.h"

#include <math.h>

#include <xxhash.h>

#include "harness/evaluate/part_work.h"
#include "harness/judge/poison.h"
#include "reference/float_environment.h"

/* One pass over the parts: everything that needs their inputs. Digests and seconds are added up. */
static enum error_kind work_through(struct work *work, enum truth_method method, bool with_subject, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    int parts = work->source->num_parts;
    uint64_t digest = 0;
    enum error_kind kind = ERROR_NONE;
    evaluation->truth.contract = work->source->contract;
    evaluation->truth.plain_rows = 0;
    evaluation->contract_distance = 0;
    for (int i = 0; i < parts && !kind; i++) {
        struct part_work part;
        kind = part_open(&part, work, i, error);
        if (!kind && with_subject)
            kind = part_run(work, &part, error);
        if (!kind)
            kind = part_need_truth(work, &part, method, error);
        if (!kind)
            kind = part_compute_bound(work, &part, error);
        if (!kind && with_subject)
            kind = part_need_baselines(work, &part, error);
        if (!kind && with_subject && i == 0)
            kind = part_run_oracles(work, &part, error);
        if (!kind) {
            uint64_t pair[2] = {digest, work->evaluator->inputs.digest};
            digest = parts == 1 ? pair[1] : XXH64(pair, sizeof pair, 0);
            part_take(work, &part, with_subject);
        }
        part_clear(&part);
    }
    if (kind)
        return kind;
    evaluation->input_digest = digest;
    evaluation->truth_digest = truth_digest(&evaluation->truth);
    evaluation->problem = inputs_whole(&work->evaluator->inputs, &work->source->shape);
    return ERROR_NONE;
}

static struct exhibit exhibit_of(const struct work *work)
{
    const struct evaluation *evaluation = work->evaluation;
    return (struct exhibit){
        .problem = &evaluation->problem,
        .output = &evaluation->output,
        .truth = &evaluation->truth,
        .bound = evaluation->bound,
        .lse_bound = evaluation->lse_bound,
        .criterion = work->point->criterion,
    };
}

static enum error_kind reach_verdict(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct exhibit exhibit = exhibit_of(work);
    double start = evaluation_now();
    verdict_clear(&evaluation->verdict);
    enum error_kind kind = verdict_reach(&evaluation->verdict, &exhibit, error);
    evaluation->seconds.judge += evaluation_now() - start;
    return kind;
}

static enum error_kind find_signature(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct exhibit exhibit = exhibit_of(work);
    double start = evaluation_now();
    if (criterion_decide(&work->point->criterion, &evaluation->verdict.total) == DECISION_PASS)
        return ERROR_NONE;
    progress_display_step(work->evaluator->display, "signature", 0);
    enum error_kind kind =
        signature_find(&evaluation->finding, &exhibit, &evaluation->verdict, work->evaluator->threads, error);
    evaluation->seconds.judge += evaluation_now() - start;
    return kind;
}

static enum error_kind find_faults(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct exhibit exhibit = exhibit_of(work);
    enum error_kind kind = ERROR_NONE;
    double start = evaluation_now();
    for (enum baseline c = 0; c < BASELINE_COUNT && !kind; c++)
        if (evaluation->baselines[c])
            kind = fault_find(&evaluation->faults[c], &exhibit, evaluation->baselines[c],
                              evaluation->baselines[c] + problem_elements(&evaluation->problem), error);
    evaluation->seconds.judge += evaluation_now() - start;
    return kind;
}

static uint64_t digest_output(const struct output *output, const struct problem *problem)
{
    size_t size_bytes = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
    return XXH64(output->lse, (size_t)problem_rows(problem) * sizeof(float), XXH64(output->out, size_bytes, 0));
}

enum error_kind evaluate_from(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                              const struct generated_source *source, struct error *error)
{
    FLOAT_ENVIRONMENT_DEFAULT();
    struct work work = {
        .evaluator = evaluator,
        .evaluation = evaluation,
        .point = point,
        .generated = *source,
        .shipped = point_subject(point, evaluator->device),
    };
    work.source = &work.generated.source;
    work.subject = &work.shipped.subject;
    enum error_kind kind = evaluation_init(evaluation, &work.source->shape, point->baselines, error);
    evaluation->seconds.truth_shared = true; /* until some of it is computed */
    if (!kind)
        kind = work_through(&work, point->truth_method, true, error);
    if (!kind)
        kind = reach_verdict(&work, error);
    if (!kind)
        kind = find_faults(&work, error);
    /* What a certificate leaves undecided is judged again by MPFR. */
    if (!kind && evaluation->verdict.total.undecided > 0 && point->truth_method != TRUTH_PLAIN) {
        kind = work_through(&work, TRUTH_PLAIN, false, error);
        if (!kind)
            kind = reach_verdict(&work, error);
    }
    if (!kind)
        kind = find_signature(&work, error);
    if (kind)
        return kind;
    output_unite_nans(&evaluation->output, &evaluation->problem);
    evaluation->output_digest = digest_output(&evaluation->output, &evaluation->problem);
    return ERROR_NONE;
}

enum error_kind evaluate(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                         struct error *error)
{
    const struct generated_source source = generated_source(&point->problem);
    return evaluate_from(evaluator, evaluation, point, &source, error);
}
