#include "harness/library/exhibit_bundle.h"
#include "harness/report/sink/bundle_sink.h"

static enum error_kind check_bundle(const char *path, const struct point *point, struct error *error)
{
    return bundle_sink_check(sink_bundle_without_kv.option, path, point, error);
}

static enum error_kind write_bundle(const struct bundle_place *place, const struct sink *sink,
                                    const struct record *record, struct error *error)
{
    static const struct contract_finding no_contract = {.num_fits = 0};
    const struct exhibit exhibit = {
        .problem = record->problem,
        .output = record->output,
        .truth = record->truth,
        .bound = record->bound,
        .lse_bound = record->lse_bound,
        .criterion = record->point->criterion,
    };
    struct exhibit_bundle_facts facts = {
        .facts = place->facts,
        .truth_method = record->point->truth_method,
        .truth_precision = record->point->truth_precision,
        .contract_distance = record->contract_distance,
        .truth_digest = record->truth_digest,
        .of_run = !record->point->given,
        .total = &record->verdict->total,
        .finding = record->finding,
        .contract = record->contract ? record->contract : &no_contract,
        .threads = sink->plan->threads,
    };
    facts.facts.input_digest = record->input_digest;
    facts.facts.output_digest = record->output_digest;
    return exhibit_bundle_write(place->path, &exhibit, &facts, error);
}

static enum error_kind write_record(struct sink *sink, const struct record *record, struct error *error)
{
    struct bundle_place place;
    if (!bundle_sink_takes(record) || !record->truth || !record->verdict)
        return ERROR_NONE;
    enum error_kind kind = bundle_place_find(&place, sink, "without-kv.safetensors", record, error);
    if (!kind)
        kind = write_bundle(&place, sink, record, error);
    bundle_place_clear(&place);
    return kind;
}

/* One file a point without its q, k and v: the output, its truth, and the bounds that it was held against. */
const struct sink_kind sink_bundle_without_kv = {
    .option = "bundle-without-kv",
    .about =
        "write every point as one file for `alibicheck judge` that has output, truth and bounds, and of q, k and v "
        "digests alone: docs/judge.md says what that reveals",
    .target = SINK_TO_FOLDER,
    .check = check_bundle,
    .open = bundle_sink_open,
    .record = write_record,
    .close = bundle_sink_close,
};
