#include "harness/command/tolerance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/command/judge_input.h"
#include "harness/command/tolerance_answer.h"
#include "harness/support/file.h"
#include "harness/support/source.h"
#include "harness/support/threads.h"

/* What all points of a run have in common, and what became of them. */
struct tolerance_run {
    const struct tolerance_options *options;
    struct evaluator evaluator;
    struct progress *progress;
    bool good;      /* so far */
    int num_faults; /* that were put to the rule */
    bool printed;
};

/* ---- one problem ------------------------------------------------------------------------------------------------- */

/* The point's tolerances, where the command line has no rule. */
static struct rule rule_of(const struct tolerance_options *options, const struct point *point)
{
    const struct tolerance *tolerance = &point->criterion.tolerance;
    struct rule rule = options->rule;
    if (options->has_rule)
        return rule;
    rule.by_elements = true;
    rule.atol = tolerance->atol;
    rule.rtol = tolerance->rtol;
    rule.lse = tolerance->lse;
    rule.lse_relative = TOLERANCE_LSE_ROUNDING;
    return rule;
}

static enum error_kind compute_truth(struct asking *asking, const struct problem_source *source, struct error *error)
{
    const struct truth_options options = {.precision = asking->point->truth_precision,
                                          .threads = asking->options->selection.threads,
                                          .progress = asking->progress,
                                          .contract = &source->contract};
    enum error_kind kind = truth_init(&asking->truth, &asking->problem, error);
    progress_display_step(asking->evaluator->display, "truth", 0);
    if (!kind)
        kind = truth_compute(&asking->truth, truth_method_under(TRUTH_CERTIFIED, source->contract.of), &asking->problem,
                             &options, error);
    return kind;
}

/* What the source's problem is made to answer. */
static enum error_kind ask(struct asking *asking, struct answers *answers, const struct problem_source *source,
                           struct error *error)
{
    struct inputs inputs = {0};
    progress_display_step(asking->evaluator->display, "inputs", 0);
    enum error_kind kind = source->ops->open(source, source->ops->part(source, 0), asking->options->selection.threads,
                                             asking->progress, &inputs, error);
    asking->problem = inputs.problem;
    if (!kind)
        kind = compute_truth(asking, source, error);
    size_t elements = kind ? 0 : (size_t)problem_elements(&asking->problem),
           rows = kind ? 0 : (size_t)problem_rows(&asking->problem);
    asking->out = malloc((elements + 1) * sizeof(double));
    asking->lse = malloc((rows + 1) * sizeof(double));
    if (!kind && (!asking->out || !asking->lse))
        kind = error_memory(error, "an output", (double)elements * sizeof(double));
    if (!kind)
        kind = tolerance_ask(asking, answers, error);
    free(asking->out);
    free(asking->lse);
    truth_clear(&asking->truth);
    inputs_clear(&inputs);
    return kind;
}

static enum error_kind print(struct tolerance_run *run, const struct asking *asking, const struct answers *answers,
                             struct error *error)
{
    progress_display_hide(run->evaluator.display);
    if (run->printed && !run->options->json)
        printf("\n");
    run->printed = true;
    enum error_kind kind = tolerance_print(asking, answers, error);
    if (!kind)
        kind = file_flush(stdout, error);
    progress_display_show(run->evaluator.display);
    return kind;
}

static enum error_kind ask_point(struct tolerance_run *run, const struct point *point,
                                 const struct problem_source *source, bool has_kernel, struct error *error)
{
    struct asking asking = {.options = run->options,
                            .evaluator = &run->evaluator,
                            .progress = run->progress,
                            .point = point,
                            .has_kernel = has_kernel,
                            .rule = rule_of(run->options, point)};
    struct answers answers = {.num_sound = 0};
    char key[POINT_KEY_SIZE];
    progress_display_point(run->evaluator.display, point_key(key, point));
    enum error_kind kind = ask(&asking, &answers, source, error);
    if (kind)
        return kind;
    run->good = run->good && answers.num_accepted == 0 && !answers.sought->is_none && answers.sought->accepted;
    run->num_faults += answers.num_faults;
    return print(run, &asking, &answers, error);
}

static enum error_kind refuse_size(const struct point *point, struct error *error)
{
    char key[POINT_KEY_SIZE];
    return error_set(error, ERROR_USAGE, "tolerance: point %.300s is too large to be in memory whole",
                     point_key(key, point));
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

static enum error_kind check_selection(const struct selection *selection, const struct tolerance_options *options,
                                       struct error *error)
{
    if (selection->count > TOLERANCE_MAX_POINTS)
        return error_set(error, ERROR_USAGE,
                         "tolerance: %zu points; allowed: up to %d; choose with --only GLOB or --set "
                         "KEY=VALUE",
                         selection->count, TOLERANCE_MAX_POINTS);
    for (size_t i = 0; i < selection->count; i++) {
        const struct point *point = &selection->points[i];
        if (problem_spec_parts(&point->problem) > 1)
            return refuse_size(point, error);
        enum error_kind kind =
            selection_check_memory(point, 2 * evaluate_bytes(point, options->selection.threads), 1, error);
        if (kind)
            return kind;
    }
    return ERROR_NONE;
}

static enum error_kind ask_cases(struct tolerance_run *run, struct error *error)
{
    const struct tolerance_options *options = run->options;
    struct selection selection;
    enum error_kind kind = selection_make(&selection, &options->selection, error);
    if (!kind)
        kind = selection_check_any(&selection, &options->selection, "tolerance", error);
    if (!kind)
        kind = check_selection(&selection, options, error);
    if (!kind)
        kind = selection_open_device(&run->evaluator.device, &options->selection, error);
    if (!kind) {
        run->evaluator.display = progress_display_start(selection.count, run->progress);
        for (size_t i = 0; i < selection.count && !kind; i++) {
            const struct point *point = &selection.points[i];
            const struct generated_source source = generated_source(&point->problem);
            kind = ask_point(run, point, &source.source, kernel_takes_head_dim(point->problem.head_dim), error);
        }
        progress_display_stop(run->evaluator.display);
    }
    evaluator_clear(&run->evaluator);
    device_close(run->evaluator.device);
    selection_clear(&selection);
    return kind;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static bool has_file(const char *folder, const char *name)
{
    char *path = file_join(folder, name);
    bool there = path && access(path, F_OK) == 0;
    free(path);
    return there;
}

/* Whether a path is a bundle, a folder of `run --dump` or a recorded call, and no case. */
static bool is_exhibit(const char *path)
{
    static const char end[] = ".safetensors";
    size_t length = strlen(path);
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return has_file(path, "point.json") || has_file(path, "metadata.jsonl");
    return length >= strlen(end) && strcmp(path + length - strlen(end), end) == 0;
}

static const char *exhibit_of(const struct selection_options *selection)
{
    for (size_t i = 0; i < selection->paths.count; i++)
        if (is_exhibit(selection->paths.items[i]))
            return selection->paths.items[i];
    return NULL;
}

/* What goes with cases alone. */
static enum error_kind check_exhibit(const struct tolerance_options *options, const char *path, struct error *error)
{
    const struct selection_options *selection = &options->selection;
    char quoted[PATH_QUOTE_SIZE];
    const char *with = selection->paths.count > 1           ? "another CASE"
                       : selection->settings.count > 0      ? "--set"
                       : selection->only.count > 0          ? "--only"
                       : selection->where.count > 0         ? "--where"
                       : selection->shard.count > 0         ? "--shard"
                       : selection->last_failed != NULL     ? "--last-failed"
                       : options->seeds > 0                 ? "--seeds"
                       : !strcmp(selection->device, "cuda") ? "--device cuda"
                                                            : NULL;
    return with ? error_set(error, ERROR_USAGE,
                            "%s: is a problem as it stands, with %s; allowed: it alone, with a rule and --class",
                            quote_path(quoted, path), with)
                : ERROR_NONE;
}

/* The problems of a bundle, whose output is not asked for. */
static enum error_kind ask_exhibit(struct tolerance_run *run, const char *path, struct error *error)
{
    const struct judge_options judge = {.exhibit = path, .threads = run->options->selection.threads};
    struct judge_input input = {.num_sequences = 0};
    char quoted[PATH_QUOTE_SIZE];
    enum error_kind kind = check_exhibit(run->options, path, error);
    if (kind)
        return kind;
    kind = threads_start(judge.threads, error);
    if (!kind)
        kind = judge_input_open(&input, &judge, error);
    if (!kind && input.claim)
        kind = error_set(error, ERROR_USAGE,
                         "%s: is a bundle without k and v; allowed: one with them, in which faults "
                         "can be planted",
                         quote_path(quoted, path));
    run->evaluator.display = kind ? NULL : progress_display_start((size_t)input.num_sequences, run->progress);
    for (int i = 0; i < input.num_sequences && !kind; i++) {
        const struct judged_sequence *sequence = &input.sequences[i];
        if (sequence->source->num_parts > 1)
            kind = refuse_size(&input.points[i], error);
        else
            kind = ask_point(run, &input.points[i], sequence->source, false, error);
    }
    if (!kind)
        kind = judge_input_check(&input, error);
    if (run->evaluator.display)
        progress_display_stop(run->evaluator.display);
    evaluator_clear(&run->evaluator);
    judge_input_clear(&input);
    return kind;
}

int tolerance(const struct tolerance_options *options, struct progress *progress, struct error *error)
{
    struct tolerance_run run = {.options = options,
                                .evaluator = {.threads = options->selection.threads, .progress = progress},
                                .progress = progress,
                                .good = true};
    const char *exhibit = exhibit_of(&options->selection);
    enum error_kind kind = exhibit ? ask_exhibit(&run, exhibit, error) : ask_cases(&run, error);
    if (!kind && run.num_faults == 0)
        kind = error_set(error, ERROR_USAGE,
                         "tolerance: no fault changes a result; allowed: a problem in which queries see two keys or "
                         "more");
    return kind ? (int)kind : !run.good;
}
