#include "harness/command/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/command/crash.h"
#include "harness/command/dry_run.h"
#include "harness/evaluate/evaluate.h"
#include "harness/report/file/kept.h"
#include "harness/run/walk.h"
#include "harness/support/memory.h"
#include "harness/support/source.h"

enum { EXIT_EXPECTED = 0, EXIT_UNEXPECTED = 1 };

struct run {
    const struct run_options *options;
    struct selection selection;
    struct work_order order; /* of its points */
    struct kept kept;
    const struct kept_record **kept_of; /* [selection.count]; NULL: the point is to be run */
    struct device *device;
    struct side_by_side beside; /* points at a time */
    struct foreign_opened foreign;
    struct selection_options selection_options; /* with what is known of the foreign kernel */
    struct progress *progress;
    struct sink_plan plan;
    struct sink sinks[SINK_COUNT]; /* those that are open */
    size_t num_sinks;
    struct summary summary;
    double start_s;
};

/* ---- planning ---------------------------------------------------------------------------------------------------- */

static enum error_kind open_sinks(struct run *run, struct error *error)
{
    enum error_kind result = ERROR_NONE;
    for (int i = 0; i < SINK_COUNT && !result; i++) {
        const char *path = outputs_path(&run->options->outputs, i);
        if (!path)
            continue;
        result = sink_open(&run->sinks[run->num_sinks], sink_kinds[i], path, &run->plan, error);
        run->num_sinks += !result;
    }
    return result;
}

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

static const char *results_path(const struct run_options *options)
{
    for (int i = 0; i < SINK_COUNT; i++)
        if (sink_kinds[i]->target == SINK_TO_FILE_OR_STDOUT)
            return options->outputs.paths[i];
    return NULL;
}

/* The kept record of each point. */
static enum error_kind find_kept(struct run *run, struct error *error)
{
    run->kept_of = calloc(run->selection.count + 1, sizeof *run->kept_of);
    if (!run->kept_of)
        return error_memory(error, "the list of points", (double)(run->selection.count * sizeof *run->kept_of));
    for (size_t k = 0; k < run->kept.count; k++)
        run->kept_of[run->kept.records[k].at] = &run->kept.records[k];
    return ERROR_NONE;
}

/* What is run in place of points' kernels, or NULL. */
static const struct foreign_opened *opened(const struct run *run)
{
    return run->foreign.process ? &run->foreign : NULL;
}

static enum error_kind keep_records(struct run *run, struct error *error)
{
    const struct run_options *options = run->options;
    const char *path = results_path(options);
    enum error_kind kind = ERROR_NONE;
    char quoted[PATH_QUOTE_SIZE];
    if (options->resume && (!path || !strcmp(path, "-")))
        return error_set(error, ERROR_USAGE, "--resume: there is no file to go on with; allowed: with --results FILE");
    if (options->resume) {
        const struct kept_run of = {
            .run = &run->selection.run,
            .points = run->selection.points,
            .places = run->selection.places,
            .count = run->selection.count,
            .device = walk_device(opened(run), run->device),
            .any_build = options->any_build,
            .kernel_digest = foreign_digest(&run->foreign),
            .looks_only = options->dry_run,
        };
        kind = kept_read(&run->kept, path, &of, error);
    }
    if (!kind && options->resume)
        fprintf(stderr, "alibicheck: %zu of %zu points are kept from %s\n", run->kept.count, run->selection.count,
                quote_path(quoted, path));
    if (!kind && run->kept.other_kernels)
        fprintf(stderr, "alibicheck: %zu of them are of another file of the kernel than the one that is run\n",
                run->kept.other_kernels);
    run->plan.kept = &run->kept;
    return kind ? kind : find_kept(run, error);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* Whether the kernel takes a point of another shard. */
static bool takes_elsewhere(const struct run *run)
{
    const struct evaluator evaluator = {.foreign = opened(run) ? &run->foreign.subject : NULL};
    const struct point *elsewhere = run->selection.points + run->selection.count;
    char text[SUBJECT_TEXT_SIZE];
    for (size_t i = 0; i < run->selection.num_elsewhere; i++)
        if (evaluate_takes(&evaluator, &elsewhere[i], text))
            return true;
    return false;
}

/* A kernel that takes no point of the run was not judged; a shard may have none of those that it takes. */
static bool is_unjudged(const struct run *run)
{
    const struct summary *summary = &run->summary;
    return !summary->cut_short && summary->points_done > 0 && summary->by_status[STATUS_SKIP] == summary->points_done &&
           !takes_elsewhere(run);
}

static int exit_code(const struct summary *summary)
{
    int code = EXIT_EXPECTED;
    for (int status = 0; status < STATUS_COUNT; status++)
        if (summary->by_status[status] && !status_as_expected((enum status)status))
            code = EXIT_UNEXPECTED;
    if (summary->unjudged)
        return ERROR_USAGE;
    return summary->by_status[STATUS_ERROR] ? ERROR_SYSTEM : code;
}

static enum error_kind open_foreign(struct run *run, struct error *error)
{
    run->selection_options = run->options->selection;
    if (!foreign_is_asked(&run->options->foreign))
        return ERROR_NONE;
    enum error_kind kind = foreign_open(&run->foreign, &run->options->foreign, run->progress, error);
    if (kind)
        return kind;
    return foreign_select(&run->foreign, &run->selection_options, error);
}

static int jobs_asked(const struct run_options *options)
{
    return options->jobs > 0 ? options->jobs : 1;
}

/* Whether records can be put in order when all are there. */
static bool is_put_in_order(const char *results)
{
    struct stat status;
    return !results || (strcmp(results, "-") != 0 && (stat(results, &status) != 0 || S_ISREG(status.st_mode)));
}

/* Whether points are worked on as they stand: where their order is seen, and where what a launch finds may be left by
 * the one before. */
static bool is_as_they_stand(const struct run *run)
{
    return run->options->fail_fast || opened(run) || !is_put_in_order(results_path(run->options));
}

/* Where nobody says how many points are worked on at a time, it is one where they are worked on as they stand (a kernel
 * that is not ours may have threads of its own), and where there is one device for all. */
static struct side_by_side choose_jobs(const struct run *run)
{
    const struct run_options *options = run->options;
    bool one = options->jobs > 0 || is_as_they_stand(run) || device_kind(run->device) != DEVICE_HOST;
    return one ? side_by_side_given(run->selection.count, jobs_asked(options))
               : side_by_side_choose(&run->order, options->selection.threads, memory_available_bytes());
}

static enum error_kind plan(struct run *run, struct error *error)
{
    const struct run_options *options = run->options;
    const struct outputs_read read = {options->selection.last_failed, options->foreign.plugin};
    enum error_kind kind = open_foreign(run, error);
    if (!kind)
        kind = selection_make(&run->selection, &run->selection_options, error);
    if (!kind)
        kind = outputs_check(&options->outputs, &run->selection, &read, error);
    if (!kind && !options->dry_run)
        kind = selection_check_room(&run->selection, options->selection.threads,
                                    side_by_side_given(run->selection.count, jobs_asked(options)).jobs, error);
    if (!kind)
        kind = selection_check_references(&run->selection, error);
    if (!kind)
        kind = selection_open_device(&run->device, &run->selection_options, error);
    if (!kind)
        kind = work_order_make(&run->order, &run->selection, is_as_they_stand(run), error);
    if (!kind)
        run->beside = choose_jobs(run);
    return kind ? kind : keep_records(run, error);
}

static enum error_kind close_sinks(struct run *run, enum error_kind kind, struct error *error)
{
    for (size_t i = 0; i < run->num_sinks; i++) {
        struct error failure;
        enum error_kind closed = run->sinks[i].kind->close(&run->sinks[i], &run->summary, &failure);
        if (closed && !kind)
            kind = error_set(error, closed, "%s", failure.text);
    }
    return kind;
}

static int end_crashed(void *context, enum error_kind kind, const struct error *error)
{
    struct run *run = context;
    struct error unused;
    run->summary.cut_short = "a kernel crashed";
    run->summary.elapsed_s = seconds_now() - run->start_s;
    (void)close_sinks(run, kind, &unused);
    fprintf(stderr, "alibicheck: %s\n", error->text);
    return (int)kind;
}

static enum error_kind open_another(void *context, void **opened, const struct foreign_subject **subject,
                                    struct error *error)
{
    const struct run *run = context;
    struct foreign_opened *another = calloc(1, sizeof *another);
    *opened = another;
    if (!another)
        return error_memory(error, "a kernel", sizeof *another);
    *subject = &another->subject;
    enum error_kind kind = foreign_open(another, &run->options->foreign, run->progress, error);
    if (!kind && strcmp(foreign_digest(another), foreign_digest(&run->foreign)) != 0)
        kind = error_set(error, ERROR_SYSTEM, "%s: its file is another one than when the run began", another->name);
    return kind;
}

static void close_another(void *opened)
{
    if (opened)
        foreign_close(opened);
    free(opened);
}

static enum error_kind walk(struct run *run, struct progress *progress, struct error *error)
{
    const struct run_options *options = run->options;
    run->plan.points = run->selection.points;
    run->plan.num_points = run->selection.count;
    run->plan.table = options->table;
    run->plan.threads = options->selection.threads;
    run->plan.junit_gitlab = options->junit_gitlab;
    run->plan.keep_failed = options->keep_failed;
    run->plan.of_files = !selection_is_of_axes(&options->selection);
    enum error_kind kind = open_sinks(run, error);
    if (kind)
        return kind;
    run->summary.points_total = run->selection.count;
    run->summary.points_kept = run->kept.count;
    run->summary.device_name = opened(run) ? run->foreign.device : device_name(run->device);
    const struct walk_foreign foreign = {
        .subject = &run->foreign.subject,
        .name = run->foreign.device,
        .digest = foreign_digest(&run->foreign),
        .option = run->foreign.option,
        .open = open_another,
        .close = close_another,
        .context = run,
    };
    struct walk walk = {
        .selection = &run->selection,
        .order = &run->order,
        .asked = &options->selection,
        .kept = run->kept_of,
        .device = run->device,
        .foreign = opened(run) ? &foreign : NULL,
        .beside = run->beside,
        .threads = options->selection.threads,
        .fail_fast = options->fail_fast,
        .time_limit_s = options->time_limit_s,
        .is_displayed = true,
        .progress = progress,
        .sinks = run->sinks,
        .num_sinks = run->num_sinks,
        .summary = &run->summary,
        .watch_begin = crash_watch_begin,
        .watch_end = crash_watch_end,
        .crashed = end_crashed,
        .crashed_context = run,
    };
    return walk_points(&walk, error);
}

int run(const struct run_options *options, struct progress *progress, struct error *error)
{
    struct run run = {.options = options, .progress = progress, .start_s = seconds_now()};
    enum error_kind kind = plan(&run, error);
    if (!kind && options->dry_run)
        kind = dry_run(options, &run.selection, &run.order, &run.beside, opened(&run) ? &run.foreign.subject : NULL,
                       run.kept_of, error);
    else if (!kind)
        kind = walk(&run, progress, error);
    if (kind && !run.summary.cut_short)
        run.summary.cut_short = kind == ERROR_INTERRUPTED ? "interrupted" : "stopped";
    run.summary.elapsed_s = seconds_now() - run.start_s;
    run.summary.unjudged = is_unjudged(&run);
    kind = close_sinks(&run, kind, error);
    const int code = kind ? (int)kind : exit_code(&run.summary);
    device_close(run.device);
    foreign_close(&run.foreign);
    kept_clear(&run.kept);
    free(run.kept_of);
    work_order_clear(&run.order);
    selection_clear(&run.selection);
    return code;
}
