#include "harness/report/file/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/library/verdict_fields.h"
#include "harness/report/file/continued_file.h"
#include "harness/report/file/record_file.h"
#include "harness/support/file.h"
#include "harness/support/json_value.h"
#include "harness/support/room.h"
#include "harness/support/source.h"

struct reading {
    struct kept *kept;
    const struct kept_run *run;
    json_t *build; /* of this program */
    bool *have;    /* [run->count] */
};

static enum error_kind refuse(const struct record_line *line, const char *what, const char *value, const char *allowed,
                              struct error *error)
{
    char path[PATH_QUOTE_SIZE], shown[PATH_QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s:%zu: the record is %s: %.200s; allowed: %s", quote_path(path, line->path),
                     line->line, what, quote_path(shown, value), allowed);
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

/* Whether the record's text at the path is this one. */
static bool has_text(const struct record_line *line, const char *path, const char *text)
{
    const char *found = json_string_value(record_at(line->object, path));
    return found && strcmp(found, text) == 0;
}

static bool has_digest(const struct record_line *line, const char *path, uint64_t digest)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, digest);
    return has_text(line, path, text);
}

static int compare_places(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The index of the record's point among those of the run, or run->count. */
static size_t find_point(const struct kept_run *run, const struct record_line *line)
{
    const json_t *index = record_at(line->object, "run.index");
    size_t place = (size_t)json_integer_value(index);
    const size_t *found = json_is_integer(index) && run->count > 0
                              ? bsearch(&place, run->places, run->count, sizeof place, compare_places)
                              : NULL;
    return found ? (size_t)(found - run->places) : run->count;
}

/* Whether the record is of the kernel's file, as far as that is known. */
static bool has_kernel(const struct record_line *line, const char *digest)
{
    const char *found = json_string_value(record_at(line->object, "kernel_digest"));
    return strcmp(found ? found : "", digest ? digest : "") == 0;
}

/* *at is the index of the record's point. */
static enum error_kind check_record(const struct reading *reading, const struct record_line *line, size_t *at,
                                    struct error *error)
{
    char key[POINT_KEY_SIZE];
    const struct kept_run *run = reading->run;
    const char *again = "records of the same command; without --resume the file is replaced";
    if (!has_digest(line, "run.digest", run->run->digest))
        return refuse(line, "of another run", line->key, again, error);
    *at = find_point(run, line);
    if (*at == run->count)
        return refuse(line, "of another shard", line->key, again, error);
    if (strcmp(point_key(key, &run->points[*at]), line->key) != 0 ||
        !has_digest(line, "point_digest", point_digest(&run->points[*at])))
        return refuse(line, "of another case", line->key, again, error);
    if (!has_text(line, "device", run->device))
        return refuse(line, "of another device", line->key, run->device, error);
    if (!run->any_build && !json_equal(json_object_get(line->object, "build"), reading->build))
        return refuse(line, "of another build", line->key, "records of this program; --any-build keeps them", error);
    if (!run->any_build && !has_kernel(line, run->kernel_digest))
        return refuse(line, "of another file of the kernel", line->key,
                      "records of the file that is run; --any-build keeps them", error);
    if (reading->have[*at])
        return refuse(line, "one of two", line->key, "a record a point", error);
    return ERROR_NONE;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static double sum_seconds(const json_t *record)
{
    const char *name;
    json_t *value;
    double sum = 0;
    json_object_foreach((json_t *)record_at(record, "seconds"), name, value) sum += json_number_value(value);
    return sum;
}

static const char *text_at(const json_t *record, const char *path)
{
    const char *text = json_string_value(record_at(record, path));
    return text ? text : "?";
}

/* Its numbers are in the file. */
static char *make_headline(const struct record_line *line, enum status status)
{
    char *headline = NULL, signature[PATH_QUOTE_SIZE], path[PATH_QUOTE_SIZE];
    if (status == STATUS_PASS)
        return NULL;
    const bool judged = status_is_judged(status);
    return asprintf(&headline, "%s%s%s; computed before: its record is in %s", status_names[status],
                    judged ? ", signature " : ": ",
                    quote_path(signature, text_at(line->object, judged ? "signature" : "error")),
                    quote_path(path, line->path)) < 0
               ? NULL
               : headline;
}

static enum error_kind add_record(struct kept *kept, const struct kept_record *record, struct error *error)
{
    struct kept_record *records = room_for_one(kept->records, &kept->capacity, kept->count, sizeof *records);
    if (!records)
        return error_memory(error, "the records that are kept", (double)(kept->count * sizeof *records));
    kept->records = records;
    kept->records[kept->count++] = *record;
    return ERROR_NONE;
}

static enum error_kind keep(void *context, const struct record_line *line, struct error *error)
{
    struct reading *reading = context;
    size_t at;
    enum status status = status_find(line->status);
    enum error_kind kind = check_record(reading, line, &at, error);
    if (kind)
        return kind;
    if (status == STATUS_COUNT)
        return refuse(line, "of an unknown status", line->status, "those of this program", error);
    if (!status_is_possible(status, reading->run->points[at].expect_fail))
        return refuse(line, "of a status that its case cannot come to", line->status, "what its case expects", error);
    struct kept_record record = {
        .at = at,
        .place = reading->run->places[at],
        .start = line->start,
        .size = line->whole_size,
        .status = status,
        .elapsed_s = sum_seconds(line->object),
        .headline = make_headline(line, status),
    };
    reading->have[at] = true;
    reading->kept->other_kernels += !has_kernel(line, reading->run->kernel_digest);
    if (record.status != STATUS_PASS && !record.headline)
        return error_memory(error, "a record", 1 << 10);
    kind = add_record(reading->kept, &record, error);
    if (kind)
        free(record.headline);
    return kind;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static enum error_kind open_file(struct kept *kept, bool looks_only, struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = continued_file_check(kept->path, error);
    if (kind)
        return kind;
    if (!looks_only)
        kind = file_hold(&kept->descriptor, kept->path, error);
    else if ((kept->descriptor = open(kept->path, O_RDONLY | O_CLOEXEC)) < 0 && errno != ENOENT)
        kind = error_set(error, ERROR_SYSTEM, "cannot read %s: %s", quote_path(path, kept->path), strerror(errno));
    kept->is_there = !kind && kept->descriptor >= 0;
    return kind;
}

static enum error_kind read_records(struct kept *kept, struct reading *reading, struct error *error)
{
    struct record_file_info info;
    enum error_kind kind = record_file_read_open(kept->descriptor, kept->path, keep, reading, &info, error);
    if (kind)
        return kind;
    kept->end = (off_t)info.whole_bytes;
    return continued_file_check_rest(kept->descriptor, kept->path, kept->end, error);
}

enum error_kind kept_read(struct kept *kept, const char *path, const struct kept_run *run, struct error *error)
{
    struct reading reading = {
        .kept = kept,
        .run = run,
        .build = build_to_json(),
        .have = calloc(run->count + 1, sizeof *reading.have),
    };
    enum error_kind kind = ERROR_NONE;
    *kept = (struct kept){.path = path};
    if (!reading.build || !reading.have)
        kind = error_memory(error, "the records that are kept", (double)run->count);
    if (!kind)
        kind = open_file(kept, run->looks_only, error);
    if (!kind && kept->is_there)
        kind = read_records(kept, &reading, error);
    free(reading.have);
    json_decref(reading.build);
    return kind;
}

void kept_clear(struct kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free(kept->records[i].headline);
    free(kept->records);
    if (kept->is_there)
        close(kept->descriptor);
    *kept = (struct kept){.path = NULL};
}
