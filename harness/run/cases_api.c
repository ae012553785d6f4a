/* Cases, and progress, through the public interface. */
#include "harness/run/cases_api.h"

#include <stdlib.h>
#include <string.h>

#include <alibicheck_run.h>

#include "harness/support/build_info.h"
#include "harness/support/room.h"
#include "harness/support/threads.h"

const char *alibicheck_run_version(void)
{
    return build_info.version;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static enum error_kind add(struct owned_strings *strings, const char *text, struct error *failure)
{
    char **items = room_for_one(strings->items, &strings->capacity, strings->count, sizeof *items);
    if (items)
        strings->items = items;
    char *copy = items ? strdup(text) : NULL;
    if (!copy)
        return error_memory(failure, "cases", (double)strlen(text));
    strings->items[strings->count++] = copy;
    return ERROR_NONE;
}

static void clear(struct owned_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
}

/* Adds text to a list of the cases: the end of a function that does no more. */
static int add_one(struct alibicheck_cases *cases, struct owned_strings *strings, const char *text, const char *name,
                   struct alibicheck_error *error)
{
    struct error failure;
    bool failed = !api_has(cases, "cases", &failure) || !api_has(text, name, &failure) || add(strings, text, &failure);
    return api_end(error, failed ? &failure : NULL);
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

int alibicheck_cases_new(alibicheck_cases **cases, struct alibicheck_error *error)
{
    struct error failure;
    if (!api_has(cases, "cases", &failure))
        return api_end(error, &failure);
    *cases = calloc(1, sizeof **cases);
    if (!*cases) {
        error_memory(&failure, "cases", sizeof **cases);
        return api_end(error, &failure);
    }
    return api_end(error, NULL);
}

void alibicheck_cases_free(alibicheck_cases *cases)
{
    if (!cases)
        return;
    clear(&cases->paths);
    clear(&cases->names);
    clear(&cases->texts);
    clear(&cases->settings);
    clear(&cases->only);
    clear(&cases->where);
    free(cases);
}

/* What is empty, or read from the caller's standard input, is no file of cases. */
int alibicheck_cases_add_path(alibicheck_cases *cases, const char *path, struct alibicheck_error *error)
{
    struct error failure;
    if (path && (!*path || !strcmp(path, "-"))) {
        error_set(&failure, ERROR_USAGE, "path: is \"%s\"; allowed: a case file or a folder of them", path);
        return api_end(error, &failure);
    }
    return add_one(cases, cases ? &cases->paths : NULL, path, "path", error);
}

int alibicheck_cases_add_text(alibicheck_cases *cases, const char *name, const char *text,
                              struct alibicheck_error *error)
{
    struct error failure;
    if (!api_has(cases, "cases", &failure) || !api_has(name, "name", &failure) || !api_has(text, "text", &failure))
        return api_end(error, &failure);
    if (!*name || strlen(text) > CASE_MAX_FILE_BYTES) {
        error_set(&failure, ERROR_USAGE, "%s; allowed: a name, and a text of up to %d bytes",
                  *name ? "text: is too long" : "name: is \"\"", CASE_MAX_FILE_BYTES);
        return api_end(error, &failure);
    }
    if (add(&cases->names, name, &failure))
        return api_end(error, &failure);
    if (add(&cases->texts, text, &failure)) {
        free(cases->names.items[--cases->names.count]);
        return api_end(error, &failure);
    }
    return api_end(error, NULL);
}

int alibicheck_cases_set(alibicheck_cases *cases, const char *setting, struct alibicheck_error *error)
{
    return add_one(cases, cases ? &cases->settings : NULL, setting, "setting", error);
}

int alibicheck_cases_only(alibicheck_cases *cases, const char *glob, struct alibicheck_error *error)
{
    return add_one(cases, cases ? &cases->only : NULL, glob, "glob", error);
}

int alibicheck_cases_where(alibicheck_cases *cases, const char *expression, struct alibicheck_error *error)
{
    return add_one(cases, cases ? &cases->where : NULL, expression, "expression", error);
}

int alibicheck_cases_set_threads(alibicheck_cases *cases, int threads, struct alibicheck_error *error)
{
    struct error failure;
    bool taken = api_has(cases, "cases", &failure) && api_take_threads(&cases->threads, threads, &failure);
    return api_end(error, taken ? NULL : &failure);
}

/* ---- what they ask for ------------------------------------------------------------------------------------------- */

static enum error_kind borrow(struct strings *strings, const struct owned_strings *owned, struct error *failure)
{
    strings->items = calloc(owned->count + 1, sizeof *strings->items);
    if (!strings->items)
        return error_memory(failure, "cases", (double)(owned->count * sizeof *strings->items));
    for (size_t i = 0; i < owned->count; i++)
        strings->items[i] = owned->items[i];
    strings->count = owned->count;
    return ERROR_NONE;
}

enum error_kind cases_options(struct selection_options *options, const struct alibicheck_cases *cases,
                              struct error *failure)
{
    const size_t num_texts = cases->texts.count;
    *options = (struct selection_options){.threads = cases->threads ? cases->threads : threads_default()};
    struct case_text *texts = calloc(num_texts + 1, sizeof *texts);
    if (!texts)
        return error_memory(failure, "cases", (double)(num_texts * sizeof *texts));
    for (size_t i = 0; i < num_texts; i++)
        texts[i] = (struct case_text){cases->names.items[i], cases->texts.items[i], strlen(cases->texts.items[i])};
    options->texts = texts;
    options->num_texts = num_texts;
    enum error_kind kind = borrow(&options->paths, &cases->paths, failure);
    if (!kind)
        kind = borrow(&options->settings, &cases->settings, failure);
    if (!kind)
        kind = borrow(&options->only, &cases->only, failure);
    if (!kind)
        kind = borrow(&options->where, &cases->where, failure);
    return kind;
}

void cases_options_clear(struct selection_options *options)
{
    free((void *)(uintptr_t)options->texts);
    free(options->paths.items);
    free(options->settings.items);
    free(options->only.items);
    free(options->where.items);
}

/* ---- progress ---------------------------------------------------------------------------------------------------- */

int alibicheck_run_progress_new(alibicheck_run_progress **progress, struct alibicheck_error *error)
{
    struct error failure;
    if (!api_has(progress, "progress", &failure))
        return api_end(error, &failure);
    *progress = calloc(1, sizeof **progress);
    if (!*progress) {
        error_memory(&failure, "progress", sizeof **progress);
        return api_end(error, &failure);
    }
    return api_end(error, NULL);
}

void alibicheck_run_progress_free(alibicheck_run_progress *progress)
{
    free(progress);
}

void alibicheck_run_progress_stop(alibicheck_run_progress *progress)
{
    if (progress)
        atomic_store_explicit(&progress->progress.cancelled, true, memory_order_relaxed);
}

void alibicheck_run_progress_read(const alibicheck_run_progress *progress, int64_t *done, int64_t *points)
{
    if (done)
        *done = progress ? atomic_load(&progress->done) : 0;
    if (points)
        *points = progress ? atomic_load(&progress->points) : 0;
}
