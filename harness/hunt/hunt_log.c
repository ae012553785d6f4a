#include "harness/hunt/hunt_log.h"

#include <inttypes.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/library/verdict_fields.h"
#include "harness/report/file/continued_file.h"
#include "harness/report/file/record_file.h"
#include "harness/report/record/record_field.h"
#include "harness/support/file.h"
#include "harness/support/json_value.h"
#include "harness/support/source.h"

/* ---- trials ------------------------------------------------------------------------------------------------------ */

struct known {
    uint64_t digest;
    struct trial trial;
    bool is_kept;
};

static int compare_known(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return (x->digest > y->digest) - (x->digest < y->digest);
}

static enum error_kind know(struct hunt_log *log, uint64_t digest, const struct trial *trial, bool is_kept,
                            struct error *error)
{
    struct known *known = malloc(sizeof *known), **found;
    if (known)
        *known = (struct known){digest, *trial, is_kept};
    found = known ? tsearch(known, &log->trials, compare_known) : NULL;
    if (!found || *found != known)
        free(known);
    return found ? ERROR_NONE : error_memory(error, "a trial", sizeof *known);
}

bool hunt_log_find(const struct hunt_log *log, uint64_t digest, struct trial *trial, bool *is_kept)
{
    const struct known wanted = {.digest = digest};
    struct known *const *found = log->trials ? tfind(&wanted, &log->trials, compare_known) : NULL;
    *is_kept = found && (*found)->is_kept;
    if (found)
        *trial = (*found)->trial;
    return found != NULL;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct log_reading {
    struct hunt_log *log;
    json_t *build;    /* of this program; NULL: any is taken */
    bool has_planned; /* a line has said it */
};

static enum error_kind refuse(const struct record_line *line, const char *what, const char *is, const char *allowed,
                              struct error *error)
{
    char shown[PATH_QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s:%zu: %s: %s; allowed: %s", quote_path(shown, line->path), line->line, what,
                     is ? is : "", allowed);
}

static const char *string_of(const json_t *hunt, const char *name)
{
    const char *text = json_string_value(json_object_get(hunt, name));
    return text ? text : "";
}

/* A record says how many evaluations the hunt was to have that began the file; those of older programs do not. */
static enum error_kind read_planned(struct log_reading *reading, const struct record_line *line, const json_t *hunt,
                                    struct error *error)
{
    const json_t *said = json_object_get(hunt, "evaluations");
    if (said && (!json_is_integer(said) || json_integer_value(said) < 1 || json_integer_value(said) > LONG_MAX))
        return refuse(line, "not a record of a hunt", "its evaluations", "a whole number from 1 on", error);
    if (said && !reading->has_planned)
        reading->log->planned = (long)json_integer_value(said);
    reading->has_planned |= said != NULL;
    return ERROR_NONE;
}

static enum error_kind keep_line(void *context, const struct record_line *line, struct error *error)
{
    struct log_reading *reading = context;
    struct hunt_log *log = reading->log;
    const json_t *hunt = json_object_get(line->object, "hunt");
    struct trial trial;
    uint64_t digest = 0;
    if (!json_is_object(hunt) || !record_number(json_object_get(hunt, "value"), &trial.value) ||
        sscanf(string_of(hunt, "digest"), "%16" SCNx64, &digest) != 1)
        return refuse(line, "not a record of a hunt", line->key, "a file that `alibicheck hunt --results` wrote",
                      error);
    if (strcmp(string_of(hunt, "objective"), log->objective) != 0)
        return refuse(line, "a hunt by another objective", string_of(hunt, "objective"), log->objective, error);
    if (strcmp(string_of(hunt, "subject"), log->subject) != 0)
        return refuse(line, "a hunt of another subject", string_of(hunt, "subject"), log->subject, error);
    if (reading->build && !json_equal(json_object_get(line->object, "build"), reading->build))
        return refuse(line, "a record of another build", line->key, "with --any-build, which keeps it all the same",
                      error);
    if (reading->build && strcmp(string_of(line->object, "kernel_digest"), log->kernel_digest) != 0)
        return refuse(line, "a record of another file of the kernel", line->key,
                      "with --any-build, which keeps it all the same", error);
    enum error_kind kind = read_planned(reading, line, hunt, error);
    if (kind)
        return kind;
    snprintf(trial.failure, sizeof trial.failure, "%s", string_of(hunt, "failure"));
    return know(log, digest, &trial, true, error);
}

static enum error_kind read_kept(struct hunt_log *log, bool any_build, struct error *error)
{
    struct record_file_info info = {0};
    struct log_reading reading = {.log = log};
    if (!any_build) {
        reading.build = build_to_json();
        if (!reading.build)
            return error_memory(error, "a record", 1024);
    }
    enum error_kind kind = record_file_read_open(log->held, log->path, keep_line, &reading, &info, error);
    log->end = (off_t)info.whole_bytes;
    json_decref(reading.build);
    return kind ? kind : continued_file_check_rest(log->held, log->path, log->end, error);
}

enum error_kind hunt_log_open(struct hunt_log *log, bool resume, bool any_build, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    log->held = log->descriptor = -1;
    if (!log->path)
        return ERROR_NONE;
    if (resume)
        kind = continued_file_check(log->path, error);
    if (resume && !kind)
        kind = file_hold(&log->held, log->path, error);
    if (!kind && log->held >= 0)
        kind = read_kept(log, any_build, error);
    if (kind)
        return kind;
    if (log->held >= 0)
        return file_continue(&log->descriptor, log->held, log->path, log->end, error);
    return resume ? file_create_new(&log->descriptor, log->path, error)
                  : file_create(&log->descriptor, log->path, error);
}

void hunt_log_close(struct hunt_log *log)
{
    if (log->path) {
        file_close(log->descriptor, log->path, NULL);
        file_close(log->held, log->path, NULL);
    }
    tdestroy(log->trials, free);
    log->trials = NULL;
    log->held = log->descriptor = -1;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static json_t *hunt_to_json(const struct hunt_log *log, uint64_t digest, const struct trial *trial, const char *text)
{
    json_t *hunt = json_object();
    bool complete =
        json_put(hunt, "objective", json_string(log->objective)) &&
        json_put(hunt, "value", json_from_double(trial->value)) &&
        json_put(hunt, "failure", json_string(trial->failure)) &&
        json_put(hunt, "subject", json_from_text(log->subject)) && json_put(hunt, "digest", json_from_digest(digest)) &&
        json_put(hunt, "case", json_from_text(text)) && json_put(hunt, "evaluations", json_integer(log->planned));
    return json_finish(hunt, complete);
}

enum error_kind hunt_log_add(struct hunt_log *log, uint64_t digest, const struct trial *trial,
                             const struct record *record, const char *text, struct error *error)
{
    if (!log->path)
        return know(log, digest, trial, false, error);
    json_t *object = record_to_json(record);
    bool complete = object && json_put(object, "hunt", hunt_to_json(log, digest, trial, text));
    char *line = complete ? json_print(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    json_decref(object);
    if (!line)
        return error_memory(error, "a record", 1 << 16);
    size_t size = strlen(line);
    line[size++] = '\n'; /* in the place of the terminator */
    enum error_kind kind = file_write(log->descriptor, log->path, line, size, error);
    free(line);
    if (kind)
        return kind; /* half a line at the end is not read again */
    log->end += (off_t)size;
    return know(log, digest, trial, false, error);
}
