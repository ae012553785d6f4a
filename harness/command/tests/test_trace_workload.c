/* Definitions and workloads: what operators are recognised, what axes are, which line is meant, where files are. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/command/trace_axes.h"
#include "harness/command/trace_read.h"
#include "harness/command/trace_workload.h"
#include "harness/support/tests/scratch.h"

static char folder[SCRATCH_SIZE];

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */

#define AXES                                                                                                         \
    "\"axes\":{\"b\":{\"type\":\"var\"},\"n\":{\"type\":\"var\"},\"num_qo_heads\":{\"type\":\"const\",\"value\":8}," \
    "\"num_kv_heads\":{\"type\":\"const\",\"value\":2},\"head_dim\":{\"type\":\"const\",\"value\":64},"              \
    "\"page_size\":{\"type\":\"var\"},\"twice\":{\"type\":\"expr\",\"expression\":\"b * 2\"},"                       \
    "\"again\":{\"type\":\"expr\",\"expression\":\"twice + 1\"}},"
#define TENSOR(name, shape) "\"" name "\":{\"shape\":" shape ",\"dtype\":\"float16\"}"
#define LIST(name) "\"" name "\":{\"shape\":[\"n\"],\"dtype\":\"int32\"}"
#define OUTPUTS(shape) "\"outputs\":{" TENSOR("output", shape) "}}"
#define ROWS "[\"b\",\"num_qo_heads\",\"head_dim\"]"
#define KEYS "[\"n\",\"num_kv_heads\",\"head_dim\"]"
#define PAGES "[\"n\",\"page_size\",\"num_kv_heads\",\"head_dim\"]"
#define PAGES_HND "[\"n\",\"num_kv_heads\",\"page_size\",\"head_dim\"]"
#define ONE "[\"num_qo_heads\",\"head_dim\"]"
#define BATCH "[\"b\",\"n\",\"num_qo_heads\",\"head_dim\"]"
#define BATCH_KEYS "[\"b\",\"n\",\"num_kv_heads\",\"head_dim\"]"
#define BATCH_KEYS_HEADS_FIRST "[\"b\",\"num_kv_heads\",\"n\",\"head_dim\"]"
#define QKV(q, k) TENSOR("q", q) "," TENSOR("k", k) "," TENSOR("v", k)
#define CACHE(q, k) TENSOR("q", q) "," TENSOR("k_cache", k) "," TENSOR("v_cache", k)
#define DEFINITION(name, more, inputs, shape) \
    "{\"name\":\"" name "\"," more AXES "\"inputs\":{" inputs "}," OUTPUTS(shape)

static enum error_kind open_text(struct trace_definition *definition, const char *text, struct error *error)
{
    write_file("d.json", text);
    return trace_definition_open(definition, "d.json", error);
}

static void operators_are_recognised(void **state)
{
    static const struct {
        const char *text;
        enum judge_layout layout;
        bool has_pages;
    } rows[] = {
        {DEFINITION("decode", "\"op_type\":\"gqa_paged\",",
                    CACHE(ROWS, PAGES) "," LIST("kv_indptr") "," LIST("kv_indices"), ROWS),
         LAYOUT_NHD, true},
        {DEFINITION("decode", "", CACHE(ROWS, PAGES_HND) "," LIST("kv_indptr") "," LIST("kv_indices"), ROWS),
         LAYOUT_HND, true},
        {DEFINITION("prefill_causal", "\"op_type\":\"gqa_paged\",",
                    CACHE(ROWS, PAGES) "," LIST("qo_indptr") "," LIST("kv_indptr") "," LIST("kv_indices") "," LIST(
                        "kv_last_page_len"),
                    ROWS),
         LAYOUT_NHD, true},
        {DEFINITION("ragged", "\"description\":\"Prefill. Causal mask is applied.\",\"op_type\":\"gqa_ragged\",",
                    QKV(ROWS, KEYS) "," LIST("qo_indptr") "," LIST("kv_indptr"), ROWS),
         LAYOUT_NHD, false},
        {DEFINITION("single", "\"op_type\":\"single_decode\",", QKV(ONE, KEYS), ONE), LAYOUT_NHD, false},
        {DEFINITION("single_prefill_causal", "\"op_type\":\"single_prefill\",", QKV(ROWS, KEYS), ROWS), LAYOUT_NHD,
         false},
        {DEFINITION("gqa.causal", "\"op_type\":\"gqa\",", QKV(BATCH, BATCH_KEYS), BATCH), LAYOUT_BSHD, false},
        {DEFINITION("gqa-Causal", "\"op_type\":null,", QKV(BATCH, BATCH_KEYS_HEADS_FIRST), BATCH), LAYOUT_BHSD, false},
        {DEFINITION("single", "\"op_type\":\"single_decode\",", QKV(ONE, "[\"n\",\"num_kv_heads * 1\",\"head_dim\"]"),
                    ONE),
         LAYOUT_COUNT, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trace_definition definition;
        struct error error;
        if (open_text(&definition, rows[i].text, &error))
            fail_msg("%zu: %s", i, error.text);
        assert_int_equal(definition.layout, rows[i].layout);
        assert_int_equal(definition.has_pages, rows[i].has_pages);
        assert_null(definition.lse_base);
        trace_definition_clear(&definition);
    }
}

static void what_is_none_of_them_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {DEFINITION("x", "\"op_type\":\"gemm\",", TENSOR("A", ROWS), ROWS), "op_type is not that of attention"},
        {DEFINITION("x", "\"op_type\":\"dsa_paged\",", QKV(ROWS, KEYS), ROWS), "op_type is not that of attention"},
        {DEFINITION("prefill", "\"op_type\":\"single_prefill\",", QKV(ROWS, KEYS), ROWS), "does not say that its mask"},
        {DEFINITION("prefill_noncausal", "", QKV(ROWS, KEYS), ROWS), "does not say that its mask"},
        {DEFINITION("prefill_non_causal", "", QKV(ROWS, KEYS), ROWS), "does not say that its mask"},
        {DEFINITION("prefill", "\"description\":\"Optional causal mask\",", QKV(ROWS, KEYS), ROWS),
         "does not say that its mask"},
        {DEFINITION("decode", "\"op_type\":\"gqa_ragged\",",
                    CACHE(ROWS, PAGES) "," LIST("kv_indptr") "," LIST("kv_indices"), ROWS),
         "of none of the operators"},
        {DEFINITION("decode_causal", "", QKV(ROWS, KEYS) "," LIST("kv_indptr"), ROWS), "of none of the operators"},
        {DEFINITION("decode_causal", "", QKV(ROWS, KEYS) "," LIST("kv_last_page_len"), ROWS),
         "of none of the operators"},
        {DEFINITION("x", "", QKV(ONE, KEYS) "," LIST("block_table"), ONE), "input 'block_table' is none"},
        {DEFINITION("x", "", QKV(ONE, "null"), ONE), "input 'k' has a shape that"},
        {DEFINITION("x", "\"constraints\":{},", QKV(ONE, KEYS), ONE), "constraints are none"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trace_definition definition;
        struct error error = {0};
        if (open_text(&definition, rows[i].text, &error) != ERROR_USAGE || !strstr(error.text, rows[i].says) ||
            !strstr(error.text, "; allowed: "))
            fail_msg("%s: %s", rows[i].says, error.text);
        trace_definition_clear(&definition);
    }
}

static void axes_have_values(void **state)
{
    static const struct {
        const char *text;
        int64_t value; /* -1: none */
    } rows[] = {{"head_dim", 64}, {"b", 3},     {"n", -1},     {"twice", 6},    {"again", -1},
                {"5", 5},         {"b + 1", 4}, {"b - 4", -1}, {"nothing", -1}, {"b[-1]", -1}};
    struct trace_definition definition;
    struct error error = {0};
    json_t *values = json_pack("{s:i, s:b}", "b", 3, "n", 1);
    int64_t value;
    (void)state;
    assert_int_equal(open_text(&definition, DEFINITION("x", "", QKV(ONE, KEYS), ONE), &error), ERROR_NONE);
    const struct trace_axes axes = {.definition = &definition, .values = values};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (trace_axis_value(&value, &axes, rows[i].text) != (rows[i].value >= 0) ||
            (rows[i].value >= 0 && value != rows[i].value))
            fail_msg("%s is %" PRId64, rows[i].text, value);
    json_decref(values);
    trace_definition_clear(&definition);
}

/* ---- workloads --------------------------------------------------------------------------------------------------- */

#define LINE(uuid, axis) "{\"uuid\":\"" uuid "\",\"axes\":{\"b\":" axis "},\"inputs\":{}}\n"

static int64_t axis_of(const char *text)
{
    struct trace_workload workload;
    struct error error = {0};
    int64_t value = -1;
    if (trace_workload_open(&workload, text, &error) == ERROR_NONE)
        value = json_integer_value(json_object_get(workload.axes, "b"));
    else
        assert_non_null(strstr(error.text, "; allowed: "));
    trace_workload_clear(&workload);
    return value;
}

static void the_workload_that_is_asked_for_is_found(void **state)
{
    (void)state;
    write_file("one.jsonl", LINE("x", "10"));
    write_file("w.jsonl", "\n" LINE("0", "20") "  \n" LINE("x", "21") LINE("2", "22") LINE("x", "21"));
    write_file("twice.jsonl", LINE("x", "30") LINE("x", "31"));
    write_file("colon.jsonl:x", LINE("y", "40"));
    write_file("trace.jsonl", "{\"definition\":\"d\",\"solution\":null,\"workload\":" LINE("z", "50") "}");
    assert_int_equal(axis_of("one.jsonl"), 10);
    assert_int_equal(axis_of("one.jsonl:x"), 10);
    assert_int_equal(axis_of("one.jsonl:0"), 10);
    assert_int_equal(axis_of("one.jsonl:1"), -1);
    assert_int_equal(axis_of("w.jsonl"), -1);
    assert_int_equal(axis_of("w.jsonl:0"), 20);
    assert_int_equal(axis_of("w.jsonl:x"), 21);
    assert_int_equal(axis_of("w.jsonl:1"), 21);
    assert_int_equal(axis_of("w.jsonl:2"), 22); /* its uuid and its number */
    assert_int_equal(axis_of("w.jsonl:4"), -1);
    assert_int_equal(axis_of("twice.jsonl:x"), -1);
    assert_int_equal(axis_of("twice.jsonl:1"), 31);
    assert_int_equal(axis_of("colon.jsonl:x"), 40);
    write_file("number.jsonl", LINE("1", "60") LINE("y", "61"));
    assert_int_equal(axis_of("number.jsonl:1"), 60); /* a uuid before a number */
}

static void files_are_found_from_folders_above(void **state)
{
    struct trace_workload workload;
    struct error error = {0};
    char *found;
    (void)state;
    assert_int_equal(mkdir("set", 0700), 0);
    assert_int_equal(mkdir("set/a", 0700), 0);
    assert_int_equal(mkdir("set/blob", 0700), 0);
    write_file("set/blob/t", "");
    write_file("top", "");
    write_file("set/a/w.jsonl", LINE("x", "1"));
    static const struct {
        const char *path, *root, *found;
    } rows[] = {
        {"./blob/t", NULL, "set/blob/t"},
        {"blob/t", NULL, "set/blob/t"},
        {"top", NULL, "./top"},
        {".//blob/t", NULL, "set/blob/t"},
        {"blob/t", "set", "set/blob/t"},
        {"blob/t", ".", NULL},
        {"../blob/t", NULL, "set/a/../blob/t"},
        {"/nothing", NULL, "/nothing"},
        {"blob/nothing-of-this-name", NULL, NULL},
    };
    assert_int_equal(trace_workload_open(&workload, "set/a/w.jsonl", &error), ERROR_NONE);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum error_kind kind = trace_workload_find(&found, &workload, rows[i].path, rows[i].root, &error);
        assert_int_equal(kind, rows[i].found ? ERROR_NONE : ERROR_USAGE);
        if (rows[i].found)
            assert_string_equal(found, rows[i].found);
        free(found);
    }
    trace_workload_clear(&workload);
}

static int make_folder(void **state)
{
    (void)state;
    return scratch_folder(folder, "test_trace_workload") && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[SCRATCH_PATH_SIZE];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_are_recognised),
        cmocka_unit_test(what_is_none_of_them_is_refused),
        cmocka_unit_test(axes_have_values),
        cmocka_unit_test(the_workload_that_is_asked_for_is_found),
        cmocka_unit_test(files_are_found_from_folders_above),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
