#include "harness/report/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/report/record_field.h"
#include "harness/support/json_value.h"
#include "harness/support/file.h"

struct jsonl {
    int descriptor;
    off_t end; /* of the last complete record */
};

/* One line, one write: whoever reads the file while a run goes on sees whole records. */
static enum error_kind write_record(struct sink *sink, const struct record *record, struct error *error)
{
    struct jsonl *jsonl = sink->state;
    json_t *object = record_to_json(record);
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    json_decref(object);
    if (!text)
        return error_memory(error, "a record", 1 << 16);

    size_t size = strlen(text);
    text[size++] = '\n'; /* in the place of the terminator */
    enum error_kind kind = file_write(jsonl->descriptor, sink->path, text, size, error);
    free(text);
    if (!kind)
        jsonl->end += (off_t)size;
    else if (ftruncate(jsonl->descriptor, jsonl->end) != 0)
        return kind; /* a pipe or a device, which keeps its half line */
    return kind;
}

static enum error_kind close_jsonl(struct sink *sink, const struct summary *summary, struct error *error)
{
    (void)summary;
    struct jsonl *jsonl = sink->state;
    enum error_kind kind = file_close(jsonl->descriptor, sink->path, error);
    free(jsonl);
    sink->state = NULL;
    return kind;
}

static enum error_kind open_jsonl(struct sink *sink, struct error *error)
{
    struct jsonl *jsonl = calloc(1, sizeof *jsonl);
    if (!jsonl)
        return error_memory(error, "the results", sizeof *jsonl);
    enum error_kind kind = file_create(&jsonl->descriptor, sink->path, error);
    if (kind) {
        free(jsonl);
        return kind;
    }
    sink->state = jsonl;
    return ERROR_NONE;
}

/* JSON Lines, one record a line, flushed at each. */
const struct sink_kind sink_jsonl = {
    .option = "results",
    .about = "write records as JSON Lines, each as its point ends; replaces FILE; - is stdout",
    .target = SINK_TO_FILE_OR_STDOUT,
    .open = open_jsonl,
    .record = write_record,
    .close = close_jsonl,
};
