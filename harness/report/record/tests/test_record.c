#include <inttypes.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>

#include "harness/case/recipe_field.h"
#include "harness/library/judged_record.h"
#include "harness/report/record/record_field.h"
#include "harness/report/record/tests/sample.h"
#include "harness/support/json_value.h"

/* To the last bit; cmocka's assert_double_equal, which not every version has, takes an epsilon. */
#define assert_equals(a, b) assert_true((a) == (b))

static int set_up(void **state)
{
    struct sample *sample = calloc(1, sizeof *sample);
    if (!sample)
        return -1;
    sample_init(sample);
    *state = sample;
    return 0;
}

static int tear_down(void **state)
{
    sample_clear(*state);
    free(*state);
    return 0;
}

/* The record printed and parsed again, as a script would see it. */
static json_t *round_trip(const struct record *record)
{
    json_t *object = record_to_json(record);
    assert_non_null(object);
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRINT_FLAGS);
    json_decref(object);
    assert_non_null(text);
    object = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(object);
    return object;
}

/* Names of the object's members, in order. */
static void assert_members(const json_t *object, const char *const *names, size_t count)
{
    assert_int_equal(json_object_size(object), count);
    const char *name;
    json_t *value;
    size_t i = 0;
    json_object_foreach((json_t *)object, name, value)
    {
        assert_string_equal(name, names[i]);
        i++;
    }
}

#define ASSERT_MEMBERS(object, ...)                                    \
    do {                                                               \
        static const char *const names[] = {__VA_ARGS__};              \
        assert_members(object, names, sizeof names / sizeof names[0]); \
    } while (0)

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
                   "ended");
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

static void test_records_have_the_fields_of_the_table(void **state)
{
    struct sample *sample = *state;
    struct walk walk = {.count = 0};
    json_t *json = round_trip(&sample->record);
    walk_object(&walk, json, &record_fields);
    json_decref(json);

    static const float slopes[SAMPLE_H] = {0.5f, 0.25f};
    struct fault_tally tallies[SAMPLE_H] = {{.mismatched = 0}, {.mismatched = 2, .at_fault = {1, 1, 0}}};
    struct fault faults[BASELINE_COUNT];
    for (int kind = 0; kind < BASELINE_COUNT; kind++)
        faults[kind] = (struct fault){SAMPLE_H, SAMPLE_D, SAMPLE_H * SAMPLE_D,   tallies[1], tallies,
                                      1,        NAN,      {1, 0, 5, INFINITY, 0}};
    const struct signature_finding finding = {.signature = SIGNATURE_LEAK, .detail = "a key", .residual = 0.5};
    const struct oracle_report report = {.outcome = {ORACLE_HELD, ORACLE_VIOLATED}, .detail = {"", "q is changed"}};
    struct problem_spec *problem = &sample->point.problem;
    problem->slope_values = slopes;
    problem->num_slope_values = SAMPLE_H;
    problem->mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 2};
    problem->seed = 1;
    sample->point.kernel_options.page_size = 16;
    sample->point.batch = BATCH_TOGETHER;
    sample->point.baselines = (1u << BASELINE_COUNT) - 1;
    sample->record.faults = faults;
    sample->record.finding = &finding;
    sample->record.oracles = &report;
    sample->point.problem.soft_cap = (struct soft_cap_spec){SOFT_CAP_BEFORE_BIAS, 30};
    sample->point.problem.sinks = (struct sink_spec){.kind = SINKS_NORMAL, .number = 1};
    sample->record.contract_distance = 0.5;
    const struct contract_finding contract = {.fits = {{.text = "no bias"}}, .num_fits = 1, .named = true};
    struct class_report classes;
    struct class_whole whole;
    assert_int_equal(class_report_init(&classes, SAMPLE_H, NULL), ERROR_NONE);
    for (int row = 0; row < SAMPLE_H; row++)
        class_sets_add_above(&classes.covered[row], CLASS_F32);
    class_of_rows(&whole, &classes);
    const struct explained_element explained = {.num_terms = 1};
    sample->record.explained = &explained;
    sample->record.contract = &contract;
    sample->record.classes = &classes;
    sample->record.class_of_all = &whole;
    sample->point.demand.asked = true;
    char definition[] = "gqa", uuid[] = "u-1";
    const struct given_workload workload = {definition, uuid, true, 1};
    sample->point.workload = &workload;
    sample->record.ended = 1;
    static const bool judged[SAMPLE_H] = {true};
    const struct given_claim claim = {.version = "0.1", .commit = "abc", .as_before = true};
    const struct given given = {
        .key = "k", .command = "c", .sample = {.judged = judged, .rows = 1, .of = SAMPLE_H}, .claim = &claim};
    sample->point.given = &given;
    json = round_trip(&sample->record);
    const json_t *facts = json_object_get(json_object_get(json, "taken_over"), "facts");
    assert_int_equal(json_array_size(facts), finding.signature == SIGNATURE_NONE ? 4 : 7);
    walk_object(&walk, json, &record_fields);
    json_decref(json);
    sample->point.given = NULL;
    sample->test_case.known_bugs = "nan: K6; leak: K2 K5";
    sample->point.expect_fail = true;
    sample->point.signature = SIGNATURE_LEAK;
    json = round_trip(&sample->record);
    assert_string_equal(json_string_value(json_object_get(json, "expected_signature")), "leak");
    assert_string_equal(json_string_value(json_object_get(json, "known_bugs")), "K2 K5");
    walk_object(&walk, json, &record_fields);
    assert_all_walked(&walk, &record_fields, "a record");
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        if (json_is_null(value) && strcmp(name, "error") != 0 && strcmp(name, "budget_used") != 0 &&
            strcmp(name, "lse_budget_used") != 0 && strcmp(name, "sample") != 0 && strcmp(name, "taken_over") != 0 &&
            strcmp(name, "run_failure") != 0 && strcmp(name, "promises") != 0 && strcmp(name, "launch_failure") != 0 &&
            strcmp(name, "sampled_truth_digest") != 0 && strcmp(name, "kernel_digest") != 0)
            fail_msg("%s is null in a record that knows all", name);
    }
    json_decref(json);
    class_report_clear(&classes);
    sample->record.classes = NULL;

    sample_set_error(sample, "no memory");
    json = round_trip(&sample->record);
    walk_object(&walk, json, &record_fields);
    json_decref(json);
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

static void test_oracles_are_named_and_violations_told(void **state)
{
    struct sample *sample = *state;
    const struct oracle_report report = {
        .outcome = {[ORACLE_INPUTS] = ORACLE_VIOLATED, [ORACLE_DETERMINISM] = ORACLE_HELD},
        .detail = {[ORACLE_INPUTS] = "k was changed", [ORACLE_BATCH] = "not a batch"},
    };
    sample->record.oracles = &report;
    json_t *json = round_trip(&sample->record);
    const json_t *outcomes = json_object_get(json, "oracles"), *details = json_object_get(json, "oracle_details");
    assert_int_equal(json_object_size(outcomes), ORACLE_COUNT);
    assert_string_equal(json_string_value(json_object_get(outcomes, "poison")), "not_run");
    assert_string_equal(json_string_value(json_object_get(outcomes, "inputs")), "violated");
    assert_string_equal(json_string_value(json_object_get(outcomes, "determinism")), "held");
    assert_int_equal(json_object_size(details), 1);
    assert_string_equal(json_string_value(json_object_get(details, "inputs")), "k was changed");
    json_decref(json);
}

static void test_heads_have_figures_of_their_own(void **state)
{
    struct sample *sample = *state;
    json_t *json = round_trip(&sample->record);
    const json_t *heads = json_object_get(json, "heads");
    assert_int_equal(json_array_size(heads), SAMPLE_H);
    for (size_t h = 0; h < SAMPLE_H; h++) {
        const json_t *head = json_array_get(heads, h);
        assert_int_equal(json_integer_value(json_object_get(head, "head")), h);
        assert_int_equal(json_integer_value(json_object_get(head, "mismatched")), h == 1);
        assert_true(fabs(json_number_value(json_object_get(head, "max_ulp_err")) - (h == 1 ? 512 : 0)) < 1e-9);
        assert_true(json_is_null(json_object_get(head, "budget_used")));
    }
    json_decref(json);
}

static void test_a_budget_that_does_not_judge_is_null(void **state)
{
    struct sample *sample = *state;
    sample->point.criterion.budget = 2;
    for (int mode = 0; mode < JUDGE_MODE_COUNT; mode++) {
        sample->point.criterion.mode = (enum judge_mode)mode;
        json_t *json = round_trip(&sample->record);
        assert_string_equal(json_string_value(json_object_get(json, "judge")), judge_mode_names[mode]);
        assert_int_equal(json_is_null(json_object_get(json, "budget")), mode == JUDGE_TOLERANCE);
        if (mode != JUDGE_TOLERANCE)
            assert_equals(json_real_value(json_object_get(json, "budget")), 2);
        json_decref(json);
    }
}

static void test_fields_are_described(void **state)
{
    (void)state;
    check_rows(&record_fields);
}

static void test_values(void **state)
{
    struct sample *sample = *state;
    json_t *json = round_trip(&sample->record);
    json_int_t schema, seq_len, heads, kv_heads, head_dim, seed, elements, mismatched, chunk_len, precision, position;
    const char *name, *kernel, *recipe, *device, *dtype, *sentinel, *status, *expect, *key, *slopes;
    assert_int_equal(
        json_unpack(json, "{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}",
                    "schema", &schema, "case", &name, "kernel", &kernel, "recipe", &recipe, "device", &device,
                    "seq_len", &seq_len, "num_heads", &heads, "num_kv_heads", &kv_heads, "head_dim", &head_dim, "dtype",
                    &dtype, "sentinel", &sentinel, "seed", &seed, "elements", &elements, "mismatched", &mismatched,
                    "status", &status, "expect", &expect, "key", &key),
        0);
    assert_int_equal(schema, 1);
    assert_string_equal(name, "sample");
    assert_string_equal(kernel, "split_kv");
    assert_string_equal(recipe, "relative-polynomial");
    assert_string_equal(device, "host");
    assert_int_equal(seq_len, 3);
    assert_int_equal(heads, 2);
    assert_int_equal(kv_heads, 1);
    assert_int_equal(head_dim, 4);
    assert_string_equal(dtype, "f16");
    assert_string_equal(sentinel, "-50000");
    assert_int_equal(seed, 7);
    assert_int_equal(elements, 8);
    assert_int_equal(mismatched, 1);
    assert_string_equal(status, "fail");
    assert_string_equal(expect, "pass");
    assert_string_equal(key, "sample:kernel=split_kv,seq_len=3");
    assert_int_equal(json_unpack(json, "{s:I, s:I, s:I, s:s}", "chunk_len", &chunk_len, "truth_precision", &precision,
                                 "q_position", &position, "slopes", &slopes),
                     0);
    assert_int_equal(chunk_len, 1024);
    assert_int_equal(precision, 160);
    assert_int_equal(position, 2);
    assert_string_equal(slopes, "bloom");

    json_int_t head, dim;
    double out, truth;
    assert_int_equal(json_unpack(json_object_get(json, "worst"), "{s:I, s:I, s:f, s:f}", "head", &head, "dim", &dim,
                                 "out", &out, "truth", &truth),
                     0);
    assert_int_equal(head, 1);
    assert_int_equal(dim, 2);
    assert_equals(out, 1.5);
    assert_equals(truth, 1);
    json_t *second = json_array_get(json_object_get(json, "heads"), 1);
    assert_int_equal(json_integer_value(json_object_get(second, "head")), 1);
    assert_int_equal(json_integer_value(json_object_get(second, "mismatched")), 1);
    assert_equals(json_real_value(json_object_get(second, "max_lse_err")), 0x1p-10);
    json_decref(json);
}

static void test_build_says_which_program(void **state)
{
    struct sample *sample = *state;
    json_t *json = round_trip(&sample->record), *build = json_object_get(json, "build");
    ASSERT_MEMBERS(build, "version", "commit", "compiler", "optimize", "arch", "sanitizers", "cuda_archs", "flags",
                   "changes");
    static const struct {
        const char *name, *form;
    } members[] = {
        {"version", "^[0-9]+(\\.[0-9]+)+$"},
        {"commit", "^(unknown|[0-9a-f]{4,}(-dirty)?)$"},
        {"compiler", "^(gcc|clang) [0-9]+\\.[0-9]+\\.[0-9]+$"},
        {"optimize", "^-O[0-3], kernels -O[0-3]$"},
        {"arch", "^(default|[a-z0-9-]+)$"},
        {"sanitizers", "^(none|address,undefined)$"},
        {"cuda_archs", "^(none|[0-9]+( [0-9]+)*)$"},
        {"changes", "^(none|[0-9a-f]{16})$"},
        {"changes", "^(none|[0-9a-f]{16})$"},
        {"flags", "^[^}]+$"}, /* what leaves `build` out takes it to end at the first brace */
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *text = json_string_value(json_object_get(build, members[i].name));
        regex_t form;
        assert_non_null(text);
        assert_int_equal(regcomp(&form, members[i].form, REG_EXTENDED | REG_NOSUB), 0);
        assert_int_equal(regexec(&form, text, 0, NULL, 0), 0);
        regfree(&form);
    }
    json_decref(json);
}

static const char *text_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void test_the_recipe_is_told_key_by_key(void **state)
{
    struct sample *sample = *state;
    const struct recipe base = {.name = "mine", .sentinel = {SENTINEL_VALUE, -1e4f}, .epsilon = 0.5f};
    char digests[2][17];
    sample->point.base_recipe = &base;
    sample->point.recipe.name = "mine";
    sample->point.recipe.epsilon = 0.5f;
    json_t *json = round_trip(&sample->record), *recipe = json_object_get(json, "recipe_keys");
    assert_string_equal(text_at(recipe, "sentinel"), "-50000");
    assert_string_equal(text_at(recipe, "log2e"), "folded");
    assert_equals(json_real_value(json_object_get(recipe, "epsilon")), 0.5);
    assert_int_equal(json_object_size(recipe), recipe_fields.count);
    ASSERT_MEMBERS(json_object_get(json, "overridden"), "sentinel"); /* epsilon is the recipe's own */
    assert_string_equal(text_at(json_object_get(json, "overridden"), "sentinel"), "-10000");
    snprintf(digests[0], sizeof digests[0], "%s", text_at(json, "recipe_digest"));
    json_decref(json);

    sample->point.recipe = base;
    json = round_trip(&sample->record);
    assert_int_equal(json_object_size(json_object_get(json, "overridden")), 0);
    snprintf(digests[1], sizeof digests[1], "%s", text_at(json, "recipe_digest"));
    assert_string_not_equal(digests[0], digests[1]);
    json_decref(json);
}

static void test_how_it_came_to_be(void **state)
{
    struct sample *sample = *state;
    const char *const settings[] = {"seq_len=[3, 4]", "recipe=mine"};
    json_t *json = round_trip(&sample->record);
    assert_true(json_is_null(json_object_get(json_object_get(json, "seconds"), "ended")));
    assert_string_equal(text_at(json, "launched"), "whole");
    assert_string_equal(text_at(json, "fidelity"), "exact");
    assert_int_equal(json_array_size(json_object_get(json, "settings")), 0);
    json_decref(json);
    sample->record.ended = 1795827959;
    sample->record.settings = settings;
    sample->record.num_settings = 2;
    sample->point.problem.seq_len = 1 << 27;
    sample->point.problem.num_kv_heads = SAMPLE_H;
    json = round_trip(&sample->record);
    assert_string_equal(text_at(json_object_get(json, "seconds"), "ended"), "2026-11-28T01:05:59Z");
    assert_string_equal(text_at(json, "launched"), "parts");
    char *notes = record_notes(&sample->record);
    assert_non_null(notes);
    assert_true(!strncmp(notes, "launched in parts", strlen("launched in parts")) && !strstr(notes, "after"));
    free(notes);
    assert_true(json_is_null(json_object_get(json, "launch_failure")));
    assert_true(json_is_null(json_object_get(json, "kernel_digest")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "settings"), 1)), "recipe=mine");
    json_decref(json);
    sample->record.kernel_digest = "0123456789abcdef";
    sample->record.launch_failure = "device cuda: other keys"; /* by one that would have taken it all */
    json = round_trip(&sample->record);
    notes = record_notes(&sample->record);
    assert_non_null(notes);
    assert_non_null(strstr(notes, "launched in parts, after device cuda: other keys"));
    free(notes);
    assert_string_equal(text_at(json, "launch_failure"), "device cuda: other keys");
    assert_string_equal(text_at(json, "kernel_digest"), "0123456789abcdef");
    json_decref(json);
    sample->record.launch_failure = "";
    sample->record.at_once = true; /* by a device that takes it */
    json = round_trip(&sample->record);
    assert_string_equal(text_at(json, "launched"), "whole");
    notes = record_notes(&sample->record);
    assert_non_null(notes);
    assert_null(strstr(notes, "launched"));
    free(notes);
    json_decref(json);
    sample->record.at_once = false;
    sample->point.problem.seq_len = SAMPLE_N;
}

static void test_digests_are_16_hex_digits(void **state)
{
    struct sample *sample = *state;
    json_t *json = round_trip(&sample->record);
    assert_string_equal(json_string_value(json_object_get(json, "input_digest")), "0123456789abcdef");
    assert_string_equal(json_string_value(json_object_get(json, "output_digest")), "000000000000000a");
    assert_string_equal(json_string_value(json_object_get(json, "truth_digest")), "ffffffffffffffff");
    json_decref(json);
}

static void test_what_is_not_known_is_null(void **state)
{
    struct sample *sample = *state;
    json_t *json = round_trip(&sample->record);
    static const char *const later[] = {"budget_used", "signature", "references", "error"};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        assert_true(json_is_null(json_object_get(json, later[i])));
    json_decref(json);

    sample_set_error(sample, "the kernel diverged");
    json = round_trip(&sample->record);
    static const char *const unknown[] = {
        "elements",     "mismatched",    "max_abs_err",    "max_ulp_err",  "nan",         "inf",       "worst",
        "input_digest", "output_digest", "truth_digest",   "truth_radius", "undecided",   "unwritten", "p99_ulp_err",
        "p50_ulp_err",  "max_rel_err",   "max_scaled_err", "rms_err",      "max_lse_err", "heads"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_true(json_is_null(json_object_get(json, unknown[i])));
    assert_string_equal(json_string_value(json_object_get(json, "status")), "error");
    assert_string_equal(json_string_value(json_object_get(json, "error")), "the kernel diverged");
    assert_int_equal(json_integer_value(json_object_get(json, "seq_len")), 3);
    json_decref(json);
}

static void test_chunk_len_is_null_where_nothing_is_split(void **state)
{
    struct sample *sample = *state;
    sample->point.kernel = KERNEL_SINGLE_PASS;
    json_t *json = round_trip(&sample->record);
    assert_true(json_is_null(json_object_get(json, "chunk_len")));
    json_decref(json);
}

static void test_nan_and_infinities_are_strings(void **state)
{
    struct sample *sample = *state;
    sample->out[0] = 0x7e00;
    sample->out[5] = 0xfc00;
    sample->lse[1] = NAN;
    sample_judge(sample);
    json_t *json = round_trip(&sample->record);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "worst"), "out")), "nan");
    assert_string_equal(json_string_value(json_object_get(json, "max_abs_err")), "inf");
    assert_string_equal(json_string_value(json_object_get(json, "max_lse_err")), "nan");
    assert_string_equal(json_string_value(json_object_get(json, "p99_ulp_err")), "nan");
    json_decref(json);
    json = json_from_double(-INFINITY);
    assert_string_equal(json_string_value(json), "-inf");
    json_decref(json);
}

static void test_floats_read_back_exactly(void **state)
{
    struct sample *sample = *state;
    static const double values[] = {0.1,  1.0 / 3, 0x1.fffffffffffffp-1, 0x1p-1074, 0x1.fffffffffffffp1023,
                                    -0.0, 5e-324};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        sample->point.criterion.tolerance.atol = values[i];
        json_t *json = round_trip(&sample->record);
        double back = json_real_value(json_object_get(json_object_get(json, "tolerance"), "atol"));
        assert_memory_equal(&back, &values[i], sizeof back);
        json_decref(json);
    }
    json_t *json = round_trip(&sample->record);
    assert_equals(json_real_value(json_object_get(json, "scale")), 0.1f);
    assert_equals(json_real_value(json_object_get(json, "truth_radius")), 0x1p-97);
    json_decref(json);
}

static void test_input_has_the_parameters_of_its_distribution(void **state)
{
    struct sample *sample = *state;
    json_t *json = round_trip(&sample->record);
    ASSERT_MEMBERS(json_object_get(json, "input"), "distribution", "mean", "stddev", "channels", "factor");
    json_decref(json);
    sample->point.problem.input.distribution = DISTRIBUTION_UNIFORM;
    json = round_trip(&sample->record);
    ASSERT_MEMBERS(json_object_get(json, "input"), "distribution", "low", "high");
    json_decref(json);
}

static void test_slopes_are_a_convention_or_their_values(void **state)
{
    struct sample *sample = *state;
    static const float values[] = {0.1f, -3};
    json_t *json = round_trip(&sample->record);
    assert_string_equal(json_string_value(json_object_get(json, "slopes")), "bloom");
    json_decref(json);
    sample->point.problem.slope_values = values;
    sample->point.problem.num_slope_values = 2;
    json = round_trip(&sample->record);
    const json_t *list = json_object_get(json_object_get(json, "slopes"), "values");
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_number_value(json_array_get(list, 0)) == (double)0.1f);
    assert_true(json_number_value(json_array_get(list, 1)) == -3);
    json_decref(json);
}

static void test_cache_is_as_resolved(void **state)
{
    struct sample *sample = *state;
    sample->point.problem.dtype = DTYPE_F16;
    json_t *json = round_trip(&sample->record);
    assert_string_equal(json_string_value(json_object_get(json, "kv_dtype")), "f16");
    assert_int_equal(json_integer_value(json_object_get(json, "page_size")), 0);
    assert_true(json_is_null(json_object_get(json, "page_seed")));
    json_decref(json);
    sample->point.problem.kv_format = KV_E5M2;
    sample->point.problem.k_scale = 0.1f;
    sample->point.problem.v_scale = 3;
    sample->point.problem.kv_offset = 2013265920;
    sample->point.kernel_options.page_size = 16;
    sample->point.kernel_options.page_seed = UINT64_MAX;
    json = round_trip(&sample->record);
    assert_string_equal(json_string_value(json_object_get(json, "dtype")), "f16");
    assert_string_equal(json_string_value(json_object_get(json, "kv_dtype")), "e5m2");
    assert_true(json_number_value(json_object_get(json, "k_scale")) == (double)0.1f);
    assert_true(json_number_value(json_object_get(json, "v_scale")) == 3);
    assert_int_equal(json_integer_value(json_object_get(json, "kv_offset")), 2013265920);
    assert_int_equal(json_integer_value(json_object_get(json, "page_size")), 16);
    assert_string_equal(json_string_value(json_object_get(json, "page_seed")), "18446744073709551615");
    json_decref(json);
}

static void test_a_batch_is_its_lengths_and_the_place_among_them(void **state)
{
    struct sample *sample = *state;
    json_t *json = round_trip(&sample->record);
    assert_true(json_is_null(json_object_get(json, "batch")));
    assert_true(json_is_null(json_object_get(json, "sequence")));
    json_decref(json);
    sample->point.batch = BATCH_TOGETHER;
    sample->point.problem.sequence = 1;
    json = round_trip(&sample->record);
    const json_t *batch = json_object_get(json, "batch");
    assert_int_equal(json_array_size(batch), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_integer_value(json_array_get(batch, i)), sample->point.problem.seq_len + (int64_t)i - 1);
    assert_int_equal(json_integer_value(json_object_get(json, "sequence")), 1);
    json_decref(json);
}

static void test_mask_is_null_its_name_or_its_parameters(void **state)
{
    struct sample *sample = *state;
    static const struct mask_bits bits = {.name = "some/file.bits"};
    static const struct {
        struct mask_spec mask;
        const char *json;
    } rows[] = {
        {{.kind = MASK_NONE}, "null"},
        {{.kind = MASK_ALL}, "\"all\""},
        {{.kind = MASK_HOLES, .holes = 0.5}, "{\"holes\":0.5}"},
        {{.kind = MASK_WINDOW, .window = 256}, "{\"window\":256,\"sinks\":0}"},
        {{.kind = MASK_DROP_NEWEST, .drop_newest = 134217728}, "{\"drop_newest\":134217728}"},
        {{.kind = MASK_BLOCK, .block = 64, .keep_every = 4}, "{\"block\":64,\"keep_every\":4}"},
        {{.kind = MASK_PADDING, .padding = 7}, "{\"padding\":7}"},
        {{.kind = MASK_GAP, .gap_from = 7, .gap_keys = 1}, "{\"gap_from\":7,\"gap_keys\":1}"},
        {{.kind = MASK_FILE, .bits = &bits}, "{\"file\":\"some/file.bits\"}"},
        {{.kind = MASK_FILE | MASK_WINDOW, .window = 3, .bits = &bits},
         "{\"window\":3,\"sinks\":0,\"file\":\"some/file.bits\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sample->point.problem.mask = rows[i].mask;
        json_t *json = round_trip(&sample->record);
        char *text = json_dumps(json_object_get(json, "mask"), JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(text, rows[i].json);
        free(text);
        json_decref(json);
    }
}

static void test_seed_beyond_json_integers_is_a_string(void **state)
{
    struct sample *sample = *state;
    sample->point.problem.seed = UINT64_MAX;
    json_t *json = round_trip(&sample->record);
    assert_string_equal(json_string_value(json_object_get(json, "seed")), "18446744073709551615");
    json_decref(json);
}

static void test_text_that_is_not_utf8_is_still_a_record(void **state)
{
    struct sample *sample = *state;
    sample_set_error(sample, "cannot read \xff\x01");
    json_t *json = round_trip(&sample->record);
    assert_string_equal(json_string_value(json_object_get(json, "error")), "cannot read \xef\xbf\xbd\xef\xbf\xbd");
    json_decref(json);
}

static void test_reproduce_is_quoted_for_a_shell(void **state)
{
    struct sample *sample = *state;
    static const struct {
        const char *path, *key, *line;
    } rows[] = {
        {"cases/a.yaml", "a:seed=1", "alibicheck run cases/a.yaml --only 'a:seed=1'"},
        {"my cases/a.yaml", "it's:seed=1", "alibicheck run 'my cases/a.yaml' --only 'it'\\''s:seed=1'"},
        {"-a.yaml", "$(x)", "alibicheck run ./-a.yaml --only '$(x)'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sample->test_case.path = rows[i].path;
        sample->test_case.key = rows[i].key;
        char *line = record_reproduce(&sample->record, "");
        assert_string_equal(line, rows[i].line);
        free(line);
    }
    static const char *const settings[] = {"seed=3", "tolerance={atol: 0}"};
    sample->record.settings = settings;
    sample->record.num_settings = 2;
    char *line = record_reproduce(&sample->record, "");
    assert_string_equal(line, "alibicheck run ./-a.yaml --only '$(x)' --set 'seed=3' --set 'tolerance={atol: 0}'");
    free(line);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

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

/* Which bug would have left its output unwritten nobody knows. */
static void test_a_kernel_that_failed_to_run_has_no_known_bug(void **state)
{
    struct sample *sample = *state;
    struct signature_finding finding = {.signature = SIGNATURE_UNWRITTEN};
    char *bugs;
    sample->test_case.known_bugs = "unwritten: K60";
    sample->record.finding = &finding;
    sample->record.outcome.status = STATUS_FAIL;
    assert_true(record_known_bugs(&bugs, &sample->record));
    assert_string_equal(bugs, "K60");
    free(bugs);
    snprintf(sample->record.outcome.reason, sizeof sample->record.outcome.reason, "expected to fail as leak");
    assert_true(record_known_bugs(&bugs, &sample->record));
    assert_string_equal(bugs, "K60"); /* whatever was expected */
    free(bugs);
    finding.signature = SIGNATURE_NO_ANSWER;
    assert_true(record_known_bugs(&bugs, &sample->record));
    assert_null(bugs);
    char *text = record_findings(&sample->record, "", false);
    assert_non_null(text);
    assert_null(strstr(text, "known bug"));
    free(text);
}

/* Where there is no name, each is sent to what he can do; no head is said to have been passed over. */
static void test_nobody_is_sent_to_a_line_that_he_has_not(void **state)
{
    static const struct {
        const char *option, *told;
        int examined;
        const char *heads;
    } rows[] = {
        {" --plugin=./mine.so", "the line that runs the point alone, with `explain` in place of `run`", 2,
         "unknown (2 heads examined)\n"},
        {" --kernel-command='ssh box run --kernel-pipes'", "in place of `run`", 1, "unknown (1 head examined)\n"},
        {" --kernel-pipes=3,4", "or a program that serves the function", 0, "unknown\n"},
        {NULL, "or a program that serves the function", 1, "unknown (1 head examined)\n"},
    };
    struct sample *sample = *state;
    sample->point.foreign = "mine";
    sample->record.outcome.status = STATUS_FAIL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct signature_finding finding = {
            .signature = SIGNATURE_UNKNOWN, .num_rows_failing = 2, .num_rows_examined = rows[i].examined};
        sample->record.finding = &finding;
        sample->record.foreign_option = rows[i].option;
        char *text = record_findings(&sample->record, "", true);
        assert_non_null(text);
        assert_non_null(strstr(text, rows[i].told));
        assert_non_null(strstr(text, rows[i].heads));
        free(text);
    }
}

/* A contract that the kernel took stands above the name, and one that merely fits below it, unless there is none. */
static void test_what_is_known_for_certain_comes_first(void **state)
{
    static const struct {
        bool named;
        enum signature signature;
        bool contract_first;
    } rows[] = {
        {true, SIGNATURE_WRONG_SCALE, true},
        {true, SIGNATURE_UNKNOWN, true},
        {false, SIGNATURE_DROPPED_KEYS, false},
        {false, SIGNATURE_UNKNOWN, true},
    };
    struct sample *sample = *state;
    sample->record.outcome.status = STATUS_FAIL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct signature_finding finding = {.signature = rows[i].signature};
        const struct contract_finding contract = {
            .fits = {{.text = "half the scale", .class_name = "f32", .remedy = ""}},
            .num_fits = 1,
            .named = rows[i].named};
        sample->record.finding = &finding;
        sample->record.contract = &contract;
        char *text = record_findings(&sample->record, "", false);
        assert_non_null(text);
        const char *of_contract = strstr(text, "half the scale"), *of_finding = strstr(text, "signature");
        assert_true(of_contract && of_finding);
        assert_int_equal(of_contract < of_finding, rows[i].contract_first);
        free(text);
    }
}

/* Other bits from run to run may be meant, which is said where nothing else was seen. */
static void test_other_bits_in_another_run_are_told_as_such(void **state)
{
    static const struct {
        unsigned violated;
        enum oracles_alone alone;
    } rows[] = {
        {1u << ORACLE_DETERMINISM, ORACLES_ALONE_DETERMINISM},
        {1u << ORACLE_DETERMINISM | 1u << ORACLE_INPUTS, ORACLES_ALONE_BOTH},
        {1u << ORACLE_DETERMINISM | 1u << ORACLE_BATCH, ORACLES_ALONE_COPIES},
        {1u << ORACLE_INPUTS | 1u << ORACLE_BATCH, ORACLES_ALONE_COPIES},
        {1u << ORACLE_BATCH, ORACLES_ALONE_COPIES},
        {1u << ORACLE_GUARDS, ORACLES_ALONE_WRITES},
        {1u << ORACLE_GUARDS | 1u << ORACLE_INPUTS, ORACLES_ALONE_WRITES},
        {0, ORACLES_ALONE_NOT},
    };
    struct sample *sample = *state;
    static const struct signature_finding finding = {.signature = SIGNATURE_UNKNOWN, .detail = "by an oracle alone"};
    sample->record.outcome.status = STATUS_FAIL;
    sample->record.finding = &finding;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct oracle_report report = {.detail = {""}};
        for (int oracle = 0; oracle < ORACLE_COUNT; oracle++)
            report.outcome[oracle] = rows[i].violated >> oracle & 1 ? ORACLE_VIOLATED : ORACLE_HELD;
        sample->record.oracles = &report;
        assert_int_equal(record_oracles_alone(&sample->record), rows[i].alone);
        char *text = record_findings(&sample->record, "", true);
        assert_non_null(text);
        assert_int_equal(strstr(text, "on a changed copy") != NULL, rows[i].alone == ORACLES_ALONE_COPIES);
        assert_int_equal(strstr(text, "is somebody else's") != NULL,
                         rows[i].alone == ORACLES_ALONE_WRITES || rows[i].alone == ORACLES_ALONE_BOTH);
        assert_int_equal(strstr(text, "gave other bits") != NULL,
                         rows[i].alone == ORACLES_ALONE_DETERMINISM || rows[i].alone == ORACLES_ALONE_BOTH);
        assert_int_equal(strstr(text, "from run to run") != NULL, rows[i].alone == ORACLES_ALONE_DETERMINISM);
        free(text);
    }
}

/* Whatever stands in its output. */
static void test_a_kernel_that_failed_to_run_never_passes(void **state)
{
    struct sample *sample = *state;
    struct record record = {.point = &sample->point};
    const struct evaluation ran = {.subject_failure = ""}, gone = {.subject_failure = "it has gone"};
    record_take(&record, ERROR_NONE, NULL, &ran);
    assert_int_equal(record.outcome.status, STATUS_PASS);
    record_take(&record, ERROR_NONE, NULL, &gone);
    assert_int_equal(record.outcome.status, STATUS_FAIL);
    assert_string_equal(record.outcome.reason, "it has gone");
    sample->point.expect_fail = true;
    record_take(&record, ERROR_NONE, NULL, &gone);
    assert_int_equal(record.outcome.status, STATUS_FAIL);
    /* Also where no oracle could be tried, since the kernel had gone. */
    struct evaluation untried = gone;
    sample->point.oracles = 1u << ORACLE_BATCH;
    untried.oracles.outcome[ORACLE_BATCH] = ORACLE_NOT_APPLICABLE;
    record_take(&record, ERROR_NONE, NULL, &untried);
    assert_int_equal(record.outcome.status, STATUS_FAIL);
    assert_string_equal(record.outcome.reason, "it has gone");
    assert_non_null(record.verdict);
}

/* One behind the other, whichever there are. */
static void test_notes_are_apart(void **state)
{
    struct sample *sample = *state;
    const bool rows[SAMPLE_H] = {true};
    const struct given_claim claim = {.version = "0.1", .commit = "abc"};
    struct given given = {
        .scales = SCALES_UNSAID, .sample = {.judged = rows, .rows = 1, .of = SAMPLE_H}, .claim = &claim};
    static const char all[] = "truth as the bundle has it; of fp8 what is not said of k_scale and v_scale is taken for "
                              "1; sampled 1 of 2 rows";
    sample->point.given = &given;
    char *notes = record_notes(&sample->record);
    assert_non_null(notes);
    assert_true(!strncmp(notes, all, strlen(all)));
    free(notes);
    given = (struct given){.scales = SCALES_OF_TWO_TYPES};
    notes = record_notes(&sample->record);
    assert_non_null(notes);
    static const char one[] = "k_scale and v_scale are 1";
    assert_true(!strncmp(notes, one, strlen(one)));
    free(notes);
    sample->point.given = NULL;
}

/* Why it did is said wherever its failure is; its poison is no news. */
static void test_a_failure_to_run_is_told(void **state)
{
    struct sample *sample = *state;
    struct record record = sample->record;
    record.is_unanswered = true;
    record.run_failure = RUN_FAILURE_HANG;
    record.outcome = (struct outcome){.status = STATUS_FAIL, .reason = "mine gave no answer within 1 s"};
    char *headline = record_headline(&record), *detail = record_detail(&record, headline),
         *notes = record_notes(&record);
    assert_string_equal(headline, "hang: mine gave no answer within 1 s");
    assert_non_null(strstr(detail, "fail: hang: mine gave no answer within 1 s\n"));
    assert_null(strstr(detail, "error: "));
    assert_null(strstr(notes, "NaN"));
    free(headline);
    free(detail);
    free(notes);
    /* Of one that ran, and failed otherwise than expected, the headline is of its numbers. */
    record.is_unanswered = false;
    headline = record_headline(&record);
    detail = record_detail(&record, headline);
    assert_non_null(strstr(headline, "elements mismatched"));
    assert_non_null(strstr(detail, "\nerror: mine gave no answer within 1 s\n"));
    free(headline);
    free(detail);
    json_t *json = round_trip(&record);
    assert_string_equal(json_string_value(json_object_get(json, "run_failure")), "hang");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fields_have_the_names_and_order_of_the_interface),
        TEST(test_records_have_the_fields_of_the_table),
        TEST(test_oracles_are_named_and_violations_told),
        TEST(test_heads_have_figures_of_their_own),
        TEST(test_a_budget_that_does_not_judge_is_null),
        cmocka_unit_test(test_fields_are_described),
        TEST(test_values),
        TEST(test_build_says_which_program),
        TEST(test_the_recipe_is_told_key_by_key),
        TEST(test_how_it_came_to_be),
        TEST(test_digests_are_16_hex_digits),
        TEST(test_what_is_not_known_is_null),
        TEST(test_chunk_len_is_null_where_nothing_is_split),
        TEST(test_nan_and_infinities_are_strings),
        TEST(test_floats_read_back_exactly),
        TEST(test_input_has_the_parameters_of_its_distribution),
        TEST(test_mask_is_null_its_name_or_its_parameters),
        TEST(test_slopes_are_a_convention_or_their_values),
        TEST(test_cache_is_as_resolved),
        TEST(test_a_batch_is_its_lengths_and_the_place_among_them),
        TEST(test_seed_beyond_json_integers_is_a_string),
        TEST(test_text_that_is_not_utf8_is_still_a_record),
        TEST(test_reproduce_is_quoted_for_a_shell),
        TEST(test_a_kernel_that_failed_to_run_has_no_known_bug),
        TEST(test_nobody_is_sent_to_a_line_that_he_has_not),
        TEST(test_what_is_known_for_certain_comes_first),
        TEST(test_other_bits_in_another_run_are_told_as_such),
        TEST(test_a_kernel_that_failed_to_run_never_passes),
        TEST(test_notes_are_apart),
        TEST(test_a_failure_to_run_is_told),
        cmocka_unit_test(test_metric_table_reads_the_fields_it_names),
        cmocka_unit_test(test_a_record_without_a_point_has_the_same_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
