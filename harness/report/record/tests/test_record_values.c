/* What fields of a record hold. */
#include <math.h>
#include <regex.h>
#include <stdlib.h>

#include "harness/case/recipe_field.h"
#include "harness/report/record/tests/record_trial.h"

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
    assert_true(json_is_null(json_object_get(json_object_get(json, "seconds"), "shard")));
    assert_true(json_is_null(json_object_get(json_object_get(json, "seconds"), "shard_points")));
    assert_string_equal(text_at(json, "launched"), "whole");
    assert_string_equal(text_at(json, "fidelity"), "exact");
    assert_int_equal(json_array_size(json_object_get(json, "settings")), 0);
    json_decref(json);
    sample->record.ended = 1795827959;
    sample->record.settings = settings;
    sample->record.num_settings = 2;
    sample->point.problem.seq_len = 1 << 27;
    sample->point.problem.num_kv_heads = SAMPLE_H;
    struct run_points cut = *sample->record.run;
    cut.shard = (struct run_shard){.index = 2, .count = 3, .num_points = 5};
    sample->record.run = &cut;
    json = round_trip(&sample->record);
    assert_string_equal(text_at(json_object_get(json, "seconds"), "ended"), "2026-11-28T01:05:59Z");
    assert_string_equal(text_at(json_object_get(json, "seconds"), "shard"), "2/3");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "seconds"), "shard_points")), 5);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_oracles_are_named_and_violations_told),
        TEST(test_heads_have_figures_of_their_own),
        TEST(test_a_budget_that_does_not_judge_is_null),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
