/* Cases run on the caller's kernel, through the public interface. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alibicheck_run.h>

#include "harness/case/recipe_library.h"
#include "harness/evaluate/foreign_class.h"
#include "harness/report/record/record_field.h"
#include "harness/run/cases_api.h"
#include "harness/run/walk.h"
#include "harness/subject/callback.h"
#include "harness/subject/launch_watch.h"
#include "harness/support/json_value.h"
#include "harness/support/text_stream.h"
#include "harness/support/threads.h"
#include "reference/computing_environment.h"

struct alibicheck_results {
    size_t points, done, by_status[STATUS_COUNT];
    char *text, *failure; /* failure: NULL if there is none */
};

struct under_way {
    struct computing_environment caller;    /* what its thread had: its own functions have it while they run */
    const struct alibicheck_kernel *kernel; /* the caller's */
    struct alibicheck_kernel wrapped;       /* the same, with a launch that goes through here */
    struct foreign_kernel described;
    struct foreign_subject subject;
    struct callback callback;
    struct launch_watch watch; /* of its launches */
    alibicheck_record_function *record;
    void *context;
    struct alibicheck_run_progress *progress;
    struct selection_options options;
    struct selection selection;
    struct summary summary;
    struct alibicheck_results *results;
};

/* ---- the caller -------------------------------------------------------------------------------------------------- */

/* Floats are the default's for a kernel, wherever it is run. */
static int32_t launch(void *context, const struct alibicheck_kernel_launch *launch, char *text, uint64_t text_size)
{
    const struct under_way *run = context;
    uselocale(run->caller.locale);
    int32_t status = run->kernel->launch(run->kernel->context, launch, text, text_size);
    uselocale(run->caller.own);
    return status;
}

static int32_t hand_to_caller(struct under_way *run, const struct alibicheck_run_record *record)
{
    computing_environment_leave(&run->caller);
    int32_t answer = run->record(run->context, record);
    run->caller = computing_environment_enter();
    return answer;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* What a record comes to for people, with how its kernel failed to run: nothing if it is as expected. A new string, or
 * NULL. */
static char *message_of(const struct record *record)
{
    const struct outcome *outcome = &record->outcome;
    if (status_as_expected(outcome->status))
        return strdup("");
    char *headline = record_headline(record), *detail = headline ? record_detail(record, headline) : NULL;
    free(headline);
    return detail;
}

static bool keep_failure(struct alibicheck_results *results, const struct alibicheck_run_record *record)
{
    if (record->as_expected || results->failure)
        return true;
    if (asprintf(&results->failure, "%s\n%s", record->key, record->message) < 0)
        results->failure = NULL;
    return results->failure;
}

static enum error_kind take_record(struct sink *sink, const struct record *record, struct error *error)
{
    struct under_way *run = sink->state;
    enum error_kind kind = ERROR_NONE;
    char key[POINT_KEY_SIZE];
    json_t *object = record_to_json(record);
    char *json = object ? json_print(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL, *message = message_of(record);
    const struct alibicheck_run_record handed = {
        .index = (int64_t)record->place,
        .points = (int64_t)run->selection.count,
        .key = point_key(key, record->point),
        .status = status_names[record->outcome.status],
        .as_expected = status_as_expected(record->outcome.status),
        .json = json,
        .message = message,
    };
    json_decref(object);
    if (!json || !message || !keep_failure(run->results, &handed))
        kind = error_memory(error, "a record", 1 << 16);
    if (!kind)
        atomic_store(&run->progress->done, (long long)run->summary.points_done);
    if (!kind && run->record && hand_to_caller(run, &handed))
        kind = error_set(error, ERROR_INTERRUPTED, "stopped by the function that takes records");
    free(json);
    free(message);
    return kind;
}

static const struct sink_kind caller_sink = {.record = take_record};

/* ---- results ----------------------------------------------------------------------------------------------------- */

/* "48 points: 46 pass, 2 fail". */
static bool put_text(struct alibicheck_results *results)
{
    size_t size;
    FILE *stream = text_stream_open(&results->text, &size);
    const char *separator = ": ";
    if (!stream)
        return false;
    if (results->done < results->points)
        fprintf(stream, "stopped: %zu of ", results->done);
    fprintf(stream, "%zu point%s%s", results->points, results->points == 1 ? "" : "s",
            results->done < results->points ? " done" : "");
    for (int status = 0; status < STATUS_COUNT; status++)
        if (results->by_status[status] > 0) {
            fprintf(stream, "%s%zu %s", separator, results->by_status[status], status_names[status]);
            separator = ", ";
        }
    return fclose(stream) == 0 && results->text;
}

static enum error_kind put_down(struct under_way *run, struct error *failure)
{
    struct alibicheck_results *results = run->results;
    results->points = run->summary.points_total;
    results->done = run->summary.points_done;
    memcpy(results->by_status, run->summary.by_status, sizeof results->by_status);
    return put_text(results) ? ERROR_NONE : error_memory(failure, "results", 1024);
}

void alibicheck_results_free(alibicheck_results *results)
{
    if (!results)
        return;
    free(results->text);
    free(results->failure);
    free(results);
}

int alibicheck_results_passed(const alibicheck_results *results)
{
    if (!results || results->done < results->points || results->by_status[STATUS_SKIP] == results->points)
        return 0;
    for (int status = 0; status < STATUS_COUNT; status++)
        if (results->by_status[status] && !status_as_expected((enum status)status))
            return 0;
    return 1;
}

int64_t alibicheck_results_points(const alibicheck_results *results)
{
    return results ? (int64_t)results->points : 0;
}

int64_t alibicheck_results_count(const alibicheck_results *results, const char *status)
{
    enum status found = results && status ? status_find(status) : STATUS_COUNT;
    return found < STATUS_COUNT ? (int64_t)results->by_status[found] : -1;
}

const char *alibicheck_results_text(const alibicheck_results *results)
{
    return results ? results->text : "";
}

const char *alibicheck_results_failure(const alibicheck_results *results)
{
    return results && results->failure ? results->failure : "";
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static enum error_kind take_kernel(struct under_way *run, struct error *failure)
{
    enum error_kind kind = foreign_kernel_take(&run->described, run->kernel, "the kernel", failure);
    if (kind)
        return kind;
    if (run->described.on_cuda)
        return error_set(failure, ERROR_USAGE,
                         "the kernel has tensors in a GPU's memory; allowed: in this process's, or "
                         "as a plug-in of the program");
    run->wrapped = *run->kernel;
    run->wrapped.launch = launch;
    run->wrapped.context = run;
    run->callback = (struct callback){.kernel = &run->wrapped, .takes = run->described.takes, .giving = GIVE_A_COPY};
    run->subject = foreign_subject(&run->described, &callback_launcher, &run->callback);
    run->subject.subject.watch = &run->watch;
    return foreign_class_take(&run->subject, "the kernel", failure);
}

static enum error_kind choose_points(struct under_way *run, const struct alibicheck_cases *cases, struct error *failure)
{
    enum error_kind kind = cases_options(&run->options, cases, failure);
    run->options.foreign = selection_kernel(&run->subject);
    if (!kind && run->options.paths.count + run->options.num_texts == 0)
        kind = error_set(failure, ERROR_USAGE, "cases: there are none; allowed: paths and texts of cases");
    if (!kind)
        kind = selection_make(&run->selection, &run->options, failure);
    if (!kind)
        kind = selection_check_room(&run->selection, run->options.threads, 1, failure);
    if (!kind)
        kind = selection_check_references(&run->selection, failure);
    if (!kind && run->options.threads > 1)
        kind = threads_start(run->options.threads, failure);
    return kind;
}

static enum error_kind walk(struct under_way *run, struct error *failure)
{
    const size_t count = run->selection.count;
    const struct kept_record **none = calloc(count + 1, sizeof *none);
    struct work_order order = {.count = 0};
    enum error_kind kind = none ? work_order_make(&order, &run->selection, true, failure)
                                : error_memory(failure, "the list of points", (double)(count * sizeof *none));
    if (kind) {
        work_order_clear(&order);
        free(none);
        return kind;
    }
    const struct walk_foreign foreign = {.subject = &run->subject, .name = "a function of this process"};
    struct sink sink = {.kind = &caller_sink, .state = run};
    run->summary.points_total = count;
    run->summary.device_name = foreign.name;
    atomic_store(&run->progress->points, (long long)count);
    struct walk walk = {
        .selection = &run->selection,
        .order = &order,
        .asked = &run->options,
        .kept = none,
        .foreign = &foreign,
        .beside = side_by_side_given(count, 1),
        .threads = run->options.threads,
        .progress = &run->progress->progress,
        .sinks = &sink,
        .num_sinks = 1,
        .summary = &run->summary,
    };
    kind = walk_points(&walk, failure);
    work_order_clear(&order);
    free(none);
    return kind;
}

/* Everything between the caller's environment and the caller's environment. */
static enum error_kind run_cases(struct under_way *run, const struct alibicheck_cases *cases, struct error *failure)
{
    struct error unused;
    enum error_kind kind = recipe_library_hold(failure);
    if (kind)
        return kind;
    kind = take_kernel(run, failure);
    if (!kind)
        kind = choose_points(run, cases, failure);
    if (!kind)
        kind = walk(run, failure);
    if (!kind || kind == ERROR_INTERRUPTED) {
        enum error_kind put = put_down(run, kind ? &unused : failure);
        kind = kind ? kind : put;
    }
    callback_clear(&run->callback);
    launch_watch_clear(&run->watch);
    selection_clear(&run->selection);
    cases_options_clear(&run->options);
    recipe_library_release();
    return kind;
}

int alibicheck_run(alibicheck_results **results, const alibicheck_cases *cases, const struct alibicheck_kernel *kernel,
                   alibicheck_record_function *record, void *context, alibicheck_run_progress *progress,
                   struct alibicheck_error *error)
{
    struct error failure;
    struct alibicheck_run_progress own = {.done = 0};
    struct under_way run = {.kernel = kernel, .record = record, .context = context};
    if (!api_has(results, "results", &failure))
        return api_end(error, &failure);
    *results = NULL;
    if (!api_has(cases, "cases", &failure) || !api_has(kernel, "kernel", &failure))
        return api_end(error, &failure);
    run.progress = progress ? progress : &own;
    atomic_store(&run.progress->done, 0);
    atomic_store(&run.progress->points, 0);
    run.results = calloc(1, sizeof *run.results);
    enum error_kind kind = run.results ? ERROR_NONE : error_memory(&failure, "results", sizeof *run.results);
    if (!kind) {
        run.caller = computing_environment_enter();
        kind = run_cases(&run, cases, &failure);
        computing_environment_leave(&run.caller);
    }
    if (run.results && run.results->text) {
        *results = run.results;
    } else {
        alibicheck_results_free(run.results);
    }
    return api_end(error, kind ? &failure : NULL);
}
