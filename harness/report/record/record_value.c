#include "harness/report/record/record_value.h"

#include "harness/case/case_parameter.h"
#include "harness/problem/distribution.h"
#include "harness/support/field_json.h"
#include "harness/support/json_value.h"

/* ---- what the point is ------------------------------------------------------------------------------------------- */

json_t *record_value_schema(const struct record_field *field, const void *member)
{
    (void)field, (void)member;
    return json_integer(RECORD_SCHEMA);
}

json_t *record_value_case(const struct record_field *field, const void *member)
{
    (void)field;
    return json_from_text(case_name(((const struct record *)member)->point->test_case));
}

json_t *record_value_key(const struct record_field *field, const void *member)
{
    (void)field;
    char text[POINT_KEY_SIZE];
    return json_from_text(point_key(text, ((const struct record *)member)->point));
}

json_t *record_value_recipe(const struct record_field *field, const void *member)
{
    (void)field;
    char text[RECIPE_TEXT_SIZE];
    return json_string(recipe_format(text, &((const struct point *)member)->recipe));
}

json_t *record_value_sentinel(const struct record_field *field, const void *member)
{
    (void)field;
    char text[SENTINEL_TEXT_SIZE];
    return json_string(sentinel_format(text, &((const struct point *)member)->recipe.sentinel));
}

json_t *record_value_kv_dtype(const struct record_field *field, const void *member)
{
    (void)field;
    return json_string(dtypes[problem_spec_kv_dtype(&((const struct record *)member)->point->problem)].name);
}

json_t *record_value_batch(const struct record_field *field, const void *member)
{
    (void)field;
    const struct point *point = ((const struct record *)member)->point;
    if (point->batch == BATCH_ALONE)
        return json_null();
    json_t *lengths = json_array();
    for (int i = 0; i < point_num_sequences(point); i++) {
        struct point sequence;
        point_sequence(point, i, &sequence);
        if (json_array_append_new(lengths, json_integer(sequence.problem.seq_len)) != 0)
            return json_finish(lengths, false);
    }
    return lengths;
}

static json_t *list_slopes(const struct record_field *field, const void *member)
{
    (void)field;
    const struct problem_spec *problem = member;
    json_t *values = json_array();
    bool complete = values;
    for (int i = 0; complete && i < problem->num_slope_values; i++)
        complete = json_array_append_new(values, json_from_double((double)problem->slope_values[i])) == 0;
    return json_finish(values, complete);
}

static const struct record_field slopes_rows[] = {
    {RECORD_NAMED("values", "A slope a head."), .type = "list", .value = list_slopes},
};
const struct record_fields record_slopes_fields = RECORD_FIELDS(slopes_rows);

json_t *record_value_slopes(const struct record_field *field, const void *member)
{
    const struct problem_spec *problem = member;
    return problem->num_slope_values > 0 ? record_fields_to_json(field->members, problem)
                                         : json_string(slope_convention_names[problem->slopes]);
}

static bool put_soft_cap(json_t *object, const struct record_field *field, const void *member)
{
    const struct soft_cap_spec *cap = member;
    (void)field;
    return json_put(object, soft_cap_names[cap->where], json_from_double((double)cap->value));
}

static const struct record_field soft_cap_rows[] = {
    {RECORD_NAMED("PARAMETER", "The cap, under the name of where it is: before_bias or after_bias."), .type = "number",
     .put = put_soft_cap},
};
const struct record_fields record_soft_cap_fields = RECORD_FIELDS(soft_cap_rows);

json_t *record_value_soft_cap(const struct record_field *field, const void *member)
{
    const struct soft_cap_spec *cap = member;
    return cap->where ? record_fields_to_json(field->members, cap) : json_null();
}

static bool put_sinks(json_t *object, const struct record_field *field, const void *member)
{
    const struct sink_spec *sinks = member;
    (void)field;
    if (sinks->kind != SINKS_VALUES)
        return json_put(object, sink_logits_names[sinks->kind], json_from_double((double)sinks->number));
    json_t *values = json_array();
    bool complete = values;
    for (int i = 0; complete && i < sinks->num_values; i++)
        complete = json_array_append_new(values, json_from_double((double)sinks->values[i])) == 0;
    return json_put(object, sink_logits_names[SINKS_VALUES], json_finish(values, complete));
}

static const struct record_field sinks_rows[] = {
    {RECORD_NAMED("PARAMETER",
                  "value, of all heads; values, a list of each head's; or normal, the deviation they are drawn "
                  "with."),
     .type = "number, list", .put = put_sinks},
};
const struct record_fields record_sinks_fields = RECORD_FIELDS(sinks_rows);

json_t *record_value_sinks(const struct record_field *field, const void *member)
{
    const struct sink_spec *sinks = member;
    return sinks->kind ? record_fields_to_json(field->members, sinks) : json_null();
}

/* Appends the parameters that the kinds (bit k: kind k) read. */
static bool put_parameters(json_t *object, const struct parameter_set *set, unsigned kinds, const void *spec)
{
    bool complete = object;
    for (size_t i = 0; complete && i < set->fields->count; i++) {
        const struct field *field = field_at(set->fields, i);
        if (parameter_read_by(set, i, kinds))
            complete = json_put(object, field->name, field_to_json(field, field_in(field, spec)));
    }
    return complete;
}

static bool put_input(json_t *object, const struct record_field *field, const void *member)
{
    (void)field;
    const struct input_spec *input = member;
    return put_parameters(object, &input_parameters, 1u << input->distribution, input);
}

static const struct record_field input_rows[] = {
    {RECORD_MEMBER("distribution", struct input_spec, distribution, CHOICE, "What elements are drawn from",
                   .names = FIELD_NAMES_OF(distributions, kind.name, DISTRIBUTION_COUNT))},
    {RECORD_NAMED("PARAMETER", "Each parameter that the distribution reads, by its name in `list keys`."),
     .type = "number", .put = put_input},
};
const struct record_fields record_input_fields = RECORD_FIELDS(input_rows);

static bool put_mask(json_t *object, const struct record_field *field, const void *member)
{
    (void)field;
    const struct mask_spec *mask = member;
    return put_parameters(object, &mask_parameters, mask->kind, mask);
}

static const struct record_field mask_rows[] = {
    {RECORD_NAMED("PARAMETER", "Each parameter that the kinds of mask read, by its name in `list keys`."),
     .type = "number, string", .put = put_mask},
};
const struct record_fields record_mask_fields = RECORD_FIELDS(mask_rows);

json_t *record_value_mask(const struct record_field *field, const void *member)
{
    const struct point *point = member;
    const struct mask_spec *mask = &point->problem.mask;
    if (point->given && point->given->masked)
        return json_string("given");
    if (mask->kind == MASK_NONE)
        return json_null();
    return mask->kind == MASK_ALL ? json_string("all") : record_fields_to_json(field->members, mask);
}

static const struct record_field tolerance_rows[] = {
    {RECORD_MEMBER("atol", struct tolerance, atol, REAL, "An element passes if e <= atol + rtol |truth|."),
     .unit = "of out"},
    {RECORD_MEMBER("rtol", struct tolerance, rtol, REAL, "See atol."), .unit = "1"},
    {RECORD_MEMBER("lse", struct tolerance, lse, REAL, "An lse passes if |lse - truth| <= this + 2^-21 |truth|."),
     .unit = "nats"},
};
const struct record_fields record_tolerance_fields = RECORD_FIELDS(tolerance_rows);

/* ---- what came of it --------------------------------------------------------------------------------------------- */

json_t *record_value_digest(const struct record_field *field, const void *member)
{
    (void)field;
    return json_from_digest(*(const uint64_t *)member);
}

json_t *record_value_detail(const struct record_field *field, const void *member)
{
    (void)field;
    return json_from_text(member);
}

json_t *record_value_reason(const struct record_field *field, const void *member)
{
    (void)field;
    return *(const char *)member ? json_from_text(member) : json_null();
}

json_t *record_value_truth_radius(const struct record_field *field, const void *member)
{
    (void)field;
    const struct truth *truth = ((const struct record *)member)->truth;
    return truth ? json_from_double(truth_max_radius(truth)) : json_null();
}

struct worst {
    int64_t query, head, dim;
    double out, truth;
};

static const struct record_field worst_rows[] = {
    {RECORD_MEMBER("head", struct worst, head, WHOLE, "Its head.")},
    {RECORD_MEMBER("dim", struct worst, dim, WHOLE, "Its place in the head.")},
    {RECORD_MEMBER("out", struct worst, out, REAL, "What the kernel gives.")},
    {RECORD_MEMBER("truth", struct worst, truth, REAL, "What is true, rounded to f64.")},
    {RECORD_MEMBER("query", struct worst, query, WHOLE, "Its query.")},
};
const struct record_fields record_worst_fields = RECORD_FIELDS(worst_rows);

json_t *record_value_worst(const struct record_field *field, const void *member)
{
    const struct record *record = member;
    if (!record->verdict || record->verdict->total.worst < 0 || !record->output || !record->truth)
        return json_null();
    const struct problem_spec *problem = &record->point->problem;
    int64_t element = record->verdict->total.worst, row = element / problem->head_dim;
    float out;
    dtype_widen(record->point->problem.dtype, record->output->out, (size_t)element, 1, &out);
    const struct worst worst = {
        .query = row / problem->num_heads,
        .head = row % problem->num_heads,
        .dim = element % problem->head_dim,
        .out = (double)out,
        .truth = record->truth->value[element],
    };
    return record_fields_to_json(field->members, &worst);
}

struct row_metrics {
    int64_t query, head;
    struct metrics metrics;
};

#define HEAD_METRIC(of_metric)          \
    .metric = &metric_table[of_metric], \
    .field = {.offset = offsetof(struct row_metrics, metrics), .about = "The field of this name, of the head."}

static const struct record_field head_rows[] = {
    {RECORD_MEMBER("head", struct row_metrics, head, WHOLE, "Which head.")},
    {HEAD_METRIC(METRIC_MISMATCHED)},
    {HEAD_METRIC(METRIC_MAX_ABS_ERR)},
    {HEAD_METRIC(METRIC_MAX_ULP_ERR)},
    {HEAD_METRIC(METRIC_P99_ULP_ERR)},
    {HEAD_METRIC(METRIC_MAX_SCALED_ERR)},
    {HEAD_METRIC(METRIC_RMS_ERR)},
    {HEAD_METRIC(METRIC_NAN)},
    {HEAD_METRIC(METRIC_INF)},
    {HEAD_METRIC(METRIC_BUDGET_USED)},
    {HEAD_METRIC(METRIC_LSE_MISMATCHED)},
    {HEAD_METRIC(METRIC_MAX_LSE_ERR)},
    {HEAD_METRIC(METRIC_LSE_BUDGET_USED)},
    {HEAD_METRIC(METRIC_LSE_OFF)},
    {RECORD_MEMBER("query", struct row_metrics, query, WHOLE, "Of which query.")},
};
const struct record_fields record_head_fields = RECORD_FIELDS(head_rows);

json_t *record_value_heads(const struct record_field *field, const void *member)
{
    const struct record *record = member;
    const struct verdict *verdict = record->verdict;
    int num_heads = record->point->problem.num_heads;
    if (!verdict)
        return json_null();
    json_t *heads = json_array();
    bool complete = heads;
    for (int r = 0; complete && r < verdict->num_rows; r++) {
        const struct row_metrics head = {r / num_heads, r % num_heads, verdict->rows[r]};
        complete = json_array_append_new(heads, record_fields_to_json(field->members, &head)) == 0;
    }
    return json_finish(heads, complete);
}

static const struct record_field finding_rows[] = {
    {RECORD_MEMBER("head", struct signature_finding, head, WHOLE,
                   "The head that detail and residual are of; -1 for none.")},
    {RECORD_MEMBER("detail", struct signature_finding, detail, TEXT,
                   "What the match says: \"slope 0.0078 in place of 0.84\"."),
     .value = record_value_detail},
    {RECORD_MEMBER("residual", struct signature_finding, residual, REAL,
                   "The largest |out - predicted| of the head; of one that fails by its lse alone, and of bias-shift, "
                   "the same of lse."),
     .unit = "tolerances"},
    {RECORD_MEMBER("heads_failing", struct signature_finding, num_rows_failing, WHOLE, "All that fail."),
     .unit = "heads"},
    {RECORD_MEMBER("heads_examined", struct signature_finding, num_rows_examined, WHOLE, "The worst of them."),
     .unit = "heads"},
    {RECORD_MEMBER("heads_explained", struct signature_finding, num_rows_explained, WHOLE,
                   "Of those, the ones with this signature."),
     .unit = "heads"},
    {RECORD_MEMBER("query", struct signature_finding, query, WHOLE, "The query that detail and residual are of.")},
};
const struct record_fields record_finding_fields = RECORD_FIELDS(finding_rows);

static json_t *list_fits(const struct record_field *field, const void *member)
{
    (void)field;
    const struct contract_finding *contract = member;
    json_t *fits = json_array();
    bool complete = fits;
    for (int i = 0; complete && i < contract->num_fits && i < CONTRACT_FITS_MAX; i++)
        complete = json_array_append_new(fits, json_from_text(contract->fits[i].text)) == 0;
    return json_finish(fits, complete);
}

static json_t *is_named(const struct record_field *field, const void *member)
{
    (void)field;
    return json_boolean(((const struct contract_finding *)member)->named);
}

static const struct record_field contract_rows_of[] = {
    {RECORD_NAMED("named", "Whether the output tells the first of them from what was stated and from every other."),
     .type = "boolean", .value = is_named},
    {RECORD_NAMED("fits", "What has to be assumed: \"scale 1 in place of 0.125\". Up to 4."), .type = "list",
     .value = list_fits},
    {RECORD_MEMBER("num_fits", struct contract_finding, num_fits, WHOLE, "How many contracts explain it as well.")},
};
const struct record_fields record_contract_fields = RECORD_FIELDS(contract_rows_of);

static bool put_outcomes(json_t *object, const struct record_field *field, const void *member)
{
    (void)field;
    const struct oracle_report *report = member;
    bool complete = true;
    for (int o = 0; complete && o < ORACLE_COUNT; o++)
        complete = json_put(object, oracle_names[o], json_string(oracle_outcome_names[report->outcome[o]]));
    return complete;
}

static const struct record_field oracle_rows[] = {
    {RECORD_NAMED("NAME", "What came of each oracle (`list oracles`): not_run, held, violated, not_applicable."),
     .type = "string", .put = put_outcomes},
};
const struct record_fields record_oracle_fields = RECORD_FIELDS(oracle_rows);

static bool put_details(json_t *object, const struct record_field *field, const void *member)
{
    (void)field;
    const struct oracle_report *report = member;
    bool complete = true;
    for (int o = 0; complete && o < ORACLE_COUNT; o++)
        if (report->outcome[o] == ORACLE_VIOLATED)
            complete = json_put(object, oracle_names[o], json_from_text(report->detail[o]));
    return complete;
}

static const struct record_field oracle_detail_rows[] = {
    {RECORD_NAMED("NAME", "What was seen of each oracle that is violated."), .type = "string", .put = put_details},
};
const struct record_fields record_oracle_detail_fields = RECORD_FIELDS(oracle_detail_rows);
