#include "harness/report/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_parameter.h"
#include "harness/judge/metric.h"
#include "harness/support/text.h"

const char *const status_names[STATUS_COUNT] = {
    [STATUS_PASS] = "pass",   [STATUS_FAIL] = "fail",   [STATUS_XFAIL] = "xfail",
    [STATUS_XPASS] = "xpass", [STATUS_ERROR] = "error",
};

bool status_as_expected(enum status status)
{
    return status == STATUS_PASS || status == STATUS_XFAIL;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* text as a JSON string, exactly if it is UTF-8. */
static json_t *from_text(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *clean = text_clean(text);
    string = clean ? json_string(clean) : NULL;
    free(clean);
    return string;
}

static json_t *from_digest(uint64_t digest)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)digest);
    return json_string(text);
}

/* JSON readers take integers to 2^63 - 1; a larger one is a string of its digits. */
static json_t *from_unsigned(uint64_t value)
{
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

/* Appends a member; takes value, which may be NULL for want of memory. */
static bool put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

/* object if complete; else frees it, NULL. */
static json_t *finish(json_t *object, bool complete)
{
    if (complete)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- fields: one function each where a value is more than a member of the record ------------------------------- */

static json_t *get_schema(const struct record *record)
{
    (void)record;
    return json_integer(RECORD_SCHEMA);
}

static json_t *get_case(const struct record *record)
{
    return from_text(case_name(record->point->test_case));
}

static json_t *get_kernel(const struct record *record)
{
    return json_string(kernels[record->point->kernel].name);
}

static json_t *get_recipe(const struct record *record)
{
    char text[RECIPE_TEXT_SIZE];
    return json_string(recipe_format(text, &record->point->recipe));
}

static json_t *get_device(const struct record *record)
{
    return record->device ? json_string(record->device) : json_null();
}

static json_t *get_seq_len(const struct record *record)
{
    return json_integer(record->point->problem.seq_len);
}

static json_t *get_num_heads(const struct record *record)
{
    return json_integer(record->point->problem.num_heads);
}

static json_t *get_num_kv_heads(const struct record *record)
{
    return json_integer(record->point->problem.num_kv_heads);
}

static json_t *get_head_dim(const struct record *record)
{
    return json_integer(record->point->problem.head_dim);
}

static json_t *get_dtype(const struct record *record)
{
    return json_string(dtypes[record->point->problem.dtype].name);
}

static json_t *get_sentinel(const struct record *record)
{
    char text[SENTINEL_TEXT_SIZE];
    return json_string(sentinel_format(text, &record->point->recipe.sentinel));
}

static json_t *get_seed(const struct record *record)
{
    return from_unsigned(record->point->problem.seed);
}

static json_t *get_signature(const struct record *record)
{
    return record->finding ? json_string(signature_names[record->finding->signature]) : json_null();
}

/* What is known beside the name; null where nothing failed. */
static json_t *get_finding(const struct record *record)
{
    const struct signature_finding *finding = record->finding;
    if (!finding || finding->signature == SIGNATURE_NONE)
        return json_null();
    json_t *object = json_object();
    return finish(object, put(object, "head", json_integer(finding->head)) &&
                              put(object, "detail", from_text(finding->detail)) &&
                              put(object, "residual", json_from_double(finding->residual)) &&
                              put(object, "heads_failing", json_integer(finding->num_heads_failing)) &&
                              put(object, "heads_examined", json_integer(finding->num_heads_examined)) &&
                              put(object, "heads_explained", json_integer(finding->num_heads_explained)));
}

/* {NAME: OUTCOME} for those that were run, and {NAME: DETAIL} of those violated. */
static json_t *get_oracles(const struct record *record)
{
    if (!record->oracles)
        return json_null();
    json_t *object = json_object();
    bool complete = object;
    for (int o = 0; complete && o < ORACLE_COUNT; o++)
        complete = put(object, oracle_names[o], json_string(oracle_outcome_names[record->oracles->outcome[o]]));
    return finish(object, complete);
}

static json_t *get_oracle_details(const struct record *record)
{
    json_t *object = record->oracles ? json_object() : json_null();
    bool complete = object;
    for (int o = 0; complete && record->oracles && o < ORACLE_COUNT; o++)
        if (record->oracles->outcome[o] == ORACLE_VIOLATED)
            complete = put(object, oracle_names[o], from_text(record->oracles->detail[o]));
    return finish(object, complete);
}

static json_t *get_worst(const struct record *record)
{
    if (!record->verdict || record->verdict->total.worst < 0 || !record->output || !record->truth)
        return json_null();
    int64_t worst = record->verdict->total.worst;
    int head_dim = record->point->problem.head_dim;
    float out;
    dtype_widen(record->point->problem.dtype, record->output->out, (size_t)worst, 1, &out);
    json_t *object = json_object();
    return finish(object, put(object, "head", json_integer(worst / head_dim)) &&
                              put(object, "dim", json_integer(worst % head_dim)) &&
                              put(object, "out", json_from_double(out)) &&
                              put(object, "truth", json_from_double(record->truth->value[worst])));
}

static json_t *get_status(const struct record *record)
{
    return json_string(status_names[record->status]);
}

static json_t *get_expect(const struct record *record)
{
    return json_string(record->point->expect_fail ? "fail" : "pass");
}

static json_t *get_key(const struct record *record)
{
    char text[POINT_KEY_SIZE];
    return from_text(point_key(text, record->point));
}

static json_t *get_input_digest(const struct record *record)
{
    return record->problem ? from_digest(record->input_digest) : json_null();
}

static json_t *get_output_digest(const struct record *record)
{
    return record->output ? from_digest(record->output_digest) : json_null();
}

static json_t *get_truth_digest(const struct record *record)
{
    return record->truth ? from_digest(record->truth_digest) : json_null();
}

static json_t *get_truth_radius(const struct record *record)
{
    return record->truth ? json_from_double(truth_max_radius(record->truth)) : json_null();
}

/* {"kernel": COUNT, "reference": COUNT, "both": COUNT} */
static json_t *from_sides(const struct fault_tally *tally)
{
    json_t *object = json_object();
    bool complete = object;
    for (int side = 0; side < FAULT_SIDE_COUNT; side++)
        complete = complete && put(object, fault_side_names[side], json_integer(tally->at_fault[side]));
    return finish(object, complete);
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
        bool complete = put(head, "head", json_integer(h)) &&
                        put(head, "mismatched", json_integer(tally->mismatched)) &&
                        put(head, "at_fault", from_sides(tally));
        if (json_array_append_new(heads, finish(head, complete)) != 0)
            return finish(heads, false);
    }
    return heads;
}

static json_t *from_place(int64_t element, int head_dim)
{
    json_t *object = json_object();
    return finish(object, put(object, "head", json_integer(element / head_dim)) &&
                              put(object, "dim", json_integer(element % head_dim)));
}

/* The reference itself against the truth. */
static json_t *from_reference(const struct fault *fault)
{
    json_t *object = json_object();
    return finish(object, put(object, "mismatched", json_integer(fault->truth.mismatched)) &&
                              put(object, "max_abs_err", json_from_double(fault->truth.max_abs_err)) &&
                              put(object, "worst", from_place(fault->truth.worst, fault->head_dim)) &&
                              put(object, "undecided", json_integer(fault->truth.undecided)) &&
                              put(object, "max_lse_err", json_from_double(fault->truth.max_lse_err)));
}

static json_t *from_fault(const struct fault *fault)
{
    json_t *object = json_object();
    return finish(object, put(object, "mismatched", json_integer(fault->total.mismatched)) &&
                              put(object, "max_abs_err", json_from_double(fault->max_abs_err)) &&
                              put(object, "at_fault", from_sides(&fault->total)) &&
                              put(object, "max_lse_err", json_from_double(fault->max_lse_err)) &&
                              put(object, "truth", from_reference(fault)) &&
                              put(object, "heads", from_fault_heads(fault)));
}

static json_t *get_references(const struct record *record)
{
    if (!record->faults || record->point->references == 0)
        return json_null();
    json_t *object = json_object();
    bool complete = object;
    for (int kind = 0; kind < CONVENTIONAL_COUNT; kind++)
        if (record->point->references >> kind & 1)
            complete = complete && put(object, conventionals[kind].name, from_fault(&record->faults[kind]));
    return finish(object, complete);
}

static json_t *get_seconds(const struct record *record)
{
    const struct seconds *seconds = &record->seconds;
    json_t *object = json_object();
    return finish(object, put(object, "inputs", json_from_double(seconds->inputs)) &&
                              put(object, "kernel", json_from_double(seconds->kernel)) &&
                              put(object, "truth", json_from_double(seconds->truth)) &&
                              put(object, "judge", json_from_double(seconds->judge)) &&
                              put(object, "reference", json_from_double(seconds->reference)) &&
                              put(object, "oracles", json_from_double(seconds->oracles)));
}

static json_t *get_device_name(const struct record *record)
{
    return record->device_name ? from_text(record->device_name) : json_null();
}

static json_t *get_tolerance(const struct record *record)
{
    json_t *object = json_object();
    return finish(object, put(object, "atol", json_from_double(record->point->tolerance.atol)) &&
                              put(object, "rtol", json_from_double(record->point->tolerance.rtol)));
}

static json_t *get_scale(const struct record *record)
{
    return json_from_double(record->point->problem.scale);
}

static json_t *get_max_bias(const struct record *record)
{
    return json_from_double(record->point->problem.max_bias);
}

/* The convention's name, or {"values": [SLOPE, ...]}. */
static json_t *get_slopes(const struct record *record)
{
    const struct problem_spec *problem = &record->point->problem;
    if (problem->num_slope_values == 0)
        return json_string(slope_convention_names[problem->slopes]);
    json_t *values = json_array();
    bool complete = values;
    for (int i = 0; complete && i < problem->num_slope_values; i++)
        complete = json_array_append_new(values, json_from_double((double)problem->slope_values[i])) == 0;
    json_t *object = json_object();
    return finish(object, put(object, "values", finish(values, complete)));
}

static json_t *get_q_position(const struct record *record)
{
    return json_integer(record->point->problem.q_position);
}

/* The parameters that the kinds (bit k: kind k) read, with their values. */
static bool put_parameters(json_t *object, const struct parameter_set *set, unsigned kinds, const void *spec)
{
    bool complete = object;
    for (size_t i = 0; complete && i < set->count; i++) {
        const struct parameter *parameter = &set->parameters[i];
        if (!parameter_read_by(parameter, kinds))
            continue;
        double value = parameter->text ? 0 : parameter_get(parameter, spec);
        complete = put(object, parameter->name,
                       parameter->text                       ? json_string(parameter->text(spec))
                       : parameter->type == PARAMETER_DOUBLE ? json_from_double(value)
                                                             : json_integer((json_int_t)value));
    }
    return complete;
}

/* {"distribution": NAME} and the parameters that it reads. */
static json_t *get_input(const struct record *record)
{
    const struct input_spec *input = &record->point->problem.input;
    json_t *object = json_object();
    return finish(object, put(object, "distribution", json_string(distribution_names[input->distribution])) &&
                              put_parameters(object, &input_parameters, 1u << input->distribution, input));
}

/* null without a mask; "all", or {"window": 256, "sinks": 4}, the parameters that its kinds read. */
static json_t *get_mask(const struct record *record)
{
    const struct mask_spec *mask = &record->point->problem.mask;
    if (mask->kind == MASK_NONE)
        return json_null();
    if (mask->kind == MASK_ALL)
        return json_string("all");
    json_t *object = json_object();
    return finish(object, put_parameters(object, &mask_parameters, mask->kind, mask));
}

static json_t *get_chunk_len(const struct record *record)
{
    const struct point *point = record->point;
    return kernels[point->kernel].uses_chunk_len ? json_integer(point->kernel_options.chunk_len) : json_null();
}

static json_t *get_bias(const struct record *record)
{
    return json_string(bias_form_names[record->point->recipe.bias]);
}

static json_t *get_exponential(const struct record *record)
{
    return json_string(exponential_names[record->point->recipe.exponential]);
}

static json_t *get_budget(const struct record *record)
{
    return record->point->budget > 0 ? json_real(record->point->budget) : json_null();
}

static json_t *get_head_offset(const struct record *record)
{
    return json_integer(record->point->problem.head_offset);
}

static json_t *get_total_heads(const struct record *record)
{
    return json_integer(record->point->problem.total_heads);
}

static json_t *get_truth_of(const struct record *record)
{
    return json_string(truth_ofs[record->point->problem.truth_of].name);
}

static json_t *get_contract_distance(const struct record *record)
{
    return record->truth ? json_from_double(record->contract_distance) : json_null();
}

static json_t *get_truth_method(const struct record *record)
{
    return json_string(truth_method_names[record->point->truth_method]);
}

static json_t *get_truth_precision(const struct record *record)
{
    return json_integer(record->point->truth_precision);
}

static json_t *get_kv_dtype(const struct record *record)
{
    return json_string(dtypes[problem_spec_kv_dtype(&record->point->problem)].name);
}

static json_t *get_k_scale(const struct record *record)
{
    return json_from_double((double)record->point->problem.k_scale);
}

static json_t *get_v_scale(const struct record *record)
{
    return json_from_double((double)record->point->problem.v_scale);
}

static json_t *get_kv_offset(const struct record *record)
{
    return json_integer(record->point->problem.kv_offset);
}

static json_t *get_page_size(const struct record *record)
{
    return json_integer(record->point->kernel_options.page_size);
}

static json_t *get_page_seed(const struct record *record)
{
    const struct kernel_options *options = &record->point->kernel_options;
    return options->page_size > 0 ? from_unsigned(options->page_seed) : json_null();
}

/* The lengths of the launch's sequences. */
static json_t *get_batch(const struct record *record)
{
    const struct point *point = record->point;
    if (point->batch == BATCH_ALONE)
        return json_null();
    json_t *lengths = json_array();
    for (int i = 0; i < point_num_sequences(point); i++) {
        struct point sequence;
        point_sequence(point, i, &sequence);
        if (json_array_append_new(lengths, json_integer(sequence.problem.seq_len)) != 0)
            return finish(lengths, false);
    }
    return lengths;
}

static json_t *get_sequence(const struct record *record)
{
    return record->point->batch == BATCH_ALONE ? json_null() : json_integer(record->point->problem.sequence);
}

static json_t *get_heads(const struct record *record)
{
    if (!record->verdict)
        return json_null();
    json_t *heads = json_array();
    for (int h = 0; h < record->verdict->num_heads; h++) {
        json_t *head = json_object();
        bool complete = put(head, "head", json_integer(h));
        for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
            if (metric_table[metric].per_head)
                complete = complete &&
                           put(head, metric_table[metric].name, metric_to_json(metric, &record->verdict->heads[h]));
        if (json_array_append_new(heads, finish(head, complete)) != 0)
            return finish(heads, false);
    }
    return heads;
}

static json_t *get_error(const struct record *record)
{
    return record->error[0] ? from_text(record->error) : json_null();
}

/* In the order of the interface (DESIGN section 6), then what came later. A row is a function or a metric. */
static const struct field {
    const char *name;
    json_t *(*get)(const struct record *record);
    enum metric metric; /* if get is NULL: named as the metric, null without a verdict */
} fields[] = {
    {.name = "schema", .get = get_schema},
    {.name = "case", .get = get_case},
    {.name = "kernel", .get = get_kernel},
    {.name = "recipe", .get = get_recipe},
    {.name = "device", .get = get_device},
    {.name = "seq_len", .get = get_seq_len},
    {.name = "num_heads", .get = get_num_heads},
    {.name = "num_kv_heads", .get = get_num_kv_heads},
    {.name = "head_dim", .get = get_head_dim},
    {.name = "dtype", .get = get_dtype},
    {.name = "sentinel", .get = get_sentinel},
    {.name = "seed", .get = get_seed},
    {.metric = METRIC_ELEMENTS},
    {.metric = METRIC_MISMATCHED},
    {.metric = METRIC_MAX_ABS_ERR},
    {.metric = METRIC_MAX_ULP_ERR},
    {.metric = METRIC_BUDGET_USED},
    {.metric = METRIC_NAN},
    {.metric = METRIC_INF},
    {.name = "signature", .get = get_signature},
    {.name = "worst", .get = get_worst},
    {.name = "status", .get = get_status},
    {.name = "expect", .get = get_expect},
    {.name = "key", .get = get_key},
    {.name = "input_digest", .get = get_input_digest},
    {.name = "output_digest", .get = get_output_digest},
    {.name = "truth_digest", .get = get_truth_digest},
    {.name = "truth_radius", .get = get_truth_radius},
    {.name = "references", .get = get_references},
    {.name = "seconds", .get = get_seconds},
    {.name = "device_name", .get = get_device_name},
    {.name = "tolerance", .get = get_tolerance},
    {.metric = METRIC_UNDECIDED},
    {.metric = METRIC_UNWRITTEN},
    {.metric = METRIC_P99_ULP_ERR},
    {.metric = METRIC_P50_ULP_ERR},
    {.metric = METRIC_MAX_REL_ERR},
    {.metric = METRIC_MAX_SCALED_ERR},
    {.metric = METRIC_RMS_ERR},
    {.metric = METRIC_MAX_LSE_ERR},
    {.name = "scale", .get = get_scale},
    {.name = "max_bias", .get = get_max_bias},
    {.name = "slopes", .get = get_slopes},
    {.name = "q_position", .get = get_q_position},
    {.name = "input", .get = get_input},
    {.name = "mask", .get = get_mask},
    {.name = "chunk_len", .get = get_chunk_len},
    {.name = "bias", .get = get_bias},
    {.name = "exponential", .get = get_exponential},
    {.name = "head_offset", .get = get_head_offset},
    {.name = "total_heads", .get = get_total_heads},
    {.name = "budget", .get = get_budget},
    {.metric = METRIC_UNBOUNDED},
    {.metric = METRIC_LSE_MISMATCHED},
    {.name = "truth_method", .get = get_truth_method},
    {.name = "truth_precision", .get = get_truth_precision},
    {.name = "truth_of", .get = get_truth_of},
    {.name = "contract_distance", .get = get_contract_distance},
    {.name = "finding", .get = get_finding},
    {.name = "oracles", .get = get_oracles},
    {.name = "oracle_details", .get = get_oracle_details},
    {.name = "heads", .get = get_heads},
    {.name = "error", .get = get_error},
    {.name = "kv_dtype", .get = get_kv_dtype},
    {.name = "k_scale", .get = get_k_scale},
    {.name = "v_scale", .get = get_v_scale},
    {.name = "kv_offset", .get = get_kv_offset},
    {.name = "page_size", .get = get_page_size},
    {.name = "page_seed", .get = get_page_seed},
    {.name = "batch", .get = get_batch},
    {.name = "sequence", .get = get_sequence},
};

json_t *record_to_json(const struct record *record)
{
    json_t *object = json_object();
    bool complete = object;
    for (size_t i = 0; complete && i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *field = &fields[i];
        if (field->get)
            complete = put(object, field->name, field->get(record));
        else
            complete = put(object, metric_table[field->metric].name,
                           record->verdict ? metric_to_json(field->metric, &record->verdict->total) : json_null());
    }
    return finish(object, complete);
}
