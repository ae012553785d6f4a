#include "harness/command/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/evaluate/evaluate.h"

enum { EXIT_EXPECTED = 0, EXIT_UNEXPECTED = 1 };

struct run {
    const struct run_options *options;
    struct evaluator evaluator;
    struct sink sinks[SINK_COUNT]; /* those that are open */
    size_t num_sinks;
    struct summary summary;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- planning ---- */

static enum error_kind check_memory(const struct selection *selection, int threads, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < selection->count && !kind; i++)
        kind = selection_check_memory(&selection->points[i], evaluate_bytes(&selection->points[i], threads), error);
    return kind;
}

/* A reference that cannot be had is known before any work. */
static enum error_kind check_references(const struct selection *selection, struct error *error)
{
    for (size_t i = 0; i < selection->count; i++)
        if (selection->points[i].baselines)
            return baseline_ready(error);
    return ERROR_NONE;
}

/* The unit of progress is a key of a row of a truth or a baseline. The cache is taken to hold them all. */
static long count_work(const struct selection *selection)
{
    long work = 0;
    const struct point *previous = NULL;
    for (size_t i = 0; i < selection->count; i++) {
        const struct point *point = &selection->points[i];
        bool same = previous && problem_spec_equal(&previous->problem, &point->problem);
        unsigned fresh = point->baselines & ~(same ? previous->baselines : 0);
        const struct problem shape = problem_spec_shape(&point->problem);
        work += (long)shape.seq_len * problem_rows(&shape) * (!same + __builtin_popcount(fresh));
        previous = point;
    }
    return work;
}

static enum error_kind open_sinks(struct run *run, struct error *error)
{
    enum error_kind result = ERROR_NONE;
    for (int i = 0; i < SINK_COUNT && !result; i++) {
        const char *path = outputs_path(&run->options->outputs, i);
        if (!path)
            continue;
        result = sink_open(&run->sinks[run->num_sinks], sink_kinds[i], path, error);
        run->num_sinks += !result;
    }
    return result;
}

/* ---- running ---- */

static void fill_record(struct record *record, const struct evaluation *evaluation)
{
    outcome_reach(&record->outcome, record->point, &evaluation->verdict.total, &evaluation->oracles,
                  evaluation->finding.signature);
    record->verdict = &evaluation->verdict;
    record->faults = evaluation->faults;
    record->finding = &evaluation->finding;
    record->oracles = &evaluation->oracles;
    record->problem = &evaluation->problem;
    record->output = &evaluation->output;
    record->truth = &evaluation->truth;
    record->input_digest = evaluation->input_digest;
    record->output_digest = evaluation->output_digest;
    record->truth_digest = evaluation->truth_digest;
    record->contract_distance = evaluation->contract_distance;
}

/* Runs a point and hands its record to every sink. A point that fails becomes a record too; the run goes on. */
static enum error_kind do_point(struct run *run, const struct point *point, struct error *error)
{
    struct evaluation evaluation;
    struct error failure;
    struct record record = {
        .point = point,
        .settings = run->options->selection.settings.items,
        .num_settings = run->options->selection.settings.count,
        .recipes = run->options->selection.recipes.items,
        .num_recipes = run->options->selection.recipes.count,
        .device = device_kind_names[device_kind(run->evaluator.device)],
        .device_name = device_name(run->evaluator.device),
    };
    char key[POINT_KEY_SIZE];

    progress_display_point(run->evaluator.display, point_key(key, point));
    enum error_kind kind = evaluate(&run->evaluator, &evaluation, point, &failure);
    if (kind == ERROR_INTERRUPTED) {
        error_set(error, kind, "%s", failure.text);
        goto out;
    }
    record.seconds = evaluation.seconds;
    if (kind) {
        outcome_not_run(&record.outcome, failure.text);
        kind = ERROR_NONE;
    } else {
        fill_record(&record, &evaluation);
    }
    run->summary.points_done++;
    run->summary.by_status[record.outcome.status]++;
    progress_display_hide(run->evaluator.display);
    for (size_t i = 0; i < run->num_sinks && !kind; i++)
        kind = run->sinks[i].kind->record(&run->sinks[i], &record, error);
    progress_display_show(run->evaluator.display);
out:
    evaluation_clear(&evaluation);
    return kind;
}

static int exit_code(const struct summary *summary)
{
    int code = EXIT_EXPECTED;
    for (int status = 0; status < STATUS_COUNT; status++)
        if (summary->by_status[status] && !status_as_expected((enum status)status))
            code = EXIT_UNEXPECTED;
    return summary->by_status[STATUS_ERROR] ? ERROR_SYSTEM : code;
}

int run(const struct run_options *options, struct progress *progress, struct error *error)
{
    struct run run = {.options = options, .evaluator = {.threads = options->selection.threads, .progress = progress}};
    struct selection selection;
    double start = now_s();

    enum error_kind kind = selection_make(&selection, &options->selection, error);
    if (!kind)
        kind = outputs_check(&options->outputs, &selection, error);
    if (!kind)
        kind = check_memory(&selection, options->selection.threads, error);
    if (!kind)
        kind = check_references(&selection, error);
    if (!kind)
        kind = selection_open_device(&run.evaluator.device, &options->selection, error);
    if (!kind)
        kind = open_sinks(&run, error);
    if (kind)
        goto out;

    progress->work_total = count_work(&selection);
    run.summary.points_total = selection.count;
    run.summary.device_name = device_name(run.evaluator.device);
    run.evaluator.display = progress_display_start(selection.count, progress);
    for (size_t i = 0; i < selection.count && !kind; i++)
        kind = progress_cancelled(progress) ? error_set(error, ERROR_INTERRUPTED, "interrupted")
                                            : do_point(&run, &selection.points[i], error);
    progress_display_stop(run.evaluator.display);
out:
    if (kind)
        run.summary.cut_short = kind == ERROR_INTERRUPTED ? "interrupted" : "stopped";
    run.summary.elapsed_s = now_s() - start;
    for (size_t i = 0; i < run.num_sinks; i++) {
        struct error failure;
        enum error_kind closed = run.sinks[i].kind->close(&run.sinks[i], &run.summary, &failure);
        if (closed && !kind)
            kind = error_set(error, closed, "%s", failure.text);
    }
    evaluator_clear(&run.evaluator);
    device_close(run.evaluator.device);
    selection_clear(&selection);
    return kind ? (int)kind : exit_code(&run.summary);
}
