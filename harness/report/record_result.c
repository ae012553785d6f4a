/* What came of a point. */
#include "harness/report/record_field.h"

#include "harness/report/metric.h"
#include "harness/support/build_info.h"
#include "harness/support/json_value.h"

json_t *record_get_schema(const struct record *record)
{
    (void)record;
    return json_integer(RECORD_SCHEMA);
}

json_t *record_get_device(const struct record *record)
{
    return record->device ? json_string(record->device) : json_null();
}

json_t *record_get_signature(const struct record *record)
{
    return record->finding ? json_string(signature_names[record->finding->signature]) : json_null();
}

/* What is known beside the name; null where nothing failed. */
json_t *record_get_finding(const struct record *record)
{
    const struct signature_finding *finding = record->finding;
    if (!finding || finding->signature == SIGNATURE_NONE)
        return json_null();
    json_t *object = json_object();
    return json_finish(object, json_put(object, "head", json_integer(finding->head)) &&
                                   json_put(object, "detail", json_from_text(finding->detail)) &&
                                   json_put(object, "residual", json_from_double(finding->residual)) &&
                                   json_put(object, "heads_failing", json_integer(finding->num_heads_failing)) &&
                                   json_put(object, "heads_examined", json_integer(finding->num_heads_examined)) &&
                                   json_put(object, "heads_explained", json_integer(finding->num_heads_explained)));
}

/* {NAME: OUTCOME} for those that were run, and {NAME: DETAIL} of those violated. */
json_t *record_get_oracles(const struct record *record)
{
    if (!record->oracles)
        return json_null();
    json_t *object = json_object();
    bool complete = object;
    for (int o = 0; complete && o < ORACLE_COUNT; o++)
        complete = json_put(object, oracle_names[o], json_string(oracle_outcome_names[record->oracles->outcome[o]]));
    return json_finish(object, complete);
}

json_t *record_get_oracle_details(const struct record *record)
{
    json_t *object = record->oracles ? json_object() : json_null();
    bool complete = object;
    for (int o = 0; complete && record->oracles && o < ORACLE_COUNT; o++)
        if (record->oracles->outcome[o] == ORACLE_VIOLATED)
            complete = json_put(object, oracle_names[o], json_from_text(record->oracles->detail[o]));
    return json_finish(object, complete);
}

json_t *record_get_worst(const struct record *record)
{
    if (!record->verdict || record->verdict->total.worst < 0 || !record->output || !record->truth)
        return json_null();
    int64_t worst = record->verdict->total.worst;
    int head_dim = record->point->problem.head_dim;
    float out;
    dtype_widen(record->point->problem.dtype, record->output->out, (size_t)worst, 1, &out);
    json_t *object = json_object();
    return json_finish(object, json_put(object, "head", json_integer(worst / head_dim)) &&
                                   json_put(object, "dim", json_integer(worst % head_dim)) &&
                                   json_put(object, "out", json_from_double(out)) &&
                                   json_put(object, "truth", json_from_double(record->truth->value[worst])));
}

json_t *record_get_status(const struct record *record)
{
    return json_string(status_names[record->outcome.status]);
}

json_t *record_get_input_digest(const struct record *record)
{
    return record->problem ? json_from_digest(record->input_digest) : json_null();
}

json_t *record_get_output_digest(const struct record *record)
{
    return record->output ? json_from_digest(record->output_digest) : json_null();
}

json_t *record_get_truth_digest(const struct record *record)
{
    return record->truth ? json_from_digest(record->truth_digest) : json_null();
}

json_t *record_get_truth_radius(const struct record *record)
{
    return record->truth ? json_from_double(truth_max_radius(record->truth)) : json_null();
}

/* {"kernel": COUNT, "reference": COUNT, "both": COUNT} */
static json_t *from_sides(const struct fault_tally *tally)
{
    json_t *object = json_object();
    bool complete = object;
    for (int side = 0; side < FAULT_SIDE_COUNT; side++)
        complete = complete && json_put(object, fault_side_names[side], json_integer(tally->at_fault[side]));
    return json_finish(object, complete);
}

/* The heads with a mismatch. */
static json_t *from_fault_heads(const struct fault *fault)
{
    json_t *heads = json_array();
    for (int h = 0; h < fault->num_heads; h++) {
        const struct fault_tally *tally = &fault->heads[h];
        if (tally->mismatched == 0)
            continue;
        json_t *head = json_object();
        bool complete = json_put(head, "head", json_integer(h)) &&
                        json_put(head, "mismatched", json_integer(tally->mismatched)) &&
                        json_put(head, "at_fault", from_sides(tally));
        if (json_array_append_new(heads, json_finish(head, complete)) != 0)
            return json_finish(heads, false);
    }
    return heads;
}

static json_t *from_place(int64_t element, int head_dim)
{
    json_t *object = json_object();
    return json_finish(object, json_put(object, "head", json_integer(element / head_dim)) &&
                                   json_put(object, "dim", json_integer(element % head_dim)));
}

/* The reference itself against the truth. */
static json_t *from_reference(const struct fault *fault)
{
    json_t *object = json_object();
    return json_finish(object, json_put(object, "mismatched", json_integer(fault->truth.mismatched)) &&
                                   json_put(object, "max_abs_err", json_from_double(fault->truth.max_abs_err)) &&
                                   json_put(object, "worst", from_place(fault->truth.worst, fault->head_dim)) &&
                                   json_put(object, "undecided", json_integer(fault->truth.undecided)) &&
                                   json_put(object, "max_lse_err", json_from_double(fault->truth.max_lse_err)));
}

static json_t *from_fault(const struct fault *fault)
{
    json_t *object = json_object();
    return json_finish(object, json_put(object, "mismatched", json_integer(fault->total.mismatched)) &&
                                   json_put(object, "max_abs_err", json_from_double(fault->max_abs_err)) &&
                                   json_put(object, "at_fault", from_sides(&fault->total)) &&
                                   json_put(object, "max_lse_err", json_from_double(fault->max_lse_err)) &&
                                   json_put(object, "truth", from_reference(fault)) &&
                                   json_put(object, "heads", from_fault_heads(fault)));
}

json_t *record_get_references(const struct record *record)
{
    if (!record->faults || record->point->references == 0)
        return json_null();
    json_t *object = json_object();
    bool complete = object;
    for (int kind = 0; kind < CONVENTIONAL_COUNT; kind++)
        if (record->point->references >> kind & 1)
            complete = complete && json_put(object, conventionals[kind].name, from_fault(&record->faults[kind]));
    return json_finish(object, complete);
}

json_t *record_get_seconds(const struct record *record)
{
    const struct seconds *seconds = &record->seconds;
    json_t *object = json_object();
    return json_finish(object, json_put(object, "inputs", json_from_double(seconds->inputs)) &&
                                   json_put(object, "kernel", json_from_double(seconds->kernel)) &&
                                   json_put(object, "truth", json_from_double(seconds->truth)) &&
                                   json_put(object, "judge", json_from_double(seconds->judge)) &&
                                   json_put(object, "reference", json_from_double(seconds->reference)) &&
                                   json_put(object, "oracles", json_from_double(seconds->oracles)));
}

json_t *record_get_device_name(const struct record *record)
{
    return record->device_name ? json_from_text(record->device_name) : json_null();
}

json_t *record_get_build(const struct record *record)
{
    (void)record;
    json_t *object = json_object();
    return json_finish(object, json_put(object, "version", json_from_text(build_info.version)) &&
                                   json_put(object, "commit", json_from_text(build_info.commit)) &&
                                   json_put(object, "compiler", json_from_text(build_info.compiler)));
}

json_t *record_get_contract_distance(const struct record *record)
{
    return record->truth ? json_from_double(record->contract_distance) : json_null();
}

json_t *record_get_heads(const struct record *record)
{
    if (!record->verdict)
        return json_null();
    json_t *heads = json_array();
    for (int h = 0; h < record->verdict->num_rows; h++) {
        json_t *head = json_object();
        bool complete = json_put(head, "head", json_integer(h));
        for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
            if (metric_table[metric].per_head)
                complete = complete &&
                           json_put(head, metric_table[metric].name, metric_to_json(metric, &record->verdict->rows[h]));
        if (json_array_append_new(heads, json_finish(head, complete)) != 0)
            return json_finish(heads, false);
    }
    return heads;
}

json_t *record_get_error(const struct record *record)
{
    return record->outcome.reason[0] ? json_from_text(record->outcome.reason) : json_null();
}
