#include "harness/report/sink/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/problem/dumped_file.h"
#include "harness/report/record/record_field.h"
#include "harness/support/json_value.h"
#include "harness/support/npy.h"
#include "harness/support/replacement.h"
#include "harness/support/text.h"

static const void *get_q(const struct record *record)
{
    return record->problem ? record->problem->q : NULL;
}

static const void *get_k(const struct record *record)
{
    return record->problem ? record->problem->k : NULL;
}

static const void *get_v(const struct record *record)
{
    return record->problem ? record->problem->v : NULL;
}

static const void *get_slopes(const struct record *record)
{
    return record->problem ? record->problem->slopes : NULL;
}

static const void *get_sinks(const struct record *record)
{
    return record->problem ? record->problem->sink_logits : NULL;
}

static const void *get_out(const struct record *record)
{
    return record->output ? record->output->out : NULL;
}

static const void *get_lse(const struct record *record)
{
    return record->output ? record->output->lse : NULL;
}

static const void *get_truth(const struct record *record)
{
    return record->truth ? record->truth->value : NULL;
}

static const void *get_truth_tail(const struct record *record)
{
    return record->truth ? record->truth->tail : NULL;
}

static const void *get_truth_radius(const struct record *record)
{
    return record->truth ? record->truth->radius : NULL;
}

static const void *get_truth_lse(const struct record *record)
{
    return record->truth ? record->truth->lse : NULL;
}

/* NULL if the run did not come so far. */
static const void *(*const getters[DUMPED_COUNT])(const struct record *record) = {
    [DUMPED_Q] = get_q,
    [DUMPED_K] = get_k,
    [DUMPED_V] = get_v,
    [DUMPED_SLOPES] = get_slopes,
    [DUMPED_SINKS] = get_sinks,
    [DUMPED_OUT] = get_out,
    [DUMPED_LSE] = get_lse,
    [DUMPED_TRUTH] = get_truth,
    [DUMPED_TRUTH_TAIL] = get_truth_tail,
    [DUMPED_TRUTH_RADIUS] = get_truth_radius,
    [DUMPED_TRUTH_LSE] = get_truth_lse,
};

static enum error_kind remove_file(const char *path, struct error *error)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return ERROR_NONE;
    return error_set(error, ERROR_SYSTEM, "cannot remove %s: %s", path, strerror(errno));
}

/* Writes one array, or removes what an earlier run left under its name where this one has none. */
static enum error_kind write_array(const char *folder, enum dumped_tensor tensor, const struct record *record,
                                   struct error *error)
{
    const struct npy_header header = dumped_header(tensor, &record->point->problem);
    struct npy_array array = {.type = header.type, .num_axes = header.num_axes, .data = getters[tensor](record)};
    char *path = file_join(folder, dumped_file_name(tensor));
    if (!path)
        return error_memory(error, "a path", (double)strlen(folder));
    memcpy(array.shape, header.shape, sizeof array.shape);
    enum error_kind kind = array.data ? npy_write(path, &array, error) : remove_file(path, error);
    free(path);
    return kind;
}

/* The removed keys as [first, end) pairs in ascending order; null if every key is visible. Takes the place of the
 * record's mask, which describes them. */
static json_t *mask_to_json(const struct problem *problem)
{
    if (!problem || !problem->visible)
        return json_null();
    json_t *ranges = json_array();
    for (int64_t key = 0; key < problem->seq_len; key++) {
        if (problem_visible(problem, key))
            continue;
        int64_t end = key;
        while (end < problem->seq_len && !problem_visible(problem, end))
            end++;
        if (json_array_append_new(ranges, json_pack("[I, I]", (json_int_t)key, (json_int_t)end)) != 0) {
            json_decref(ranges);
            return NULL;
        }
        key = end;
    }
    return ranges;
}

static enum error_kind write_text(const char *path, const char *text, size_t size, struct error *error)
{
    struct replacement file;
    enum error_kind kind = replacement_open(&file, path, error);
    if (kind)
        return kind;
    kind = file_write(file.descriptor, path, text, size, error);
    if (!kind)
        return replacement_keep(&file, error);
    replacement_drop(&file);
    return kind;
}

static enum error_kind write_point(const char *path, const struct record *record, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    char *text = NULL;
    json_t *object = record_to_json(record);
    if (object && json_object_set_new(object, "mask", mask_to_json(record->problem)) == 0)
        text = json_print(object, JSON_INDENT(2) | JSON_PRINT_FLAGS);
    if (text) {
        size_t size = strlen(text);
        text[size++] = '\n'; /* in the place of the terminator */
        kind = write_text(path, text, size, error);
    } else {
        kind = error_memory(error, "a record", 1 << 16);
    }
    json_decref(object);
    free(text);
    return kind;
}

/* point.json is the last one written and the first one removed: where it is, the arrays beside it are all its own. */
static enum error_kind write_files(const char *folder, const struct record *record, struct error *error)
{
    char *path = file_join(folder, "point.json");
    if (!path)
        return error_memory(error, "a path", (double)strlen(folder));
    enum error_kind kind = remove_file(path, error);
    for (int tensor = 0; !kind && tensor < DUMPED_COUNT; tensor++)
        kind = write_array(folder, (enum dumped_tensor)tensor, record, error);
    if (!kind)
        kind = write_point(path, record, error);
    free(path);
    return kind;
}

static enum error_kind dump_record(struct sink *sink, const struct record *record, struct error *error)
{
    char key[POINT_KEY_SIZE];
    char *name = text_file_name(point_key(key, record->point));
    char *folder = name ? file_join(sink->path, name) : NULL;
    enum error_kind kind =
        folder ? file_make_folders(folder, error) : error_memory(error, "a path", (double)POINT_KEY_SIZE);
    if (!kind)
        kind = write_files(folder, record, error);
    free(folder);
    free(name);
    return kind;
}

static enum error_kind close_dump(struct sink *sink, const struct summary *summary, struct error *error)
{
    (void)sink;
    (void)summary;
    (void)error;
    return ERROR_NONE;
}

static enum error_kind open_dump(struct sink *sink, struct error *error)
{
    enum error_kind kind = file_make_folders(sink->path, error);
    if (kind)
        return kind;
    if (access(sink->path, W_OK | X_OK) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot write into folder %s: %s", sink->path, strerror(errno));
    return ERROR_NONE;
}

/* A dump holds k and v whole. */
static enum error_kind check_dump(const char *path, const struct point *point, struct error *error)
{
    char key[POINT_KEY_SIZE], size[32];
    if (problem_spec_parts(&point->problem) == 1)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "--dump %s: point %.300s is too large to be in memory whole; allowed: k and v up to %s", path,
                     point_key(key, point), format_size(size, 4.0 * PART_BYTES));
}

/* One folder a point below path, with NumPy files and point.json: the record, with the removed keys for its mask. */
const struct sink_kind sink_dump = {
    .option = "dump",
    .about = "write inputs, output and truth of every point as NumPy files",
    .target = SINK_TO_FOLDER,
    .check = check_dump,
    .open = open_dump,
    .record = dump_record,
    .close = close_dump,
};
