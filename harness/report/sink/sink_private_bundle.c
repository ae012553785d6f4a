#include "harness/library/judged_output.h"
#include "harness/library/turned.h"
#include "harness/problem/problem_source.h"
#include "harness/report/sink/bundle_sink.h"

static enum error_kind check_bundle(const char *path, const struct point *point, struct error *error)
{
    return bundle_sink_check(sink_private_bundle.option, path, point, error);
}

/* Each point is turned in its own way. */
static enum error_kind write_record(struct sink *sink, const struct record *record, struct error *error)
{
    struct turning turning;
    struct turned turned = {.q = NULL};
    if (!bundle_sink_takes(record))
        return ERROR_NONE;
    enum error_kind kind = turning_draw(&turning, record->problem->head_dim, error);
    if (!kind)
        kind = turned_make(&turned, &turning, record->problem, record->output, error);
    if (!kind) {
        const struct bundled bundled = {
            .problem = &turned.problem,
            .output = &turned.output,
            .input_digest = problem_tensors_digest(&turned.problem),
            .output_digest = judge_output_digest(&turned.output, &turned.problem),
            .turned = true,
        };
        kind = bundle_sink_write(sink, "private.safetensors", record, &bundled, error);
    }
    turned_clear(&turned);
    return kind;
}

/* The same with the elements of heads in another order and with other signs (harness/library/turned.h). */
const struct sink_kind sink_private_bundle = {
    .option = "private-bundle",
    .about = "write every point as one file for `alibicheck judge`, elements of heads in an order and with signs that "
             "nobody knows: docs/judge.md says what that hides",
    .target = SINK_TO_FOLDER,
    .check = check_bundle,
    .open = bundle_sink_open,
    .record = write_record,
    .close = bundle_sink_close,
};
