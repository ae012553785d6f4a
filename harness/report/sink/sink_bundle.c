#include "harness/report/sink/bundle_sink.h"

static enum error_kind check_bundle(const char *path, const struct point *point, struct error *error)
{
    return bundle_sink_check(sink_bundle.option, path, point, error);
}

static enum error_kind write_record(struct sink *sink, const struct record *record, struct error *error)
{
    if (!bundle_sink_takes(record))
        return ERROR_NONE;
    const struct bundled bundled = {
        .problem = record->problem,
        .output = record->output,
        .input_digest = record->input_digest,
        .output_digest = record->output_digest,
    };
    return bundle_sink_write(sink, "safetensors", record, &bundled, error);
}

/* One file a point, with all that `alibicheck judge` needs to judge it again. */
const struct sink_kind sink_bundle = {
    .option = "bundle",
    .about = "write every point as one file, inputs and output, for `alibicheck judge`",
    .target = SINK_TO_FOLDER,
    .check = check_bundle,
    .open = bundle_sink_open,
    .record = write_record,
    .close = bundle_sink_close,
};
