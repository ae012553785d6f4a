/*
 * libFuzzer entry for results files as --resume, merge and --last-failed read them: the records of a run, of which
 * bytes are changed, put in, taken out, and lines repeated or moved. Whatever is kept is a record of the point that it
 * is kept for; a merge that is complete is the run; who failed is found again.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/case/case.h"
#include "harness/report/file/failed_points.h"
#include "harness/report/file/kept.h"
#include "harness/report/file/merge.h"
#include "harness/report/file/record_file.h"
#include "harness/report/record/record_field.h"
#include "harness/support/tests/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUM_POINTS = 4, EDIT_BYTES = 4, FILE_MAX = 1 << 16 };

static const char case_text[] =
    "case: a\nseq_len: [1, 2]\nseed: [1, 18446744073709551615]\nnum_heads: 1\nhead_dim: 64\noracles: none\n";

/* The run, and the file that it has left; made once. */
static struct run {
    struct case_list cases;
    struct point points[NUM_POINTS];
    size_t places[NUM_POINTS];
    char keys[NUM_POINTS][POINT_KEY_SIZE];
    struct run_points run;
    char *text;
    size_t size;
    char folder[SCRATCH_SIZE], merged[SCRATCH_PATH_SIZE];
} the;

static void demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", promise);
    abort();
}

static void leave_no_folder(void)
{
    unlink(the.merged);
    rmdir(the.folder);
}

static void make_run(void)
{
    struct error error;
    demand(!case_list_parse(&the.cases, "fuzz", case_text, strlen(case_text), NULL, 0, &error), "a case");
    for (size_t i = 0; i < NUM_POINTS; i++) {
        case_point(the.cases.cases[0], i, &the.points[i]);
        the.places[i] = i;
        run_points_add(&the.run, point_key(the.keys[i], &the.points[i]), point_digest(&the.points[i]));
    }
    FILE *stream = open_memstream(&the.text, &the.size);
    demand(stream, "memory");
    for (size_t i = 0; i < NUM_POINTS; i++) {
        const struct record record = {.point = &the.points[i],
                                      .run = &the.run,
                                      .place = i,
                                      .device = "host",
                                      .device_name = "host",
                                      .outcome.status = i == 2 ? STATUS_FAIL : STATUS_PASS};
        json_t *object = record_to_json(&record);
        demand(object && json_dumpf(object, stream, JSON_COMPACT) == 0 && fputc('\n', stream) == '\n', "a record");
        json_decref(object);
    }
    demand(fclose(stream) == 0, "memory");
    demand(scratch_folder(the.folder, "fuzz_kept"), "a folder");
    snprintf(the.merged, sizeof the.merged, "%s/merged", the.folder);
    atexit(leave_no_folder);
}

/* ---- edits ------------------------------------------------------------------------------------------------------- */

/* The line at a place, [*start, *end) with its newline. */
static void find_line(const char *text, size_t size, size_t at, size_t *start, size_t *end)
{
    for (*start = at; *start > 0 && text[*start - 1] != '\n'; --*start)
        continue;
    for (*end = at; *end < size && text[*end] != '\n'; ++*end)
        continue;
    *end += *end < size;
}

/* One edit: what is done, where, and with which byte. */
static void edit(char *text, size_t *size, const uint8_t *by)
{
    size_t at = *size > 0 ? (size_t)(by[1] | by[2] << 8) % *size : 0, start, end;
    find_line(text, *size, at, &start, &end);
    switch (by[0] % 6) {
    case 0:
        text[at] = (char)by[3];
        return;
    case 1: /* put in */
        memmove(text + at + 1, text + at, *size - at);
        text[at] = (char)by[3];
        ++*size;
        return;
    case 2: /* take out */
        end = at + by[3] < *size ? at + by[3] : *size;
        memmove(text + at, text + end, *size - end);
        *size -= end - at;
        return;
    case 3: /* cut */
        *size = at;
        return;
    case 4: /* repeat the line at the end */
        memcpy(text + *size, text + start, end - start);
        *size += end - start;
        return;
    default: /* take it out */
        memmove(text + start, text + end, *size - end);
        *size -= end - start;
    }
}

/* ---- promises ---------------------------------------------------------------------------------------------------- */

static void check_error(enum error_kind kind, const struct error *error)
{
    demand(kind == ERROR_USAGE && *error->text, "what is no record of the run is refused with a reason");
    for (const char *c = error->text; *c; c++)
        demand((unsigned char)*c >= ' ', "the reason is one printable line");
}

static void check_kept(const char *path, const char *text, size_t size)
{
    const struct kept_run run = {.run = &the.run,
                                 .points = the.points,
                                 .places = the.places,
                                 .count = NUM_POINTS,
                                 .device = "host",
                                 .any_build = true};
    bool have[NUM_POINTS] = {false};
    struct kept kept;
    struct error error = {.text = ""};
    enum error_kind kind = kept_read(&kept, path, &run, &error);
    if (kind)
        check_error(kind, &error);
    demand(kind || (kept.is_there && kept.end >= 0 && (size_t)kept.end <= size), "it ends within the file");
    for (size_t i = 0; i < kept.count && !kind; i++) {
        const struct kept_record *record = &kept.records[i];
        demand(record->place < NUM_POINTS && !have[record->place], "a record a point");
        demand((size_t)record->start + record->size <= (size_t)kept.end, "a record is in what is kept");
        json_t *object = json_loadb(text + record->start, record->size, 0, NULL);
        const char *key = json_string_value(json_object_get(object, "key"));
        const char *status = json_string_value(json_object_get(object, "status"));
        demand(key && strcmp(key, the.keys[record->place]) == 0, "a record of its point");
        demand(status && strcmp(status, status_names[record->status]) == 0, "a status as it is written");
        have[record->place] = true;
        json_decref(object);
    }
    kept_clear(&kept);
}

static enum error_kind check_place(void *context, const struct record_line *line, struct error *error)
{
    size_t *next = context;
    (void)error;
    demand(*next < NUM_POINTS && strcmp(line->key, the.keys[*next]) == 0, "a complete merge is the run");
    ++*next;
    return ERROR_NONE;
}

static void check_merge(const char *path)
{
    const struct merge_options options = {&path, 1, the.merged, false};
    struct merge_result result;
    struct error error = {.text = ""};
    FILE *notes = fopen("/dev/null", "w");
    demand(notes, "/dev/null");
    unlink(the.merged);
    enum error_kind kind = merge_results(&result, &options, notes, &error);
    fclose(notes);
    demand(kind || (access(the.merged, F_OK) == 0) == (result.num_contradictions == 0),
           "nothing is written of what contradicts itself");
    if (kind)
        check_error(kind, &error);
    else if (result.num_contradictions == 0 && result.num_records == result.num_points) {
        size_t next = 0;
        demand(!record_file_read(the.merged, check_place, &next, NULL, &error) && next == NUM_POINTS, "all are there");
    }
}

static enum error_kind find_failure(void *context, const struct record_line *line, struct error *error)
{
    (void)error;
    demand(failed_points_has(context, line->key) || status_name_as_expected(line->status), "who failed is found");
    return ERROR_NONE;
}

static void check_failed(const char *path)
{
    struct failed_points *failed;
    struct record_file_info info;
    struct error error = {.text = ""};
    enum error_kind kind = failed_points_read(&failed, path, &error);
    if (kind) {
        check_error(kind, &error);
        return;
    }
    demand(failed_points_count(failed) > 0 && !record_file_read(path, find_failure, failed, &info, &error), "failures");
    failed_points_free(failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[2 * FILE_MAX];
    char path[64];
    if (!the.text)
        make_run();
    size_t length = the.size;
    demand(length < FILE_MAX / 2, "room for edits");
    memcpy(text, the.text, length);
    for (size_t i = 0; i + EDIT_BYTES <= size && length < FILE_MAX; i += EDIT_BYTES)
        edit(text, &length, data + i);
    int file = memfd_create("results", 0);
    demand(file >= 0 && write(file, text, length) == (ssize_t)length, "a file");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    check_kept(path, text, length);
    check_merge(path);
    check_failed(path);
    close(file);
    return 0;
}
