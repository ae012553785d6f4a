#include "harness/evaluate/evaluate.h"

#include "harness/evaluate/conclusion.h"
#include "harness/evaluate/gathering.h"
#include "harness/evaluate/part_work.h"
#include "harness/evaluate/point_judging.h"
#include "harness/evaluate/work_inputs.h"
#include "harness/judge/oracle/trial.h"
#include "harness/library/judged_again.h"
#include "harness/library/judged_parts.h"
#include "harness/library/other_output.h"
#include "reference/computing_environment.h"

/* ---- parts ------------------------------------------------------------------------------------------------------- */

/* The part that oracles are put to, another one for another point. */
static int oracle_part(const struct work *work)
{
    return (int)(point_digest(work->point) % (uint64_t)work->source->num_parts);
}

/* The subject's output for a part, or what of it is needed for that of the whole. */
static enum error_kind run_or_gather(struct work *work, struct part_work *part, int index, struct error *error)
{
    return work->gathering ? gathering_put(work, part, index, error) : part_run(work, part, error);
}

/* Whether the trial of the oracles takes all of a part, and so all of its keys. */
static bool trial_is_whole(const struct work *work, int index)
{
    const struct problem *whole = &work->source->shape;
    const struct problem part = part_shape(whole, work->source->ops->part(work->source, index));
    const struct trial_cut cut = trial_cut_shape(&part, TRIAL_MAX_ELEMENTS);
    return cut.num_keys == part.seq_len && cut.num_kv_heads == part.num_kv_heads;
}

/* Whether a problem of one part may be judged without its older keys. Its bounds are those of its keys, which the
 * device finds of one query; of several the keys of each have bounds of their own. */
static bool whole_may_lack_keys(const struct work *work)
{
    return work->evaluator->without_keys && problem_queries(&work->source->shape) == 1 && !part_has_classes(work);
}

/* Whether nothing is asked about part `index` that would need its older keys on the host. */
static bool newest_will_do(const struct work *work, int index, enum truth_method method, bool with_subject)
{
    bool asks_oracles = work->point->oracles && index == oracle_part(work);
    return with_subject && work->gathering && work->gathering->makes &&
           (work->source->num_parts > 1 || whole_may_lack_keys(work)) &&
           !(asks_oracles && trial_is_whole(work, index)) && !work->point->baselines &&
           truth_method_under(method, work->source->contract.of) == TRUTH_CERTIFIED;
}

/* Everything of part `index` that needs its inputs; with_subject: the subject's output is among it. */
static enum error_kind work_on_part(struct work *work, int index, enum truth_method method, bool with_subject,
                                    struct error *error)
{
    struct part_work part;
    enum error_kind kind = part_open(&part, work, index, newest_will_do(work, index, method, with_subject), error);
    if (!kind && with_subject)
        kind = run_or_gather(work, &part, index, error);
    if (!kind)
        kind = part_need_truth(work, &part, method, error);
    if (!kind && work_has_bound(work))
        kind = part_compute_bound(work, &part, error);
    if (!kind && with_subject)
        kind = part_need_baselines(work, &part, error);
    if (!kind && with_subject && !work->gathering)
        kind = part_find_classes(work, &part, error);
    if (!kind && with_subject && index == oracle_part(work) && !*work->evaluation->subject_failure)
        kind = part_run_oracles(work, &part, error);
    if (!kind) {
        uint64_t *digest = &work->evaluation->judged.input_digest;
        *digest = judge_input_digest(*digest, work->evaluator->inputs.digest, work->source->num_parts);
        part_take(work, &part, with_subject);
    }
    part_clear(&part);
    return kind;
}

/* The classes of an output that came when the parts were done: their inputs are made again. */
static enum error_kind find_classes_of_part(struct work *work, int index, struct error *error)
{
    struct part_work part;
    enum error_kind kind = part_open(&part, work, index, false, error);
    if (!kind) {
        part_give_output(&part, work);
        kind = part_need_truth(work, &part, work->point->truth_method, error);
    }
    if (!kind)
        kind = part_find_classes(work, &part, error);
    part_clear(&part);
    return kind;
}

/* What is left to do when the keys of all parts are gathered. */
static enum error_kind run_gathered(struct work *work, struct error *error)
{
    enum error_kind kind = work_need_inputs(work, error);
    if (!kind && work->gathering)
        kind = gathering_run(work, error);
    for (int i = 0; i < work->source->num_parts && work->gathering && part_has_classes(work) && !kind; i++)
        kind = find_classes_of_part(work, i, error);
    return kind;
}

static void end_parts(struct work *work)
{
    judged_end_parts(&work->evaluation->judged, work->source, &work->evaluator->inputs);
}

/* One pass over the parts of one point. */
static enum error_kind work_through(struct work *work, enum truth_method method, bool with_subject, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    judged_begin_parts(&work->evaluation->judged);
    for (int i = 0; i < work->source->num_parts && !kind; i++)
        kind = work_on_part(work, i, method, with_subject, error);
    if (!kind && with_subject)
        kind = run_gathered(work, error);
    if (!kind)
        end_parts(work);
    return kind;
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

static void begin(struct work *work, struct evaluator *evaluator, struct evaluation *evaluation,
                  const struct point *point, const struct generated_source *source)
{
    *work = (struct work){
        .evaluator = evaluator,
        .evaluation = evaluation,
        .point = point,
        .generated = *source,
        .shipped = point_subject(point, evaluator->device),
        .judging = point_judging(point, evaluator),
    };
    work->source = &work->generated.source;
    work->subject = &work->shipped.subject;
    if (evaluator->foreign) {
        const struct kernel_options *options = &point->kernel_options;
        const struct page_setting pages = {.size = options->page_size,
                                           .seed = options->page_seed,
                                           .pool = options->pool_pages,
                                           .shared_keys = options->shared_keys};
        work->foreign = foreign_subject_paged(evaluator->foreign, &pages);
        work->subject = &work->foreign.subject;
    }
    work->judging.arithmetic = work_has_bound(work) ? work->subject : NULL;
}

static enum error_kind make_room(struct work *work, struct error *error)
{
    enum error_kind kind = evaluation_init(work->evaluation, &work->source->shape, work->point->baselines,
                                           work->subject->without_lse, error);
    if (!kind && work_has_bound(work))
        kind = judged_make_bounds(&work->evaluation->judged, &work->source->shape, error);
    work->evaluation->at_once = work->gathering != NULL;
    work->evaluation->judged.seconds.truth_shared = true; /* until some of it is computed */
    return kind;
}

/* All that follows once the parts have been worked on. */
static enum error_kind finish(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct hearing hearing = work_hearing(work);
    enum error_kind kind = hearing_reach_verdict(&hearing, error);
    /* What a certificate leaves undecided is judged again by MPFR. */
    if (!kind && hearing_is_undecided(&hearing)) {
        kind = work_through(work, TRUTH_PLAIN, false, error);
        if (!kind)
            kind = hearing_reach_verdict(&hearing, error);
    }
    conclude_audit(work);
    if (!kind)
        conclude_watch(work);
    if (evaluation->judged.classes.num_rows > 0)
        class_of_rows(&evaluation->judged.class_of_all, &evaluation->judged.classes);
    if (!kind)
        kind = conclude_faults(work, error);
    if (!kind)
        kind = conclude_signature(work, error);
    if (!kind)
        kind = conclude_contract(work, error);
    if (!kind)
        kind = conclude_class(work, error);
    if (kind)
        return kind;
    evaluation->judged.output_digest = judge_output_digest(&evaluation->judged.output, &evaluation->judged.problem);
    return ERROR_NONE;
}

/* What failed with the keys in the device's memory, of which others may have taken what was free, is done again: part
 * by part. The keys are there no longer. What failed is kept: a device that makes other keys has more wrong with it. */
static enum error_kind work_again_in_parts(struct work *work, enum error_kind kind, struct error *error)
{
    if (kind != ERROR_SYSTEM || !work->gathering)
        return kind;
    work->gathering = NULL;
    work->evaluation->at_once = false;
    char *failure = work->evaluation->launch_failure;
    int most = (int)sizeof work->evaluation->launch_failure - 1;
    snprintf(failure, sizeof work->evaluation->launch_failure, "%.*s", most, error->text);
    return work_through(work, work->point->truth_method, true, error);
}

enum error_kind evaluate_from(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                              const struct generated_source *source, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct work work;
    struct gathering gathering;
    begin(&work, evaluator, evaluation, point, source);
    gathering_begin(&gathering, &work, 1);
    enum error_kind kind = make_room(&work, error);
    bool has_room = !kind;
    if (has_room)
        kind = work_through(&work, point->truth_method, true, error);
    gathering_end(&gathering);
    if (has_room)
        kind = work_again_in_parts(&work, kind, error);
    return kind ? kind : finish(&work, error);
}

enum error_kind evaluate(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                         struct error *error)
{
    const struct generated_source source = generated_source(&point->problem);
    return evaluate_from(evaluator, evaluation, point, &source, error);
}

enum error_kind evaluate_given(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                               const struct problem_source *source, const struct given_output *given,
                               const struct given_output *other, struct error *error)
{
    const struct shipped_subject declared = point_subject(point, NULL);
    struct judging judging = point_judging(point, evaluator);
    judging.arithmetic = point->given->has_recipe ? &declared.subject : NULL;
    *evaluation = (struct evaluation){.has_other = false};
    inputs_clear(&evaluator->inputs);
    evaluator->have_inputs = false;
    enum error_kind kind = judge_output(&evaluation->judged, source, given, &judging, error);
    evaluator->inputs = evaluation->judged.inputs;
    evaluation->judged.inputs = (struct inputs){.q = NULL};
    if (kind || !other)
        return kind;
    const struct exhibit exhibit = judged_exhibit(&evaluation->judged, &judging);
    kind = other_output_compare(&evaluation->other, &exhibit, other, error);
    evaluation->has_other = !kind;
    return kind;
}

enum error_kind evaluate_again(struct evaluation *evaluation, const struct point *point, struct exhibit_bundle *bundle,
                               struct error *error)
{
    const struct judging judging = {.criterion = point->criterion, .demand = point->demand};
    *evaluation = (struct evaluation){.has_other = false};
    return judge_again(&evaluation->judged, bundle, &judging, error);
}

/* ---- points that share their inputs ------------------------------------------------------------------------------ */

enum error_kind evaluate_together_from(struct evaluator *evaluator, struct shared_point *points, int count,
                                       const struct generated_source *source, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct work works[EVALUATE_TOGETHER_MAX];
    struct gathering gathering;
    for (int p = 0; p < count; p++)
        begin(&works[p], evaluator, &points[p].evaluation, points[p].point, source);
    gathering_begin(&gathering, works, count);
    for (int p = 0; p < count; p++) {
        points[p].kind = make_room(&works[p], &points[p].failure);
        if (points[p].kind)
            works[p].gathering = NULL;
        judged_begin_parts(&points[p].evaluation.judged);
    }
    for (int i = 0; i < source->source.num_parts; i++)
        for (int p = 0; p < count; p++)
            if (!points[p].kind)
                points[p].kind = work_on_part(&works[p], i, points[p].point->truth_method, true, &points[p].failure);
    for (int p = 0; p < count; p++)
        if (!points[p].kind)
            points[p].kind = run_gathered(&works[p], &points[p].failure);
    gathering_end(&gathering);
    for (int p = 0; p < count; p++)
        points[p].kind = work_again_in_parts(&works[p], points[p].kind, &points[p].failure);
    for (int p = 0; p < count; p++) {
        if (!points[p].kind)
            points[p].kind = work_need_inputs(&works[p], &points[p].failure);
        if (!points[p].kind) {
            end_parts(&works[p]);
            points[p].kind = finish(&works[p], &points[p].failure);
        }
    }
    for (int p = 0; p < count; p++) {
        if (points[p].kind == ERROR_INTERRUPTED)
            return error_set(error, ERROR_INTERRUPTED, "%s", points[p].failure.text);
        if (!points[p].kind) /* where the inputs are now, whoever has opened them again */
            points[p].evaluation.judged.problem = inputs_whole(&evaluator->inputs, &works[p].source->shape);
    }
    return ERROR_NONE;
}

enum error_kind evaluate_together(struct evaluator *evaluator, struct shared_point *points, int count,
                                  struct error *error)
{
    const struct generated_source source = generated_source(&points[0].point->problem);
    return evaluate_together_from(evaluator, points, count, &source, error);
}
