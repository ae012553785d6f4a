#include "harness/report/sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/report/record/record_field.h"
#include "harness/support/json_value.h"
#include "harness/support/replacement.h"
#include "harness/support/room.h"

/* A line of the file, and the place of its point in the run. */
struct line {
    size_t place, size;
    off_t start;
};

struct jsonl {
    int descriptor;
    bool is_file; /* its records can be put in order */
    off_t end;    /* of the last complete record */
    struct line *lines;
    size_t num_lines, capacity;
    time_t synced_s; /* when the disk was last waited for */
};

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static enum error_kind add_line(struct jsonl *jsonl, size_t place, off_t start, size_t size, struct error *error)
{
    struct line *lines = room_for_one(jsonl->lines, &jsonl->capacity, jsonl->num_lines, sizeof *lines);
    if (!lines)
        return error_memory(error, "the results", (double)(jsonl->num_lines * sizeof *lines));
    jsonl->lines = lines;
    jsonl->lines[jsonl->num_lines++] = (struct line){place, size, start};
    return ERROR_NONE;
}

/* A pipe or a device cannot be waited for. A disk tells only once that it has lost what was written. */
static enum error_kind sync_file(const struct jsonl *jsonl, const char *path, struct error *error)
{
    if (!jsonl->is_file || fdatasync(jsonl->descriptor) == 0 || errno == EINVAL || errno == EROFS)
        return ERROR_NONE;
    return error_set(error, ERROR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
}

/* What was written more than a second ago is on disk, so that a machine that loses its power loses no more than
 * that. */
static enum error_kind sync_now_and_then(struct jsonl *jsonl, const char *path, struct error *error)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0 || now.tv_sec == jsonl->synced_s)
        return ERROR_NONE;
    jsonl->synced_s = now.tv_sec;
    return sync_file(jsonl, path, error);
}

/* One line, one write: whoever reads the file while a run goes on sees whole records. */
static enum error_kind write_record(struct sink *sink, const struct record *record, struct error *error)
{
    struct jsonl *jsonl = sink->state;
    json_t *object = record_to_json(record);
    char *text = object ? json_print(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    json_decref(object);
    if (!text)
        return error_memory(error, "a record", 1 << 16);

    size_t size = strlen(text);
    text[size++] = '\n'; /* in the place of the terminator */
    enum error_kind kind = file_write(jsonl->descriptor, sink->path, text, size, error);
    free(text);
    if (!kind)
        kind = add_line(jsonl, record->place, jsonl->end, size, error);
    else if (!jsonl->is_file || ftruncate(jsonl->descriptor, jsonl->end) != 0)
        return kind; /* a pipe or a device keeps its half line; of standard output this does not know where it began */
    if (kind)
        return kind;
    jsonl->end += (off_t)size;
    return sync_now_and_then(jsonl, sink->path, error);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* Whether the file has the lines one after the other, by their places, and nothing else. */
static bool is_in_order(const struct jsonl *jsonl)
{
    off_t end = 0;
    for (size_t i = 0; i < jsonl->num_lines; i++) {
        const struct line *line = &jsonl->lines[i];
        if (line->start != end || (i > 0 && line[-1].place > line->place))
            return false;
        end = line->start + (off_t)line->size;
    }
    return end == jsonl->end;
}

/* Points may end in another order than that of the run; the file has it in the end. It is replaced when that is done,
 * and has all its records in some order until then. */
static enum error_kind put_in_order(struct jsonl *jsonl, const char *path, struct error *error)
{
    struct replacement ordered;
    qsort(jsonl->lines, jsonl->num_lines, sizeof *jsonl->lines, compare_lines);
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return error_set(error, ERROR_SYSTEM, "cannot read %s: %s", path, strerror(errno));
    enum error_kind kind = replacement_open(&ordered, path, error);
    bool begun = !kind;
    for (size_t i = 0; i < jsonl->num_lines && !kind; i++)
        kind = file_copy(ordered.descriptor, ordered.target, from, path, jsonl->lines[i].start, jsonl->lines[i].size,
                         error);
    if (begun && kind)
        replacement_drop(&ordered);
    else if (begun)
        kind = replacement_keep(&ordered, error);
    close(from);
    return kind;
}

/* ---- open and close ---------------------------------------------------------------------------------------------- */

static void free_jsonl(struct jsonl *jsonl)
{
    free(jsonl->lines);
    free(jsonl);
}

/* Brings the file to what it is to be in the end. */
static enum error_kind finish(struct jsonl *jsonl, const char *path, struct error *error)
{
    if (!jsonl->is_file)
        return ERROR_NONE;
    if (!file_is_at(jsonl->descriptor, path))
        return error_set(error, ERROR_SYSTEM,
                         "%s was removed, or another file put in its place, while its records were written", path);
    return is_in_order(jsonl) ? sync_file(jsonl, path, error) : put_in_order(jsonl, path, error);
}

static enum error_kind close_jsonl(struct sink *sink, const struct summary *summary, struct error *error)
{
    (void)summary;
    struct jsonl *jsonl = sink->state;
    enum error_kind kind = finish(jsonl, sink->path, error);
    enum error_kind closed = file_close(jsonl->descriptor, sink->path, kind ? NULL : error);
    free_jsonl(jsonl);
    sink->state = NULL;
    return kind ? kind : closed;
}

static enum error_kind open_file(int *descriptor, const char *path, const struct kept *kept, struct error *error)
{
    if (kept && kept->is_there)
        return file_continue(descriptor, kept->descriptor, path, kept->end, error);
    return kept && kept->path ? file_create_new(descriptor, path, error) : file_create(descriptor, path, error);
}

/* Standard output is not replaced, whatever it is. */
static bool is_replaceable(const char *path, int descriptor)
{
    struct stat status;
    return strcmp(path, "-") != 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

static enum error_kind open_jsonl(struct sink *sink, struct error *error)
{
    const struct kept *kept = sink->plan ? sink->plan->kept : NULL;
    struct jsonl *jsonl = calloc(1, sizeof *jsonl);
    if (!jsonl)
        return error_memory(error, "the results", sizeof *jsonl);
    enum error_kind kind = open_file(&jsonl->descriptor, sink->path, kept, error);
    for (size_t i = 0; kept && i < kept->count && !kind; i++)
        kind = add_line(jsonl, kept->records[i].place, kept->records[i].start, kept->records[i].size, error);
    if (kind) {
        file_close(jsonl->descriptor, sink->path, NULL);
        free_jsonl(jsonl);
        return kind;
    }
    jsonl->is_file = is_replaceable(sink->path, jsonl->descriptor);
    jsonl->end = kept ? kept->end : 0;
    sink->state = jsonl;
    return ERROR_NONE;
}

/* JSON Lines, one record a line, flushed at each, in the order of points when the run has come to its end; what is no
 * file has them in the order in which points ended. */
const struct sink_kind sink_jsonl = {
    .option = "results",
    .about = "write records as JSON Lines, each as its point ends; replaces FILE; - is stdout",
    .target = SINK_TO_FILE_OR_STDOUT,
    .without_keys = true,
    .open = open_jsonl,
    .record = write_record,
    .close = close_jsonl,
};
