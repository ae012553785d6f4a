#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/library/bundle.h"
#include "harness/report/sink/sink.h"
#include "harness/support/file.h"
#include "harness/support/text.h"

static enum error_kind open_bundles(struct sink *sink, struct error *error)
{
    enum error_kind kind = file_make_folders(sink->path, error);
    if (!kind && access(sink->path, W_OK | X_OK) != 0)
        kind = error_set(error, ERROR_SYSTEM, "cannot write into folder %s: %s", sink->path, strerror(errno));
    return kind;
}

/* A point that did not come to an output leaves no bundle. */
static enum error_kind write_record(struct sink *sink, const struct record *record, struct error *error)
{
    char key[POINT_KEY_SIZE], *path = NULL;
    const struct point *point = record->point;
    if (!record->problem || !record->output || !record->problem->k)
        return ERROR_NONE;
    const struct bundle_facts facts = {
        .case_name = case_name(point->test_case),
        .key = point_key(key, point),
        .tolerance = point->criterion.tolerance,
        .demand = point->demand,
        .input_digest = record->input_digest,
        .output_digest = record->output_digest,
    };
    char *name = text_file_name(key);
    if (!name || asprintf(&path, "%s/%s.safetensors", sink->path, name) < 0)
        path = NULL;
    free(name);
    enum error_kind kind = path ? bundle_write(path, record->problem, record->output, &facts, error)
                                : error_memory(error, "a path", (double)POINT_KEY_SIZE);
    free(path);
    return kind;
}

static enum error_kind close_bundles(struct sink *sink, const struct summary *summary, struct error *error)
{
    (void)sink, (void)summary, (void)error;
    return ERROR_NONE;
}

/* A bundle holds k and v whole. */
static enum error_kind check_bundle(const char *path, const struct point *point, struct error *error)
{
    char key[POINT_KEY_SIZE], size[32];
    if (problem_spec_parts(&point->problem) == 1)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "--bundle %s: point %.300s is too large to be in memory whole; allowed: k and v up to %s", path,
                     point_key(key, point), format_size(size, 4.0 * PART_BYTES));
}

/* One file a point, with all that `alibicheck judge` needs to judge it again. */
const struct sink_kind sink_bundle = {
    .option = "bundle",
    .about = "write every point as one file, inputs and output, for `alibicheck judge`",
    .target = SINK_TO_FOLDER,
    .check = check_bundle,
    .open = open_bundles,
    .record = write_record,
    .close = close_bundles,
};
