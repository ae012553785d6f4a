#include "harness/report/record.h"

#include "harness/report/metric.h"
#include "harness/report/record_field.h"
#include "harness/support/json_value.h"

/* In the order in which they came to the interface, which docs/records.md describes: a new one goes to the end. A row
 * is a function or a metric. */
static const struct row {
    const char *name;
    record_field *get;
    enum metric metric; /* if get is NULL: named as the metric, null without a verdict */
} fields[] = {
    {.name = "schema", .get = record_get_schema},
    {.name = "case", .get = record_get_case},
    {.name = "kernel", .get = record_get_kernel},
    {.name = "recipe", .get = record_get_recipe},
    {.name = "device", .get = record_get_device},
    {.name = "seq_len", .get = record_get_seq_len},
    {.name = "num_heads", .get = record_get_num_heads},
    {.name = "num_kv_heads", .get = record_get_num_kv_heads},
    {.name = "head_dim", .get = record_get_head_dim},
    {.name = "dtype", .get = record_get_dtype},
    {.name = "sentinel", .get = record_get_sentinel},
    {.name = "seed", .get = record_get_seed},
    {.metric = METRIC_ELEMENTS},
    {.metric = METRIC_MISMATCHED},
    {.metric = METRIC_MAX_ABS_ERR},
    {.metric = METRIC_MAX_ULP_ERR},
    {.metric = METRIC_BUDGET_USED},
    {.metric = METRIC_NAN},
    {.metric = METRIC_INF},
    {.name = "signature", .get = record_get_signature},
    {.name = "worst", .get = record_get_worst},
    {.name = "status", .get = record_get_status},
    {.name = "expect", .get = record_get_expect},
    {.name = "key", .get = record_get_key},
    {.name = "input_digest", .get = record_get_input_digest},
    {.name = "output_digest", .get = record_get_output_digest},
    {.name = "truth_digest", .get = record_get_truth_digest},
    {.name = "truth_radius", .get = record_get_truth_radius},
    {.name = "references", .get = record_get_references},
    {.name = "seconds", .get = record_get_seconds},
    {.name = "device_name", .get = record_get_device_name},
    {.name = "tolerance", .get = record_get_tolerance},
    {.metric = METRIC_UNDECIDED},
    {.metric = METRIC_UNWRITTEN},
    {.metric = METRIC_P99_ULP_ERR},
    {.metric = METRIC_P50_ULP_ERR},
    {.metric = METRIC_MAX_REL_ERR},
    {.metric = METRIC_MAX_SCALED_ERR},
    {.metric = METRIC_RMS_ERR},
    {.metric = METRIC_MAX_LSE_ERR},
    {.name = "scale", .get = record_get_scale},
    {.name = "max_bias", .get = record_get_max_bias},
    {.name = "slopes", .get = record_get_slopes},
    {.name = "q_position", .get = record_get_q_position},
    {.name = "input", .get = record_get_input},
    {.name = "mask", .get = record_get_mask},
    {.name = "chunk_len", .get = record_get_chunk_len},
    {.name = "bias", .get = record_get_bias},
    {.name = "exponential", .get = record_get_exponential},
    {.name = "head_offset", .get = record_get_head_offset},
    {.name = "total_heads", .get = record_get_total_heads},
    {.name = "budget", .get = record_get_budget},
    {.metric = METRIC_UNBOUNDED},
    {.metric = METRIC_LSE_MISMATCHED},
    {.name = "truth_method", .get = record_get_truth_method},
    {.name = "truth_precision", .get = record_get_truth_precision},
    {.name = "truth_of", .get = record_get_truth_of},
    {.name = "contract_distance", .get = record_get_contract_distance},
    {.name = "finding", .get = record_get_finding},
    {.name = "oracles", .get = record_get_oracles},
    {.name = "oracle_details", .get = record_get_oracle_details},
    {.name = "heads", .get = record_get_heads},
    {.name = "error", .get = record_get_error},
    {.name = "kv_dtype", .get = record_get_kv_dtype},
    {.name = "k_scale", .get = record_get_k_scale},
    {.name = "v_scale", .get = record_get_v_scale},
    {.name = "kv_offset", .get = record_get_kv_offset},
    {.name = "page_size", .get = record_get_page_size},
    {.name = "page_seed", .get = record_get_page_seed},
    {.name = "batch", .get = record_get_batch},
    {.name = "sequence", .get = record_get_sequence},
    {.metric = METRIC_LSE_BUDGET_USED},
    {.name = "judge", .get = record_get_judge},
    {.metric = METRIC_LSE_OFF},
    {.metric = METRIC_LSE_UNBOUNDED},
    {.name = "build", .get = record_get_build},
};

json_t *record_to_json(const struct record *record)
{
    json_t *object = json_object();
    bool complete = object;
    for (size_t i = 0; complete && i < sizeof fields / sizeof fields[0]; i++) {
        const struct row *field = &fields[i];
        if (field->get)
            complete = json_put(object, field->name, field->get(record));
        else
            complete = json_put(object, metric_table[field->metric].name,
                                record->verdict ? metric_to_json(field->metric, &record->verdict->total) : json_null());
    }
    return json_finish(object, complete);
}
