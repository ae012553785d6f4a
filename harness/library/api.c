#include "harness/library/api.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/build_info.h"
#include "harness/support/threads.h"

const char *alibicheck_version(void)
{
    return build_info.version;
}

/* ---- progress ---------------------------------------------------------------------------------------------------- */

int alibicheck_progress_new(alibicheck_progress **progress, struct alibicheck_error *error)
{
    struct error failure;
    if (!api_has(progress, "progress", &failure))
        return api_end(error, &failure);
    *progress = calloc(1, sizeof **progress);
    if (!*progress) {
        error_memory(&failure, "progress", sizeof **progress);
        return api_end(error, &failure);
    }
    atomic_store(&(*progress)->step, "");
    return api_end(error, NULL);
}

void alibicheck_progress_free(alibicheck_progress *progress)
{
    free(progress);
}

void alibicheck_progress_cancel(alibicheck_progress *progress)
{
    if (progress)
        atomic_store_explicit(&progress->progress.cancelled, true, memory_order_relaxed);
}

void alibicheck_progress_read(const alibicheck_progress *progress, const char **step, int64_t *done, int64_t *total)
{
    long work = 0, of = 0;
    if (progress) {
        of = atomic_load(&progress->total);
        work = atomic_load(&progress->progress.work_done) - atomic_load(&progress->begun);
    }
    if (step)
        *step = progress ? atomic_load(&progress->step) : "";
    if (done)
        *done = of == 0 || work < 0 ? 0 : work < of ? work : of;
    if (total)
        *total = of;
}

static void begin_step(void *context, const char *name, long work)
{
    struct alibicheck_progress *progress = context;
    atomic_store(&progress->begun, atomic_load(&progress->progress.work_done));
    atomic_store(&progress->total, work);
    atomic_store(&progress->step, name);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

const struct alibicheck_options api_default_options = {.tolerance = {-1, -1, -1}};

int alibicheck_options_new(alibicheck_options **options, struct alibicheck_error *error)
{
    struct error failure;
    if (!api_has(options, "options", &failure))
        return api_end(error, &failure);
    *options = malloc(sizeof **options);
    if (!*options) {
        error_memory(&failure, "options", sizeof **options);
        return api_end(error, &failure);
    }
    **options = api_default_options;
    return api_end(error, NULL);
}

void alibicheck_options_free(alibicheck_options *options)
{
    if (!options)
        return;
    free(options->bundle);
    free(options);
}

int alibicheck_options_set_tolerance(alibicheck_options *options, double atol, double rtol, double lse,
                                     struct alibicheck_error *error)
{
    const double numbers[] = {atol, rtol, lse};
    static const char *const names[] = {"atol", "rtol", "lse"};
    struct error failure;
    if (!api_has(options, "options", &failure))
        return api_end(error, &failure);
    for (int i = 0; i < 3; i++)
        if (!isfinite(numbers[i])) {
            error_set(&failure, ERROR_USAGE, "%s: is %g; allowed: numbers of 0 or more, below 0 for the default",
                      names[i], numbers[i]);
            return api_end(error, &failure);
        }
    options->tolerance = (struct tolerance){atol, rtol, lse};
    return api_end(error, NULL);
}

int alibicheck_options_set_threads(alibicheck_options *options, int threads, struct alibicheck_error *error)
{
    struct error failure;
    bool taken = api_has(options, "options", &failure) && api_take_threads(&options->threads, threads, &failure);
    return api_end(error, taken ? NULL : &failure);
}

/* "output, f32, or f32 with some of +weights16, ..." */
static void refuse_class(const char *name, struct error *failure)
{
    char roundings[512];
    size_t length = 0;
    roundings[0] = 0;
    for (int i = 2; class_word(i) && length < sizeof roundings; i++)
        length +=
            (size_t)snprintf(roundings + length, sizeof roundings - length, "%s+%s", i > 2 ? ", " : "", class_word(i));
    error_set(failure, ERROR_USAGE, "class \"%.64s\": allowed: any, output, f32, or f32 with some of %s", name,
              roundings);
}

int alibicheck_options_set_class(alibicheck_options *options, const char *name, struct alibicheck_error *error)
{
    struct error failure;
    struct class_demand demand = {.asked = true};
    if (!api_has(options, "options", &failure) || !api_has(name, "the name of a class", &failure))
        return api_end(error, &failure);
    if (!strcmp(name, "any")) {
        demand.asked = false;
    } else if (!class_parse(&demand.arithmetic, name, NULL)) {
        refuse_class(name, &failure);
        return api_end(error, &failure);
    }
    options->demand = demand;
    return api_end(error, NULL);
}

static int set_bundle(struct alibicheck_options *options, const char *path, int if_wrong, enum api_bundle of_kind,
                      struct alibicheck_error *error)
{
    struct error failure;
    char *copy = NULL;
    if (!api_has(options, "options", &failure))
        return api_end(error, &failure);
    if (path && !(copy = strdup(path))) {
        error_memory(&failure, "a path", (double)strlen(path));
        return api_end(error, &failure);
    }
    free(options->bundle);
    options->bundle = copy;
    options->bundle_if_wrong = if_wrong;
    options->bundle_kind = of_kind;
    return api_end(error, NULL);
}

int alibicheck_options_set_bundle(alibicheck_options *options, const char *path, int if_wrong,
                                  struct alibicheck_error *error)
{
    return set_bundle(options, path, if_wrong, API_BUNDLE, error);
}

int alibicheck_options_set_bundle_without_kv(alibicheck_options *options, const char *path, int if_wrong,
                                             struct alibicheck_error *error)
{
    return set_bundle(options, path, if_wrong, API_BUNDLE_WITHOUT_KV, error);
}

int alibicheck_options_set_private_bundle(alibicheck_options *options, const char *path, int if_wrong,
                                          struct alibicheck_error *error)
{
    return set_bundle(options, path, if_wrong, API_BUNDLE_PRIVATE, error);
}

int alibicheck_options_set_progress(alibicheck_options *options, alibicheck_progress *progress,
                                    struct alibicheck_error *error)
{
    struct error failure;
    if (!api_has(options, "options", &failure))
        return api_end(error, &failure);
    options->progress = progress;
    return api_end(error, NULL);
}

enum error_kind api_judging(struct judging *judging, const struct alibicheck_options *options, enum dtype dtype,
                            struct error *failure)
{
    if (!options)
        options = &api_default_options;
    *judging = (struct judging){
        .criterion = {.mode = JUDGE_TOLERANCE, .tolerance = options->tolerance, .budget = 1},
        .demand = options->demand,
        .truth_method = TRUTH_CERTIFIED,
        .truth_precision = TRUTH_DEFAULT_PRECISION,
        .threads = options->threads ? options->threads : threads_default(),
        .progress = options->progress ? &options->progress->progress : NULL,
        .step = options->progress ? begin_step : NULL,
        .context = options->progress,
        .step_keeps_names = true, /* alibicheck_progress_read returns them at any time */
    };
    tolerance_derive(&judging->criterion.tolerance, dtype);
    return judging->threads > 1 ? threads_start(judging->threads, failure) : ERROR_NONE;
}
