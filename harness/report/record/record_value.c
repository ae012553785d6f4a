#include "harness/report/record/record_value.h"

#include <stdlib.h>

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

json_t *record_value_known_bugs(const struct record_field *field, const void *member)
{
    char *bugs;
    (void)field;
    if (!record_known_bugs(&bugs, member))
        return NULL;
    json_t *value = bugs ? json_string(bugs) : json_null();
    free(bugs);
    return value;
}

json_t *record_value_key(const struct record_field *field, const void *member)
{
    (void)field;
    char text[POINT_KEY_SIZE];
    return json_from_text(point_key(text, ((const struct record *)member)->point));
}

json_t *record_value_kernel(const struct record_field *field, const void *member)
{
    (void)field;
    const struct point *point = member;
    return json_string(point->foreign ? point->foreign : kernel_names[point->kernel]);
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

#define OF_SAMPLE(member, says) RECORD_MEMBER(#member, struct given_sample, member, WHOLE, says)

static const struct record_field sample_rows[] = {
    {OF_SAMPLE(rows, "Rows that are judged, of this sequence."), .unit = "rows"},
    {OF_SAMPLE(of, "Rows that it has: a query of a head each."), .unit = "rows"},
    {OF_SAMPLE(drawn, "Rows that are judged, of all sequences."), .unit = "rows"},
    {OF_SAMPLE(drawn_of, "Rows that these have."), .unit = "rows"},
    {OF_SAMPLE(sequences, "How many sequences there are. Those without a row that was drawn have no record.")},
    {RECORD_MEMBER("seed", struct given_sample, seed, UNSIGNED, "What the rows were drawn from.")},
};
const struct record_fields record_sample_fields = RECORD_FIELDS(sample_rows);

static bool put_seed(json_t *object, const struct record_field *field, const void *member)
{
    const struct given_workload *workload = member;
    return json_put(object, field->field.name, workload->is_drawn ? json_from_unsigned(workload->seed) : json_null());
}

static const struct record_field workload_rows[] = {
    {RECORD_MEMBER("definition", struct given_workload, definition, TEXT, "Its definition's name.")},
    {RECORD_MEMBER("uuid", struct given_workload, uuid, TEXT, "Its own.")},
    {RECORD_NAMED("seed", "What its random inputs were drawn from; null where they were given, or none are random."),
     .type = "integer", .put = put_seed},
};
const struct record_fields record_workload_fields = RECORD_FIELDS(workload_rows);

json_t *record_value_workload(const struct record_field *field, const void *member)
{
    const struct point *point = member;
    return point->workload ? record_fields_to_json(field->members, point->workload) : json_null();
}

struct taken_over {
    const char *version, *commit;
    bool cause;
};

static json_t *taken_facts(const struct record_field *field, const void *member)
{
    static const char *const facts[] = {"truth",     "bounds",  "input_digest", "contract_distance",
                                        "signature", "finding", "contract"};
    enum { WITHOUT_CAUSE = 4 };
    const struct taken_over *taken = member;
    size_t count = taken->cause ? sizeof facts / sizeof *facts : WITHOUT_CAUSE;
    json_t *list = json_array();
    bool complete = list;
    (void)field;
    for (size_t i = 0; i < count && complete; i++)
        complete = json_array_append_new(list, json_string(facts[i])) == 0;
    return json_finish(list, complete);
}

static const struct record_field taken_over_rows[] = {
    {RECORD_MEMBER("version", struct taken_over, version, TEXT, "Of the program that wrote the bundle.")},
    {RECORD_MEMBER("commit", struct taken_over, commit, TEXT, "The same.")},
    {RECORD_NAMED("facts", "What is taken over: truth, bounds (of classes and of a recipe), names of fields."),
     .type = "list", .value = taken_facts},
};
const struct record_fields record_taken_over_fields = RECORD_FIELDS(taken_over_rows);

json_t *record_value_taken_over(const struct record_field *field, const void *member)
{
    const struct record *record = member;
    const struct given_claim *claim = record_claim(record);
    if (!claim)
        return json_null();
    const struct taken_over taken = {claim->version, claim->commit, record_cause_is_claimed(record)};
    return record_fields_to_json(field->members, &taken);
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

json_t *record_value_reason(const struct record_field *field, const void *member)
{
    (void)field;
    return *(const char *)member ? json_from_text(member) : json_null();
}

json_t *record_value_promises(const struct record_field *field, const void *member)
{
    (void)field;
    const struct point *point = ((const struct record *)member)->point;
    if (!point->foreign)
        return json_null();
    return json_string(point->foreign_same_bits ? "same_bits" : "");
}

json_t *record_value_expected_signature(const struct record_field *field, const void *member)
{
    (void)field;
    const struct point *point = member;
    bool says = point->expect_fail && point->signature != SIGNATURE_NONE;
    return says ? json_string(signature_names[point->signature]) : json_null();
}

json_t *record_value_run_failure(const struct record_field *field, const void *member)
{
    (void)field;
    const enum run_failure how = ((const struct record *)member)->run_failure;
    return how ? json_string(run_failures[how].name) : json_null();
}

json_t *record_value_truth_radius(const struct record_field *field, const void *member)
{
    (void)field;
    const struct truth *truth = ((const struct record *)member)->truth;
    return truth ? json_from_double(truth_max_radius(truth)) : json_null();
}

json_t *record_value_worst(const struct record_field *field, const void *member)
{
    (void)field;
    const struct record *record = member;
    if (!record->verdict || !record->output || !record->truth)
        return json_null();
    const struct problem shape = problem_spec_shape(&record->point->problem);
    return worst_to_json(record->verdict, record->output, record->truth, &shape);
}

json_t *record_value_heads(const struct record_field *field, const void *member)
{
    (void)field;
    const struct record *record = member;
    return record->verdict ? heads_to_json(record->verdict, record->point->problem.num_heads) : json_null();
}

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
