#include "harness/run.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "harness/case.h"
#include "harness/memory.h"
#include "harness/progress.h"
#include "harness/sink.h"
#include "harness/truth_cache.h"

enum { EXIT_EXPECTED = 0, EXIT_UNEXPECTED = 1, MAX_SINKS = 4 };

/* The points that a run is asked for: indices into the cross products of its cases, case by case. */
struct selection {
    struct point *points;
    size_t count, capacity;
};

struct run {
    const struct run_options *options;
    struct progress *progress;
    struct progress_display *display;
    struct device *device;
    struct sink sinks[MAX_SINKS];
    size_t num_sinks;
    struct truth_cache cache;
    struct summary summary;

    /* The inputs at hand, kept while consecutive points share them. */
    struct inputs inputs;
    struct problem_spec inputs_of;
    bool have_inputs;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- selecting ---- */

static bool point_selected(const struct point *point, const struct run_options *options)
{
    char key[POINT_KEY_SIZE];
    if (options->num_only == 0)
        return true;
    point_key(key, point);
    for (size_t i = 0; i < options->num_only; i++)
        if (!strcmp(options->only[i], key) || !fnmatch(options->only[i], key, 0))
            return true;
    return false;
}

static enum error_kind select_points(struct selection *selection, const struct case_list *cases,
                                     const struct run_options *options, struct error *error)
{
    for (size_t c = 0; c < cases->count; c++) {
        for (size_t i = 0; i < case_num_points(cases->cases[c]); i++) {
            struct point point;
            case_point(cases->cases[c], i, &point);
            if (!point_selected(&point, options))
                continue;
            if (selection->count == selection->capacity) {
                size_t capacity = selection->capacity ? 2 * selection->capacity : 64;
                struct point *points = realloc(selection->points, capacity * sizeof *points);
                if (!points)
                    return error_memory(error, "the list of points", (double)(capacity * sizeof *points));
                selection->points = points;
                selection->capacity = capacity;
            }
            selection->points[selection->count++] = point;
        }
    }
    if (selection->count == 0)
        return error_set(error, ERROR_USAGE,
                         "--only %s: no point has such a key; `alibicheck list points CASE...` prints the keys",
                         options->only[0]);
    return ERROR_NONE;
}

/* ---- planning ---- */

/* The memory that a point takes at its peak. */
static double point_bytes(const struct point *point, const struct run_options *options)
{
    const struct problem_spec *spec = &point->problem;
    struct truth_options truth = {.precision = point->truth_precision, .threads = options->threads};
    return problem_spec_bytes(spec) +
           truth_bytes(point->truth_method, spec->seq_len, spec->num_heads, spec->head_dim, &truth) +
           kernel_workspace_bytes(point->kernel, &point->kernel_options, spec->seq_len, spec->num_heads,
                                  spec->head_dim) +
           (double)spec->num_heads * spec->head_dim * sizeof(float);
}

static enum error_kind check_memory(const struct selection *selection, const struct run_options *options,
                                    struct error *error)
{
    double available = memory_available_bytes();
    for (size_t i = 0; i < selection->count; i++) {
        const struct point *point = &selection->points[i];
        double needed = point_bytes(point, options);
        if (needed > available) {
            char key[POINT_KEY_SIZE], sizes[2][32];
            point_key(key, point);
            return error_set(error, ERROR_SYSTEM, "%s: point %.300s needs %s of memory and %s is available",
                             case_path(point->test_case), key, format_size(sizes[0], needed),
                             format_size(sizes[1], available));
        }
    }
    return ERROR_NONE;
}

/* Keys times heads of all truths that will be computed, the unit of progress. The cache is taken to hold them all. */
static long count_work(const struct selection *selection)
{
    long work = 0;
    const struct point *previous = NULL;
    for (size_t i = 0; i < selection->count; i++) {
        const struct point *point = &selection->points[i];
        if (!previous || !problem_spec_equal(&previous->problem, &point->problem))
            work += (long)point->problem.seq_len * point->problem.num_heads;
        previous = point;
    }
    return work;
}

static enum error_kind open_device(struct device **device, const struct run_options *options, struct error *error)
{
    struct device_options device_options = {.threads = options->threads};
    if (!strcmp(options->device, "auto")) {
        struct error ignored; /* no GPU is what auto provides for */
        if (!device_open(device, DEVICE_CUDA, &device_options, &ignored))
            return ERROR_NONE;
        return device_open(device, DEVICE_HOST, &device_options, error);
    }
    for (int kind = 0; kind < DEVICE_COUNT; kind++)
        if (!strcmp(options->device, device_kind_names[kind]))
            return device_open(device, (enum device_kind)kind, &device_options, error);
    return error_set(error, ERROR_USAGE, "--device %s: allowed: auto, cuda, host", options->device);
}

/*
 * Opens what the run writes to. Nothing is left of a run that cannot write what it is asked for: the folder of dumps
 * comes first, since all it does is to be there; the table last, since closing it prints.
 */
static enum error_kind open_sinks(struct run *run, struct error *error)
{
    const struct run_options *options = run->options;
    enum error_kind kind = ERROR_NONE;
    struct {
        const char *path;
        enum error_kind (*open)(struct sink *, const char *, struct error *);
    } files[] = {
        {options->dump, sink_open_dump},
        {options->results, sink_open_jsonl},
        {options->junit, sink_open_junit},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0] && !kind; i++)
        if (files[i].path) {
            kind = files[i].open(&run->sinks[run->num_sinks], files[i].path, error);
            run->num_sinks += !kind;
        }
    /* Records on stdout leave no room for the table. */
    if (!kind && (!options->results || strcmp(options->results, "-"))) {
        kind = sink_open_table(&run->sinks[run->num_sinks], error);
        run->num_sinks += !kind;
    }
    return kind;
}

/* ---- running ---- */

/* The inputs of the point, made unless they are those of the point before. */
static enum error_kind provide_inputs(struct run *run, const struct point *point, double *seconds, struct error *error)
{
    *seconds = 0;
    if (run->have_inputs && problem_spec_equal(&run->inputs_of, &point->problem))
        return ERROR_NONE;
    inputs_clear(&run->inputs);
    run->have_inputs = false;
    double start = now_s();
    progress_display_step(run->display, "inputs", 0);
    enum error_kind kind = inputs_generate(&run->inputs, &point->problem, run->options->threads, run->progress, error);
    *seconds = now_s() - start;
    run->inputs_of = point->problem;
    run->have_inputs = !kind;
    return kind;
}

static enum error_kind provide_truth(struct run *run, const struct truth_cache_entry **entry, const struct point *point,
                                     enum truth_method method, struct seconds *seconds, struct error *error)
{
    struct truth_options options = {
        .precision = point->truth_precision, .threads = run->options->threads, .progress = run->progress};
    *entry = truth_cache_find(&run->cache, &point->problem, method, point->truth_precision);
    seconds->truth_shared = *entry != NULL;
    if (*entry)
        return ERROR_NONE;
    double start = now_s();
    progress_display_step(run->display, "truth", (long)point->problem.seq_len * point->problem.num_heads);
    enum error_kind kind =
        truth_cache_compute(&run->cache, entry, &point->problem, method, &run->inputs.problem, &options, error);
    seconds->truth += now_s() - start;
    return kind;
}

static uint64_t digest_output(const struct output *output, const struct problem *problem)
{
    size_t size_bytes = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
    return XXH64(output->lse, (size_t)problem->num_heads * sizeof(float), XXH64(output->out, size_bytes, 0));
}

static enum status status_of(const struct point *point, const struct metrics *total)
{
    if (total->undecided > 0)
        return STATUS_ERROR;
    if (point->expect_fail)
        return total->mismatched ? STATUS_XFAIL : STATUS_XPASS;
    return total->mismatched ? STATUS_FAIL : STATUS_PASS;
}

/* The truth and the verdict. What a certificate leaves undecided is judged again by MPFR. */
static enum error_kind judge(struct run *run, const struct truth_cache_entry **entry, struct verdict *verdict,
                             const struct point *point, const struct output *output, struct seconds *seconds,
                             struct error *error)
{
    for (enum truth_method method = point->truth_method;; method = TRUTH_PLAIN) {
        enum error_kind kind = provide_truth(run, entry, point, method, seconds, error);
        if (kind)
            return kind;
        double start = now_s();
        verdict_clear(verdict);
        kind = verdict_reach(verdict, output, &(*entry)->truth, &run->inputs.problem, &point->tolerance, error);
        seconds->judge += now_s() - start;
        if (kind || verdict->total.undecided == 0 || method == TRUTH_PLAIN)
            return kind;
    }
}

/* Inputs, kernel, truth, verdict; record is filled as far as it came. */
static enum error_kind run_point(struct run *run, struct record *record, struct output *output, struct verdict *verdict,
                                 struct error *error)
{
    const struct point *point = record->point;
    const struct truth_cache_entry *entry;
    struct seconds *seconds = &record->seconds;
    enum error_kind kind = provide_inputs(run, point, &seconds->inputs, error);
    if (kind)
        return kind;
    const struct problem *problem = &run->inputs.problem;

    output->out = malloc((size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes);
    output->lse = malloc((size_t)problem->num_heads * sizeof *output->lse);
    if (!output->out || !output->lse)
        return error_memory(error, "the output", (double)problem_elements(problem) * sizeof(float));
    output_poison(output, problem);
    progress_display_step(run->display, "kernel", 0);
    kind = device_run(run->device, point->kernel, &point->kernel_options, &point->recipe, problem, output,
                      &seconds->kernel, error);
    if (kind)
        return kind;
    kind = judge(run, &entry, verdict, point, output, seconds, error);
    if (kind)
        return kind;
    record->status = status_of(point, &verdict->total);
    if (record->status == STATUS_ERROR)
        snprintf(record->error, sizeof record->error,
                 "the tolerance lies within the radius of the truth for %lld elements; raise truth_precision",
                 (long long)verdict->total.undecided);
    record->verdict = verdict;
    record->problem = problem;
    record->output = output;
    record->truth = &entry->truth;
    record->input_digest = run->inputs.digest;
    record->output_digest = digest_output(output, problem);
    record->truth_digest = entry->digest;
    return ERROR_NONE;
}

/* Runs a point and hands its record to every sink. A point that fails becomes a record too; the run goes on. */
static enum error_kind do_point(struct run *run, const struct point *point, struct error *error)
{
    struct output output = {0};
    struct verdict verdict = {0};
    struct error failure;
    struct record record = {
        .point = point,
        .device = device_kind_names[device_kind(run->device)],
        .device_name = device_name(run->device),
    };
    char key[POINT_KEY_SIZE];

    progress_display_point(run->display, point_key(key, point));
    enum error_kind kind = run_point(run, &record, &output, &verdict, &failure);
    if (kind == ERROR_INTERRUPTED) {
        error_set(error, kind, "%s", failure.text);
        goto out;
    }
    if (kind) {
        record.status = STATUS_ERROR;
        snprintf(record.error, sizeof record.error, "%.500s", failure.text);
        kind = ERROR_NONE;
    }
    run->summary.points_done++;
    run->summary.by_status[record.status]++;
    progress_display_hide(run->display);
    for (size_t i = 0; i < run->num_sinks && !kind; i++)
        kind = run->sinks[i].record(&run->sinks[i], &record, error);
    progress_display_show(run->display);
out:
    verdict_clear(&verdict);
    free(output.out);
    free(output.lse);
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
    struct run run = {.options = options, .progress = progress};
    struct case_list cases = {0};
    struct selection selection = {0};
    enum error_kind kind = ERROR_NONE;
    double start = now_s();

    for (size_t i = 0; i < options->num_paths && !kind; i++)
        kind = case_list_read(&cases, options->paths[i], options->settings, options->num_settings, error);
    if (!kind)
        kind = select_points(&selection, &cases, options, error);
    if (!kind)
        kind = check_memory(&selection, options, error);
    if (!kind)
        kind = open_device(&run.device, options, error);
    if (!kind)
        kind = open_sinks(&run, error);
    if (kind)
        goto out;

    progress->work_total = count_work(&selection);
    run.summary.points_total = selection.count;
    run.summary.device_name = device_name(run.device);
    run.display = progress_display_start(selection.count, progress);
    for (size_t i = 0; i < selection.count && !kind; i++)
        kind = progress_cancelled(progress) ? error_set(error, ERROR_INTERRUPTED, "interrupted")
                                            : do_point(&run, &selection.points[i], error);
    progress_display_stop(run.display);
out:
    run.summary.interrupted = kind == ERROR_INTERRUPTED;
    run.summary.elapsed_s = now_s() - start;
    for (size_t i = 0; i < run.num_sinks; i++) {
        struct error failure;
        enum error_kind closed = run.sinks[i].close(&run.sinks[i], &run.summary, &failure);
        if (closed && !kind)
            kind = error_set(error, closed, "%s", failure.text);
    }
    device_close(run.device);
    inputs_clear(&run.inputs);
    truth_cache_clear(&run.cache);
    free(selection.points);
    case_list_clear(&cases);
    return kind ? (int)kind : exit_code(&run.summary);
}
