#include "harness/evaluate/part_work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/evaluate/work_inputs.h"
#include "harness/judge/oracle/trial.h"
#include "harness/judge/poison.h"
#include "harness/library/judged_parts.h"
#include "harness/subject/launch_watch.h"

void part_clear(struct part_work *part)
{
    free(part->output.out);
    free(part->output.lse);
    free(part->bound);
    free(part->lse_bound);
}

enum error_kind part_open(struct part_work *part, struct work *work, int index, bool newest, struct error *error)
{
    *part = (struct part_work){.bound = NULL};
    struct part heads = work->source->ops->part(work->source, index);
    enum error_kind kind = work_open_inputs(work, heads, newest, error);
    if (kind)
        return kind;
    part->problem = work->evaluator->inputs.problem;
    size_t rows = (size_t)problem_rows(&part->problem), elements = (size_t)problem_elements(&part->problem);
    part->output.out = malloc(elements * dtypes[part->problem.dtype].size_bytes);
    part->output.lse = work->subject->without_lse ? NULL : malloc(rows * sizeof(float));
    part->bound = malloc(elements * sizeof(double));
    part->lse_bound = malloc(rows * sizeof(double));
    if (!part->output.out || !part->output.lse != work->subject->without_lse || !part->bound || !part->lse_bound)
        return error_memory(error, "the output", (double)elements * (sizeof(float) + sizeof(double)));
    output_poison(&part->output, &part->problem);
    return ERROR_NONE;
}

/* All keys of a part that was opened with its newest ones. */
static enum error_kind complete(struct part_work *part, struct work *work, struct error *error)
{
    enum error_kind kind = work_open_inputs(work, work->evaluator->inputs_part, false, error);
    part->problem = work->evaluator->inputs.problem;
    return kind;
}

/* For whoever looks at any key of the part without a word. */
static enum error_kind need_all_keys(struct part_work *part, struct work *work, struct error *error)
{
    return part->problem.recent ? complete(part, work, error) : ERROR_NONE;
}

/* Whether something that was found of the part means nothing, for want of its older keys; they are then there. */
static bool lacked_keys(struct part_work *part, struct work *work, enum error_kind *kind, struct error *error)
{
    if (*kind || !part->problem.recent || !part->problem.recent->wanted)
        return false;
    *kind = complete(part, work, error);
    return !*kind;
}

/* Keeps what a run did that it must not. */
static void keep_audit(struct work *work, const struct memory_audit *audit)
{
    if (!*work->breached)
        memory_audit_say(work->breached, sizeof work->breached, audit);
    if (*audit->changed && !*work->changed)
        snprintf(work->changed, sizeof work->changed, "%s is not what it was before the run", audit->changed);
}

enum error_kind part_run(struct work *work, struct part_work *part, struct error *error)
{
    const struct point *point = work->point;
    struct evaluator *evaluator = work->evaluator;
    struct companions *companions = &evaluator->companions;
    enum error_kind kind = need_all_keys(part, work, error);
    struct sequences sequences = {&part->problem, &part->output, 1, NULL, NULL, false};
    /* What ours write is looked at in the trials of oracles alone: it costs a copy of all that they are given. */
    struct memory_audit audit = {.changed = ""}, *asked = evaluator->foreign ? &audit : NULL;
    double seconds = 0, start = seconds_now();
    companions_leave(companions, point);
    if (kind)
        return kind;
    if (point->batch == BATCH_TOGETHER) {
        progress_display_step(evaluator->display, "inputs of the batch", 0);
        kind = companions_make(companions, point, evaluator->threads, evaluator->progress, error);
        work->evaluation->judged.seconds.inputs += seconds_now() - start;
        if (kind)
            return kind;
        companions->problems[point->problem.sequence] = part->problem;
        companions->outputs[point->problem.sequence] = part->output;
        sequences = (struct sequences){companions->problems, companions->outputs, companions->count, NULL, NULL, false};
    }
    progress_display_step(evaluator->display, "kernel", 0);
    kind = work->subject->ops->run(work->subject, &sequences, asked, &seconds, error);
    work->evaluation->judged.seconds.kernel += seconds;
    if (!kind)
        keep_audit(work, &audit);
    if (!kind && work->subject->watch) {
        work->launch = work->subject->watch->last;
        work->repeats = work->subject->watch->repeats;
    }
    if (kind != ERROR_SUBJECT)
        return kind;
    /* Its output is what was there before: nothing of it is written. */
    snprintf(work->evaluation->subject_failure, sizeof work->evaluation->subject_failure, "%.390s", error->text);
    work->evaluation->run_failure = run_failure_of(error);
    output_poison(&part->output, &part->problem);
    return ERROR_NONE;
}

static enum error_kind judged_truth(struct work *work, struct part_work *part, struct error *error)
{
    struct evaluator *evaluator = work->evaluator;
    struct truth_cache_entry *entry = part->entry;
    struct truth_options options = {
        .precision = entry->key.precision,
        .threads = evaluator->threads,
        .progress = evaluator->progress,
        .contract = &entry->key.contract,
    };
    const struct problem problem = inputs_bounded(&evaluator->inputs, &part->problem);
    double start = seconds_now();
    progress_display_step(evaluator->display, "truth", problem_keys_seen(&problem));
    enum error_kind kind =
        judge_truth(&entry->truth, &entry->contract_distance, entry->key.method, &problem, &options, error);
    work->evaluation->judged.seconds.truth += seconds_now() - start;
    return kind;
}

static enum error_kind compute_truth(struct work *work, struct part_work *part, struct error *error)
{
    enum error_kind kind = judged_truth(work, part, error);
    return lacked_keys(part, work, &kind, error) ? judged_truth(work, part, error) : kind;
}

enum error_kind part_need_truth(struct work *work, struct part_work *part, enum truth_method method,
                                struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    if (part->problem.recent && work->evaluator->inputs.digest == 0) /* which nobody who has all keys has said */
        kind = complete(part, work, error);
    if (kind)
        return kind;
    const struct truth_key key = {
        .problem = inputs_problem_digest(&work->evaluator->inputs),
        .contract = truth_contract_of_heads(&work->source->contract, part->problem.place.first_head),
        .method = truth_method_under(method, work->source->contract.of),
        .precision = work->point->truth_precision,
    };
    part->entry = truth_cache_find(&work->evaluator->cache, &key);
    if (part->entry)
        return ERROR_NONE;
    work->evaluation->judged.seconds.truth_shared = false;
    part->entry = truth_cache_begin(&key, &part->problem);
    if (!part->entry)
        return error_memory(error, "the truth", 4.0 * (double)problem_elements(&part->problem) * 8);
    kind = compute_truth(work, part, error);
    if (kind)
        truth_cache_drop(part->entry);
    else
        truth_cache_keep(&work->evaluator->cache, part->entry);
    return kind;
}

static enum error_kind compute_bound(struct work *work, struct part_work *part, struct error *error)
{
    const struct problem problem = inputs_bounded(&work->evaluator->inputs, &part->problem);
    return judged_find_bounds(&work->evaluation->judged, part->bound, part->lse_bound, &work->source->shape, &problem,
                              &part->entry->truth, &work->judging, error);
}

enum error_kind part_compute_bound(struct work *work, struct part_work *part, struct error *error)
{
    enum error_kind kind = compute_bound(work, part, error);
    return lacked_keys(part, work, &kind, error) ? compute_bound(work, part, error) : kind;
}

/* What a line of progress calls them. */
static const char *baselines_text(unsigned kinds)
{
    return __builtin_popcount(kinds) == 1 ? baselines[__builtin_ctz(kinds)].name : "references";
}

enum error_kind part_need_baselines(struct work *work, struct part_work *part, struct error *error)
{
    struct evaluator *evaluator = work->evaluator;
    struct truth_cache_entry *entry = part->entry;
    struct baseline_result results[BASELINE_COUNT] = {{NULL, NULL}};
    unsigned missing = work->point->baselines & ~entry->have_baselines;
    enum error_kind kind = missing ? need_all_keys(part, work, error) : ERROR_NONE;
    double start = seconds_now();
    if (kind || !missing)
        return kind;
    for (enum baseline c = 0; c < BASELINE_COUNT && !kind; c++) {
        if (!(missing >> c & 1))
            continue;
        kind = truth_cache_add_baseline(&evaluator->cache, entry, c, error);
        if (!kind)
            results[c] =
                (struct baseline_result){entry->baselines[c], entry->baselines[c] + problem_elements(&part->problem)};
    }
    progress_display_step(evaluator->display, baselines_text(missing), problem_keys_seen(&part->problem));
    if (!kind)
        kind = baseline_attention(missing, &part->problem, evaluator->threads, evaluator->progress, results, error);
    if (!kind)
        entry->have_baselines |= missing;
    work->evaluation->judged.seconds.reference += seconds_now() - start;
    return kind;
}

bool part_has_classes(const struct work *work)
{
    return work->point->demand.asked || work->evaluator->foreign || work->point->find_class == CLASS_OF_ALL;
}

enum error_kind part_find_classes(struct work *work, struct part_work *part, struct error *error)
{
    enum error_kind kind = part_has_classes(work) ? need_all_keys(part, work, error) : ERROR_NONE;
    if (kind || !part_has_classes(work))
        return kind;
    const struct problem problem = inputs_bounded(&work->evaluator->inputs, &part->problem);
    const struct exhibit exhibit = {.problem = &problem, .output = &part->output, .truth = &part->entry->truth};
    return judged_find_classes(&work->evaluation->judged, &work->source->shape, &exhibit, &work->judging, error);
}

/* Of a part that has its newest keys the others that the oracles' trial is cut from, which recent->first then names of
 * its heads: the trial reads no key behind them. */
static enum error_kind bring_trial_keys(struct recent_keys *recent, struct work *work, const struct part_work *part,
                                        struct error *error)
{
    struct evaluator *evaluator = work->evaluator;
    const struct problem *problem = &part->problem;
    const struct trial_cut cut = trial_cut(problem, TRIAL_MAX_ELEMENTS, point_digest(work->point));
    size_t bytes = (size_t)problem->num_kv_heads * sizeof *recent->first;
    double start = seconds_now();
    enum error_kind kind = ERROR_NONE;
    recent->first = malloc(bytes);
    if (!recent->first)
        return error_memory(error, "the newest keys", (double)bytes);
    memcpy(recent->first, problem->recent->first, bytes);
    for (int head = cut.kv_head; head < cut.kv_head + cut.num_kv_heads && !kind; head++) {
        int64_t newest = recent->first[head], end = cut.first_key + cut.num_keys;
        const struct key_range older = {head, cut.first_key, (end < newest ? end : newest) - cut.first_key};
        if (older.count <= 0)
            continue;
        recent->first[head] = cut.first_key;
        kind = work->source->ops->add_keys(work->source, evaluator->inputs_part, older, &evaluator->inputs, error);
    }
    work->evaluation->judged.seconds.inputs += seconds_now() - start;
    return kind;
}

static enum error_kind run_oracles(struct work *work, const struct part_work *part, const struct problem *problem,
                                   struct error *error)
{
    struct oracle_inquiry inquiry = {
        .subject = work->subject,
        .problem = problem,
        .truth = &part->entry->truth,
        .tolerance = work->point->criterion.mode == JUDGE_BUDGET ? NULL : &work->point->criterion.tolerance,
        .choice = point_digest(work->point),
        .threads = work->evaluator->threads,
        .progress = NULL, /* its work is not counted */
    };
    double start = seconds_now();
    progress_display_step(work->evaluator->display, "oracles", 0);
    enum error_kind kind = oracles_run(&work->evaluation->oracles, &inquiry, work->point->oracles, error);
    work->evaluation->judged.seconds.oracles += seconds_now() - start;
    return kind;
}

enum error_kind part_run_oracles(struct work *work, struct part_work *part, struct error *error)
{
    struct problem problem = part->problem;
    struct recent_keys recent = {.first = NULL};
    enum error_kind kind = ERROR_NONE;
    if (!work->point->oracles) /* not even a trial, which would look at keys */
        return ERROR_NONE;
    if (problem.recent) {
        kind = bring_trial_keys(&recent, work, part, error);
        problem.recent = &recent;
    }
    if (!kind)
        kind = run_oracles(work, part, &problem, error);
    if (!kind && recent.wanted) {
        kind = complete(part, work, error);
        kind = kind ? kind : run_oracles(work, part, &part->problem, error);
    }
    free(recent.first);
    return kind;
}

/* ---- parts into the whole ------------------------------------------------------------------------------------- */

void part_give_output(struct part_work *part, const struct work *work)
{
    const struct problem *shape = &work->source->shape;
    const struct output *whole = &work->evaluation->judged.output;
    judged_give_rows(part->output.out, whole->out, &part->problem, shape->num_heads,
                     (size_t)shape->head_dim * dtypes[shape->dtype].size_bytes);
    if (part->output.lse)
        judged_give_rows(part->output.lse, whole->lse, &part->problem, shape->num_heads, sizeof(float));
}

void part_take(struct work *work, const struct part_work *part, bool with_output)
{
    struct evaluation *evaluation = work->evaluation;
    struct judged_output *judged = &evaluation->judged;
    const struct problem *shape = &work->source->shape, *problem = &part->problem;
    int heads = shape->num_heads;
    size_t dim = (size_t)shape->head_dim, doubles = dim * sizeof(double);
    judged_take_truth(judged, heads, problem->place.first_head, &part->entry->truth, problem->num_heads,
                      part->entry->contract_distance);
    if (work_has_bound(work))
        judged_take_bounds(judged, heads, problem, part->bound, part->lse_bound);
    if (!with_output)
        return;
    judged_take_rows(judged->output.out, part->output.out, problem, heads, dim * dtypes[shape->dtype].size_bytes);
    if (part->output.lse)
        judged_take_rows(judged->output.lse, part->output.lse, problem, heads, sizeof(float));
    for (enum baseline c = 0; c < BASELINE_COUNT; c++)
        if (evaluation->baselines[c]) {
            const double *of_part = part->entry->baselines[c];
            judged_take_rows(evaluation->baselines[c], of_part, problem, heads, doubles);
            judged_take_rows(evaluation->baselines[c] + problem_elements(shape), of_part + problem_elements(problem),
                             problem, heads, sizeof(double));
        }
}
