/* A record's fields: the interface's names in their order, and the table that lists them. */
#include <math.h>
#include <string.h>

#include "harness/library/judged_record.h"
#include "harness/report/record/tests/record_trial.h"

static void test_fields_have_the_names_and_order_of_the_interface(void **state)
{
    struct sample *sample = *state;
    json_t *json = round_trip(&sample->record);
    ASSERT_MEMBERS(
        json, "schema", "case", "kernel", "recipe", "device", "seq_len", "num_heads", "num_kv_heads", "head_dim",
        "dtype", "sentinel", "seed", "elements", "mismatched", "max_abs_err", "max_ulp_err", "budget_used", "nan",
        "inf", "signature", "worst", "status", "expect", "key", "input_digest", "output_digest", "truth_digest",
        "truth_radius", "references", "seconds", "device_name", "tolerance", "undecided", "unwritten", "p99_ulp_err",
        "p50_ulp_err", "max_rel_err", "max_scaled_err", "rms_err", "max_lse_err", "scale", "max_bias", "slopes",
        "q_position", "input", "mask", "chunk_len", "bias", "exponential", "head_offset", "total_heads", "budget",
        "unbounded", "lse_mismatched", "truth_method", "truth_precision", "truth_of", "contract_distance", "finding",
        "oracles", "oracle_details", "heads", "error", "kv_dtype", "k_scale", "v_scale", "kv_offset", "page_size",
        "page_seed", "batch", "sequence", "lse_budget_used", "judge", "lse_off", "lse_unbounded", "build",
        "num_queries", "point_digest", "run", "launched", "recipe_keys", "recipe_digest", "overridden", "settings",
        "soft_cap", "sink_logits", "pool_pages", "contract", "class", "classes", "head_classes", "class_asked",
        "sample", "workload", "known_bugs", "fidelity", "taken_over", "explanation", "run_failure", "promises",
        "expected_signature", "shared_prefix", "sampled_truth_digest", "launch_failure", "kernel_digest");
    ASSERT_MEMBERS(json_object_get(json, "run"), "index", "of", "left_out", "digest");
    ASSERT_MEMBERS(json_object_get(json, "worst"), "head", "dim", "out", "truth", "query");
    ASSERT_MEMBERS(json_object_get(json, "seconds"), "inputs", "kernel", "truth", "judge", "reference", "oracles",
                   "ended", "shard", "shard_points");
    ASSERT_MEMBERS(json_object_get(json, "tolerance"), "atol", "rtol", "lse");
    ASSERT_MEMBERS(json_array_get(json_object_get(json, "heads"), 1), "head", "mismatched", "max_abs_err",
                   "max_ulp_err", "p99_ulp_err", "max_scaled_err", "rms_err", "nan", "inf", "budget_used",
                   "lse_mismatched", "max_lse_err", "lse_budget_used", "lse_off", "query");
    json_decref(json);
}

/* ---- the table against records ---------------------------------------------------------------------------------- */

enum { MAX_WALKED = 32 };

/* The tables of fields that objects were held against. */
struct walk {
    const struct record_fields *walked[MAX_WALKED];
    int count;
};

static bool was_walked(const struct walk *walk, const struct record_fields *fields)
{
    for (int i = 0; i < walk->count; i++)
        if (walk->walked[i] == fields)
            return true;
    return false;
}

static bool has_type(const json_t *value, const char *types)
{
    const char *name = json_is_integer(value)   ? "integer"
                       : json_is_real(value)    ? "number"
                       : json_is_string(value)  ? "string"
                       : json_is_object(value)  ? "object"
                       : json_is_boolean(value) ? "boolean"
                                                : "list";
    if (json_is_null(value) || strstr(types, name))
        return true;
    if (json_is_integer(value)) /* a parameter */
        return strstr(types, "number");
    return !strcmp(types, "number") && json_is_string(value) && strspn(json_string_value(value), "-infa") > 2;
}

static void walk_object(struct walk *walk, const json_t *object, const struct record_fields *fields);

static void walk_value(struct walk *walk, const json_t *value, const struct record_field *field)
{
    if (!has_type(value, record_field_type(field)))
        fail_msg("%s is no %s", record_field_name(field), record_field_type(field));
    if (!field->members)
        assert_false(json_is_object(value));
    else if (json_is_object(value))
        walk_object(walk, value, field->members);
    for (size_t i = 0; field->members && i < json_array_size(value); i++)
        walk_object(walk, json_array_get(value, i), field->members);
}

/* The object has the fields, in their order and no others. */
static void walk_object(struct walk *walk, const json_t *object, const struct record_fields *fields)
{
    const char *name;
    json_t *value;
    size_t row = 0;
    json_object_foreach((json_t *)object, name, value)
    {
        assert_true(row < fields->count);
        const struct record_field *field = &fields->rows[row];
        if (!field->put) {
            assert_string_equal(name, record_field_name(field));
            row++;
        }
        walk_value(walk, value, field);
    }
    assert_true(row == fields->count || (row + 1 == fields->count && fields->rows[row].put));
    if (json_object_size(object) > 0 && !was_walked(walk, fields)) {
        assert_true(walk->count < MAX_WALKED);
        walk->walked[walk->count++] = fields;
    }
}

/* Each table that there is, was. */
static void assert_all_walked(const struct walk *walk, const struct record_fields *fields, const char *name)
{
    if (!was_walked(walk, fields))
        fail_msg("no record has the fields of %s", name);
    for (size_t i = 0; i < fields->count; i++)
        if (fields->rows[i].members)
            assert_all_walked(walk, fields->rows[i].members, record_field_name(&fields->rows[i]));
}

static void walk_record(struct walk *walk, const struct record *record)
{
    json_t *json = round_trip(record);
    walk_object(walk, json, &record_fields);
    json_decref(json);
}

/* Parts of a record that knows all, which points to them. */
struct all_known {
    struct fault_tally tallies[SAMPLE_H];
    struct fault faults[BASELINE_COUNT];
    struct class_report classes;
    struct class_whole whole;
    char definition[8], uuid[8];
    struct given_workload workload;
    struct given given;
};

/* What judging and oracles have found. */
static void know_findings(struct all_known *all, struct record *record)
{
    static const struct signature_finding finding = {.signature = SIGNATURE_LEAK, .detail = "a key", .residual = 0.5};
    static const struct oracle_report report = {.outcome = {ORACLE_HELD, ORACLE_VIOLATED},
                                                .detail = {"", "q is changed"}};
    static const struct contract_finding contract = {.fits = {{.text = "no bias"}}, .num_fits = 1, .named = true};
    static const struct explained_element explained = {.num_terms = 1};
    all->tallies[1] = (struct fault_tally){.mismatched = 2, .at_fault = {1, 1, 0}};
    for (int kind = 0; kind < BASELINE_COUNT; kind++)
        all->faults[kind] = (struct fault){SAMPLE_H, SAMPLE_D, SAMPLE_H * SAMPLE_D,   all->tallies[1], all->tallies,
                                           1,        NAN,      {1, 0, 5, INFINITY, 0}};
    assert_int_equal(class_report_init(&all->classes, SAMPLE_H, NULL), ERROR_NONE);
    for (int row = 0; row < SAMPLE_H; row++)
        class_sets_add_above(&all->classes.covered[row], CLASS_F32);
    class_of_rows(&all->whole, &all->classes);
    record->faults = all->faults;
    record->finding = &finding;
    record->oracles = &report;
    record->contract = &contract;
    record->contract_distance = 0.5;
    record->explained = &explained;
    record->classes = &all->classes;
    record->class_of_all = &all->whole;
    record->ended = 1;
}

/* What the point, its case and its caller say. */
static void know_point(struct all_known *all, struct point *point)
{
    static const float slopes[SAMPLE_H] = {0.5f, 0.25f};
    static const bool judged[SAMPLE_H] = {true};
    static const struct given_claim claim = {.version = "0.1", .commit = "abc", .as_before = true};
    struct problem_spec *problem = &point->problem;
    problem->slope_values = slopes;
    problem->num_slope_values = SAMPLE_H;
    problem->mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 2};
    problem->seed = 1;
    problem->soft_cap = (struct soft_cap_spec){SOFT_CAP_BEFORE_BIAS, 30};
    problem->sinks = (struct sink_spec){.kind = SINKS_NORMAL, .number = 1};
    all->workload = (struct given_workload){all->definition, all->uuid, true, 1};
    all->given = (struct given){
        .key = "k", .command = "c", .sample = {.judged = judged, .rows = 1, .of = SAMPLE_H}, .claim = &claim};
    point->kernel_options.page_size = 16;
    point->batch = BATCH_TOGETHER;
    point->baselines = (1u << BASELINE_COUNT) - 1;
    point->demand.asked = true;
    point->workload = &all->workload;
    point->given = &all->given;
}

/* Nothing is null in a record that knows all, but what cannot be beside the rest. */
static void assert_all_known(json_t *json)
{
    static const char *const others[] = {
        "error",    "budget_used",    "lse_budget_used",      "sample",       "taken_over", "run_failure",
        "promises", "launch_failure", "sampled_truth_digest", "kernel_digest"};
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        bool other = false;
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
            other |= !strcmp(name, others[i]);
        if (json_is_null(value) && !other)
            fail_msg("%s is null in a record that knows all", name);
    }
}

static void test_records_have_the_fields_of_the_table(void **state)
{
    struct sample *sample = *state;
    struct walk walk = {.count = 0};
    struct all_known all = {.definition = "gqa", .uuid = "u-1"};
    walk_record(&walk, &sample->record);
    know_findings(&all, &sample->record);
    know_point(&all, &sample->point);
    walk_record(&walk, &sample->record);
    json_t *json = round_trip(&sample->record);
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "taken_over"), "facts")), 7);
    json_decref(json);
    sample->point.given = NULL;
    sample->test_case.known_bugs = "nan: K6; leak: K2 K5";
    sample->point.expect_fail = true;
    sample->point.signature = SIGNATURE_LEAK;
    walk_record(&walk, &sample->record);
    json = round_trip(&sample->record);
    assert_string_equal(json_string_value(json_object_get(json, "expected_signature")), "leak");
    assert_string_equal(json_string_value(json_object_get(json, "known_bugs")), "K2 K5");
    assert_all_known(json);
    json_decref(json);
    assert_all_walked(&walk, &record_fields, "a record");
    class_report_clear(&all.classes);
    sample->record.classes = NULL;
    sample_set_error(sample, "no memory");
    walk_record(&walk, &sample->record);
}

static void check_rows(const struct record_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct record_field *row = &fields->rows[i];
        const struct field *field = row->metric ? &row->metric->field : &row->field;
        bool member = !row->metric && !row->value && !row->put && !row->members;
        bool choice = field->type == FIELD_CHOICE;
        if (!field->about || (field->about[strlen(field->about) - 1] == '.') == choice)
            fail_msg("%s: what it means ends in a full stop, of a choice in its names", field->name);
        if ((member || row->metric) && !field_is_sound(field))
            fail_msg("%s: not a sound field", field->name);
        if ((row->value || row->put) && !row->members && !row->type && row->field.type == FIELD_WHOLE)
            fail_msg("%s: a value that is computed says of what type it is", field->name);
        if (row->members)
            check_rows(row->members);
    }
}

static void test_fields_are_described(void **state)
{
    (void)state;
    check_rows(&record_fields);
}

/* The table's offsets and types, against the struct itself. */
static void test_metric_table_reads_the_fields_it_names(void **state)
{
    (void)state;
    const struct metrics metrics = {.elements = 1,
                                    .mismatched = 2,
                                    .undecided = 3,
                                    .nan = 4,
                                    .inf = 5,
                                    .unwritten = 6,
                                    .max_abs_err = 7.5,
                                    .max_ulp_err = 8.5,
                                    .p99_ulp_err = 9.5,
                                    .p50_ulp_err = 10.5,
                                    .max_rel_err = 11.5,
                                    .max_scaled_err = 12.5,
                                    .rms_err = 13.5,
                                    .max_lse_err = 14.5,
                                    .budget_used = 15.5,
                                    .unbounded = 16,
                                    .lse_mismatched = 17,
                                    .lse_budget_used = 18.5,
                                    .lse_off = 19,
                                    .lse_unbounded = 20};
    static const struct {
        enum metric metric;
        const char *name;
        double value;
    } rows[METRIC_COUNT] = {
        {METRIC_ELEMENTS, "elements", 1},
        {METRIC_MISMATCHED, "mismatched", 2},
        {METRIC_UNDECIDED, "undecided", 3},
        {METRIC_NAN, "nan", 4},
        {METRIC_INF, "inf", 5},
        {METRIC_UNWRITTEN, "unwritten", 6},
        {METRIC_BUDGET_USED, "budget_used", 15.5},
        {METRIC_UNBOUNDED, "unbounded", 16},
        {METRIC_LSE_MISMATCHED, "lse_mismatched", 17},
        {METRIC_LSE_BUDGET_USED, "lse_budget_used", 18.5},
        {METRIC_LSE_OFF, "lse_off", 19},
        {METRIC_LSE_UNBOUNDED, "lse_unbounded", 20},
        {METRIC_MAX_ABS_ERR, "max_abs_err", 7.5},
        {METRIC_MAX_ULP_ERR, "max_ulp_err", 8.5},
        {METRIC_P99_ULP_ERR, "p99_ulp_err", 9.5},
        {METRIC_P50_ULP_ERR, "p50_ulp_err", 10.5},
        {METRIC_MAX_REL_ERR, "max_rel_err", 11.5},
        {METRIC_MAX_SCALED_ERR, "max_scaled_err", 12.5},
        {METRIC_RMS_ERR, "rms_err", 13.5},
        {METRIC_MAX_LSE_ERR, "max_lse_err", 14.5},
    };
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        assert_string_equal(metric_table[rows[i].metric].field.name, rows[i].name);
        assert_equals(metric_value(rows[i].metric, &metrics), rows[i].value);
        json_t *json = metric_to_json(&metric_table[rows[i].metric], &metrics);
        assert_int_equal(json_is_integer(json), metric_table[rows[i].metric].field.type == FIELD_WHOLE);
        json_decref(json);
    }
    char text[METRIC_TEXT_SIZE];
    assert_string_equal(metric_format(text, METRIC_RMS_ERR, &(struct metrics){.rms_err = 0.0012345}), "0.00123");
    assert_string_equal(metric_format(text, METRIC_RMS_ERR, &(struct metrics){.rms_err = -NAN}), "nan");
}

/* What speaks of no case and no kernel is written without a point, too (harness/library), and says the same. */
static void test_a_record_without_a_point_has_the_same_fields(void **state)
{
    (void)state;
    assert_int_equal(judged_record_fields.count, record_fields.count);
    for (size_t i = 0; i < record_fields.count; i++) {
        const struct record_field *of_point = &record_fields.rows[i], *other = &judged_record_fields.rows[i];
        assert_string_equal(record_field_name(of_point), record_field_name(other));
        assert_ptr_equal(of_point->metric, other->metric);
        if (other->members)
            assert_ptr_equal(of_point->members, other->members);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fields_have_the_names_and_order_of_the_interface),
        TEST(test_records_have_the_fields_of_the_table),
        cmocka_unit_test(test_fields_are_described),
        cmocka_unit_test(test_metric_table_reads_the_fields_it_names),
        cmocka_unit_test(test_a_record_without_a_point_has_the_same_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
