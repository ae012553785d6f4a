#include "harness/command/explain.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/diagnosis.h"
#include "harness/command/explain_foreign.h"
#include "harness/evaluate/point_subject.h"
#include "harness/library/metric.h"
#include "harness/support/file.h"
#include "harness/support/json_line.h"
#include "harness/support/json_value.h"

/* One point, explained. */
struct explained {
    const struct point *point;
    const struct device *device;
    const struct evaluation *evaluation;
    struct explanation explanation;
    struct diagnosis diagnosis;
};

/* ---- text ------------------------------------------------------------------------------------------------------- */

enum { NUMBER_SIZE = 32 };

/* A number to some digits; a NaN without the sign that printf would show. */
static const char *number(char *text, int digits, double value)
{
    if (isnan(value))
        return "nan";
    snprintf(text, NUMBER_SIZE, "%.*g", digits, value);
    return text;
}

static const char *signed_number(char *text, int digits, double value)
{
    if (isnan(value))
        return "nan";
    snprintf(text, NUMBER_SIZE, "%+.*g", digits, value);
    return text;
}

static void print_row(const char *name, const struct stage_error *stage, int head_dim, bool with_share)
{
    char place[32], max[NUMBER_SIZE], rms[NUMBER_SIZE], err[NUMBER_SIZE];
    snprintf(place, sizeof place, "%lld,%lld", (long long)(stage->worst / head_dim),
             (long long)(stage->worst % head_dim));
    printf("  %-14s %11s %8s %11s %12s", name, number(max, 3, stage->max_abs_err), place,
           number(rms, 3, stage->rms_err), signed_number(err, 3, stage->err));
    if (with_share)
        printf(" %6.1f%%", 100 * stage->share);
    printf("\n");
}

static void print_head(const struct explained *explained)
{
    const struct point *point = explained->point;
    const struct evaluation *evaluation = explained->evaluation;
    const struct explanation *explanation = &explained->explanation;
    const struct metrics *total = &evaluation->judged.verdict.total;
    char key[POINT_KEY_SIZE], recipe[RECIPE_TEXT_SIZE], sentinel[SENTINEL_TEXT_SIZE], metric[METRIC_TEXT_SIZE];
    char texts[3][NUMBER_SIZE];
    int head_dim = point->problem.head_dim;
    printf("%s\n", point_key(key, point));
    printf("  %s, %s, sentinel %s, %lldx%dx%d %s, seed %llu, on %s\n", kernels[point->kernel]->name,
           recipe_format(recipe, &point->recipe), sentinel_format(sentinel, &point->recipe.sentinel),
           (long long)point->problem.seq_len, point->problem.num_heads, head_dim, dtypes[point->problem.dtype].name,
           (unsigned long long)point->problem.seed, device_name(explained->device));
    const char *words = total->nan ? metric_say_not_finite(NAN) : metric_say_not_finite(total->max_abs_err);
    printf("  %lld/%lld mismatched, %s%s\n  worst heads:", (long long)total->mismatched, (long long)total->elements,
           words ? words : "max abs err ", words ? "" : metric_format(metric, METRIC_MAX_ABS_ERR, total));
    for (int i = 0; i < explanation->num_heads; i++) {
        const struct head_error *head = &explanation->heads[i];
        printf("%s %d (%s at dim %d, %.0f%% %s)", i ? "," : "", head->head, number(texts[0], 3, head->max_abs_err),
               head->dim, 100 * head->share, stage_names[head->stage]);
    }
    printf("\n  head %lld, dim %lld: output %s, truth %s, error %s, ", (long long)(explanation->element / head_dim),
           (long long)(explanation->element % head_dim), number(texts[0], 9, explanation->output),
           number(texts[1], 9, explanation->truth), number(texts[2], 3, explanation->kernel.err));
    if (explanation->bound > 0 && isfinite(explanation->kernel.err))
        printf("%.1f%% of the ", 100 * fabs(explanation->kernel.err) / explanation->bound);
    printf("bound %.3g\n\n", explanation->bound);
}

static void print_agreement(const struct explanation *explanation)
{
    double err = explanation->kernel.err, rest = err - explanation->together.err;
    if (explanation->differing == 0)
        printf("  The replay has the kernel's bits");
    else
        printf("  The replay differs from the kernel in %lld elements", (long long)explanation->differing);
    if (err != 0 && isfinite(rest))
        printf("; the stages add up to its error here but for %.2g%%", 100 * fabs(rest / err));
    printf(".\n");
}

static void print_text(const struct explained *explained)
{
    const struct explanation *explanation = &explained->explanation;
    int head_dim = explained->point->problem.head_dim;
    print_head(explained);
    printf("  %-14s %11s %8s %11s %12s %7s\n", "stage", "max error", "at h,d", "rms", "here", "share");
    for (enum stage stage = STAGE_NONE + 1; stage <= STAGE_OUTPUT; stage++)
        if (stage != STAGE_CAP || explained->point->problem.soft_cap.where)
            print_row(stage_names[stage], &explanation->stages[stage], head_dim, true);
    print_row(stage_names[STAGE_NONE], &explanation->stages[STAGE_NONE], head_dim, true);
    print_row("together", &explanation->together, head_dim, false);
    print_row("the kernel", &explanation->kernel, head_dim, false);
    print_agreement(explanation);
    printf("\n  %s\n", explained->diagnosis.text);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *json_from_stage(const char *name, const struct stage_error *stage, int head_dim)
{
    return json_pack("{s:s, s:o, s:{s:I, s:I}, s:o, s:o, s:o}", "stage", name, "max_abs_err",
                     json_from_double(stage->max_abs_err), "worst", "head", (json_int_t)(stage->worst / head_dim),
                     "dim", (json_int_t)(stage->worst % head_dim), "rms_err", json_from_double(stage->rms_err), "err",
                     json_from_double(stage->err), "share", json_from_double(stage->share));
}

static json_t *json_from_explained(const struct explained *explained)
{
    const struct point *point = explained->point;
    const struct explanation *explanation = &explained->explanation;
    const struct diagnosis *diagnosis = &explained->diagnosis;
    const struct metrics *total = &explained->evaluation->judged.verdict.total;
    int head_dim = point->problem.head_dim;
    char key[POINT_KEY_SIZE], recipe[RECIPE_TEXT_SIZE], sentinel[SENTINEL_TEXT_SIZE];
    json_t *stages = json_array(), *heads = json_array();
    for (enum stage stage = STAGE_NONE; stage <= STAGE_OUTPUT; stage++)
        if (stage != STAGE_CAP || point->problem.soft_cap.where)
            json_array_append_new(stages, json_from_stage(stage_names[stage], &explanation->stages[stage], head_dim));
    for (int i = 0; i < explanation->num_heads; i++) {
        const struct head_error *head = &explanation->heads[i];
        json_array_append_new(heads, json_pack("{s:i, s:i, s:o, s:s, s:o}", "head", head->head, "dim", head->dim,
                                               "max_abs_err", json_from_double(head->max_abs_err), "stage",
                                               stage_names[head->stage], "share", json_from_double(head->share)));
    }
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:{s:I, s:I, s:o, s:o, s:o, s:o}, s:o, s:o, s:o, s:I, s:o, "
        "s:s, s:o, s:b, s:s}",
        "case", case_name(point->test_case), "key", point_key(key, point), "kernel", kernels[point->kernel]->name,
        "recipe", recipe_format(recipe, &point->recipe), "sentinel", sentinel_format(sentinel, &point->recipe.sentinel),
        "device", device_kind_names[device_kind(explained->device)], "elements", (json_int_t)total->elements,
        "mismatched", (json_int_t)total->mismatched, "max_abs_err", json_from_double(total->max_abs_err), "element",
        "head", (json_int_t)(explanation->element / head_dim), "dim", (json_int_t)(explanation->element % head_dim),
        "out", json_from_double(explanation->output), "truth", json_from_double(explanation->truth), "err",
        json_from_double(explanation->kernel.err), "bound", json_from_double(explanation->bound), "stages", stages,
        "together", json_from_stage("together", &explanation->together, head_dim), "the_kernel",
        json_from_stage("kernel", &explanation->kernel, head_dim), "differing", (json_int_t)explanation->differing,
        "heads", heads, "cause", diagnosis->cause, "cause_share", json_from_double(diagnosis->share), "is_rounding",
        (int)diagnosis->is_rounding, "diagnosis", diagnosis->text);
}

static enum error_kind print_json(const struct explained *explained, struct error *error)
{
    return json_line_print(json_from_explained(explained), "an explanation as JSON", error);
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static enum error_kind check_point(const struct point *point, const struct explain_options *options,
                                   struct error *error)
{
    const struct problem_spec *spec = &point->problem;
    char key[POINT_KEY_SIZE], size[32];
    if (options->has_element && (options->head >= spec->num_heads || options->dim >= spec->head_dim))
        return error_set(error, ERROR_USAGE, "--element %d,%d: point %.300s has heads 0 to %d and dims 0 to %d",
                         options->head, options->dim, point_key(key, point), spec->num_heads - 1, spec->head_dim - 1);
    if (problem_spec_queries(spec) > 1 && (options->has_element || !point->foreign))
        return error_set(error, ERROR_USAGE, "explain: point %.300s has %d queries; allowed: num_queries 1%s",
                         point_key(key, point), problem_spec_queries(spec),
                         point->foreign ? ", or the worst element in place of --element" : "");
    if (!point->foreign && !kernel_takes_head_dim(spec->head_dim))
        return error_set(error, ERROR_USAGE,
                         "explain: point %.300s has head_dim %d, which %s does not take; allowed: " HEAD_DIMS_WORDS
                         ", or --plugin FILE",
                         point_key(key, point), spec->head_dim, kernel_names[point->kernel]);
    if (problem_spec_parts(spec) > 1)
        return error_set(error, ERROR_USAGE,
                         "explain: point %.300s is too large to be in memory whole; allowed: k and v up to %s",
                         point_key(key, point), format_size(size, 4.0 * PART_BYTES));
    const struct shipped_subject shipped = point_subject(point, NULL);
    const struct problem shape = problem_spec_shape(spec);
    double of_replay = point->foreign ? 0 : shipped.subject.ops->replay_bytes(&shipped.subject, &shape);
    return selection_check_memory(point, evaluate_bytes(point, options->selection.threads) + of_replay, 1, error);
}

static enum error_kind check_selection(const struct selection *selection, const struct explain_options *options,
                                       struct error *error)
{
    enum error_kind kind = selection_check_any(selection, &options->selection, "explain", error);
    if (!kind && selection->count > EXPLAIN_MAX_POINTS)
        return error_set(error, ERROR_USAGE,
                         "explain: %zu points; allowed: up to %d; choose with --only GLOB or --set KEY=VALUE "
                         "(`alibicheck list points CASE...` prints the keys)",
                         selection->count, EXPLAIN_MAX_POINTS);
    for (size_t i = 0; i < selection->count && !kind; i++)
        kind = check_point(&selection->points[i], options, error);
    return kind;
}

/* The element that is asked for; -1: the worst one. */
static int64_t element_of(const struct point *point, const struct explain_options *options)
{
    return options->has_element ? (int64_t)options->head * point->problem.head_dim + options->dim : -1;
}

/* Evaluates a point, replays it and prints what comes out. *wrong: the kernel is, without any rounding. */
static enum error_kind explain_point(struct evaluator *evaluator, const struct point *point,
                                     const struct explain_options *options, bool first, bool *wrong,
                                     struct error *error)
{
    const struct shipped_subject shipped = point_subject(point, evaluator->device);
    struct evaluation evaluation;
    struct replay replay = {NULL, NULL};
    struct explained explained = {.point = point, .device = evaluator->device, .evaluation = &evaluation};
    char key[POINT_KEY_SIZE];
    int64_t element = element_of(point, options);

    progress_display_point(evaluator->display, point_key(key, point));
    enum error_kind kind = evaluate(evaluator, &evaluation, point, error);
    if (!kind && progress_cancelled(evaluator->progress))
        kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    if (kind)
        goto out;
    progress_display_step(evaluator->display, "replay", 0);
    kind = shipped.subject.ops->replay(&shipped.subject, &replay, &evaluation.judged.problem,
                                       options->selection.threads, error);
    if (kind)
        goto out;
    explanation_make(&explained.explanation, &evaluation, &replay, element);
    explained.diagnosis = diagnose(point, &evaluation, &explained.explanation);
    *wrong |= !strcmp(explained.diagnosis.cause, "kernel");
    progress_display_hide(evaluator->display);
    if (options->json) {
        kind = print_json(&explained, error);
    } else {
        printf("%s", first ? "" : "\n");
        print_text(&explained);
    }
    if (!kind)
        kind = file_flush(stdout, error);
    progress_display_show(evaluator->display);
out:
    replay_clear(&replay);
    evaluation_clear(&evaluation);
    return kind;
}

/* Opens what the command line names in place of points' kernels, if it does, and selects points for it. */
static enum error_kind select_points(struct selection *selection, struct selection_options *of,
                                     struct foreign_opened *foreign, const struct explain_options *options,
                                     struct progress *progress, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    *of = options->selection;
    *selection = (struct selection){.count = 0};
    if (foreign_is_asked(&options->foreign)) {
        kind = foreign_open(foreign, &options->foreign, progress, error);
        if (!kind)
            kind = foreign_select(foreign, of, error);
    }
    if (!kind)
        kind = selection_make(selection, of, error);
    return kind ? kind : check_selection(selection, options, error);
}

static enum error_kind explain_points(struct evaluator *evaluator, const struct selection *selection,
                                      const struct foreign_opened *foreign, const struct explain_options *options,
                                      struct error *error)
{
    bool wrong = false, taken, any = false;
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < selection->count && !kind; i++) {
        const struct point *point = &selection->points[i];
        if (!evaluator->foreign) {
            kind = explain_point(evaluator, point, options, i == 0, &wrong, error);
            continue;
        }
        printf("%s", i == 0 || options->json ? "" : "\n");
        kind = explain_foreign(evaluator, foreign, point, element_of(point, options), options->json, &taken, error);
        any |= taken;
    }
    if (!kind && wrong)
        kind = error_set(error, ERROR_SYSTEM, "explain: a kernel is wrong in exact arithmetic");
    if (!kind && evaluator->foreign && !any)
        kind = error_set(error, ERROR_USAGE, "explain: %s takes none of these points; allowed: one that it takes",
                         evaluator->foreign->kernel->name);
    return kind;
}

int explain(const struct explain_options *options, struct progress *progress, struct error *error)
{
    struct evaluator evaluator = {.threads = options->selection.threads, .progress = progress};
    struct foreign_opened foreign = {.process = NULL};
    struct selection_options of;
    struct selection selection;
    enum error_kind kind = select_points(&selection, &of, &foreign, options, progress, error);
    if (!kind)
        kind = selection_open_device(&evaluator.device, &of, error);
    if (kind)
        goto out;
    evaluator.foreign = foreign.process ? &foreign.subject : NULL;
    evaluator.display = progress_display_start(selection.count, progress);
    kind = explain_points(&evaluator, &selection, &foreign, options, error);
    progress_display_stop(evaluator.display);
out:
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
    selection_clear(&selection);
    foreign_close(&foreign);
    return (int)kind;
}
