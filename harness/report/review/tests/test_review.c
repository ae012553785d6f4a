/* What a report takes from records: counts, verdicts, the largest of each figure, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/report/review/describe.h"
#include "harness/report/review/review_group.h"
#include "harness/report/review/review_read.h"
#include "harness/support/tests/scratch.h"

#define RECORD(key, status, more) \
    "{\"schema\":1,\"key\":\"" key "\",\"status\":\"" status "\",\"device\":\"host\"" more "}\n"

static char path[SCRATCH_SIZE];

static void write_text(const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum error_kind read_text(struct review *review, const char *text, const char *expression, struct error *error)
{
    const char *paths[] = {path};
    struct where *where = NULL;
    write_text(text);
    if (expression)
        assert_int_equal(where_parse(&where, expression, error), ERROR_NONE);
    enum error_kind kind = review_read(review, paths, 1, where, TEXT_DTYPE, false, error);
    where_free(where);
    return kind;
}

static void test_a_status_is_as_expected_only_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool passed, expected;
    } rows[] = {
        {RECORD("a", "pass", ""), true, true},      {RECORD("a", "xfail", ""), false, true},
        {RECORD("a", "fail", ""), false, false},    {RECORD("a", "xpass", ""), false, false},
        {RECORD("a", "error", ""), false, false},   {RECORD("a", "skip", ""), false, true},
        {RECORD("a", "skipped", ""), false, false}, {RECORD("a", "PASS", ""), false, false},
        {RECORD("a", "", ""), false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct review review;
        struct error error;
        assert_int_equal(read_text(&review, rows[i].text, NULL, &error), ERROR_NONE);
        assert_int_equal(review_passed(&review, &review.points[0]), rows[i].passed);
        assert_int_equal(review_as_expected(&review, &review.points[0]), rows[i].expected);
        review_clear(&review);
    }
}

static void test_points_are_counted_once(void **state)
{
    (void)state;
    struct review review;
    struct error error;
    assert_int_equal(read_text(&review,
                               RECORD("a", "pass", ",\"seconds\":{\"kernel\":1}")
                                   RECORD("a", "pass", ",\"seconds\":{\"kernel\":2}") RECORD("b", "fail", ""),
                               NULL, &error),
                     ERROR_NONE);
    assert_int_equal(review.num_points, 2);
    assert_int_equal(review.repeated, 1);
    assert_int_equal(review.files[0].num_records, 3);
    assert_int_equal(review.files[0].num_points, 2);
    assert_int_equal(review_find(&review, "b", "host"), 1);
    assert_int_equal(review_find(&review, "b", NULL), 1);
    assert_true(review_find(&review, "b", "cuda") == SIZE_MAX);
    assert_true(review_find(&review, "c", NULL) == SIZE_MAX);
    review_clear(&review);
}

static void test_two_results_of_a_point_are_refused(void **state)
{
    (void)state;
    static const char *const second[] = {
        RECORD("a", "fail", ""),
        RECORD("a", "pass", ",\"output_digest\":\"01\""),
        RECORD("a", "pass", ",\"input_digest\":\"01\""),
        RECORD("a", "pass", ",\"max_abs_err\":0"),
        RECORD("a", "pass", ",\"signature\":\"leak\""),
    };
    for (size_t i = 0; i < sizeof second / sizeof second[0]; i++) {
        struct review review;
        struct error error;
        char text[512], expected[3 * SCRATCH_SIZE];
        snprintf(text, sizeof text, "%s%s", RECORD("a", "pass", ""), second[i]);
        snprintf(expected, sizeof expected, "%s:2: 'a' on host ends otherwise at %s:1; allowed: ", path, path);
        assert_int_equal(read_text(&review, text, NULL, &error), ERROR_USAGE);
        assert_memory_equal(error.text, expected, strlen(expected));
    }
}

static void test_another_device_is_another_point(void **state)
{
    (void)state;
    struct review review;
    struct error error;
    assert_int_equal(
        read_text(&review,
                  RECORD("a", "pass", "") "{\"schema\":1,\"key\":\"a\",\"status\":\"fail\",\"device\":\"cuda\"}\n",
                  NULL, &error),
        ERROR_NONE);
    assert_int_equal(review.num_points, 2);
    assert_int_equal(review_find(&review, "a", "cuda"), 1);
    review_clear(&review);
}

static void test_nothing_is_no_report(void **state)
{
    (void)state;
    struct review review;
    struct error error;
    assert_int_equal(read_text(&review, "", NULL, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "no record"));
    assert_int_equal(read_text(&review, RECORD("a", "pass", ""), "status = fail", &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "none of 1 records is meant"));
}

static void test_what_is_left_out_or_torn_is_told(void **state)
{
    (void)state;
    struct review review;
    struct error error;
    assert_int_equal(
        read_text(&review, RECORD("a", "pass", "") RECORD("b", "fail", "") "{\"schema\":1,", "status = pass", &error),
        ERROR_NONE);
    assert_int_equal(review.num_points, 1);
    assert_int_equal(review.left_out, 1);
    assert_int_equal(review.left_out_worse, 1);
    assert_true(review.files[0].torn);
    review_clear(&review);
}

static void test_what_is_left_out_may_not_end_as_expected(void **state)
{
    (void)state;
    struct review review;
    struct error error;
    static const char text[] = RECORD("a", "pass", "") RECORD("b", "xfail", "") RECORD("c", "xpass", "")
        RECORD("d", "error", "") RECORD("e", "great", "");
    assert_int_equal(read_text(&review, text, "status = pass", &error), ERROR_NONE);
    assert_int_equal(review.left_out, 4);
    assert_int_equal(review.left_out_worse, 3);
    review_clear(&review);
}

#define RUN(index, of) ",\"run\":{\"index\":" #index ",\"of\":" #of ",\"digest\":\"d\"}"

/* A shard must not pass for the whole: whatever its points came to. */
static void test_points_of_the_run_that_are_missing_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where;
        size_t missing;
    } rows[] = {
        {RECORD("a", "pass", RUN(0, 2)) RECORD("b", "pass", RUN(1, 2)), NULL, 0},
        {RECORD("a", "pass", RUN(0, 2)) RECORD("b", "fail", RUN(1, 2)), "status = pass", 0},
        {RECORD("a", "pass", RUN(0, 2)), NULL, 1},
        {RECORD("a", "pass", RUN(0, 2)) RECORD("a", "pass", RUN(0, 2)), NULL, 1},
        {RECORD("a", "pass", RUN(0, 2)) RECORD("b", "pass", RUN(2, 2)), NULL, 1}, /* a point that it does not have */
        {RECORD("a", "pass", RUN(0, 2)) RECORD("b", "pass", RUN(-1, 2)), NULL, 1},
        {RECORD("a", "pass", ""), NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct review review;
        struct error error;
        assert_int_equal(read_text(&review, rows[i].text, rows[i].where, &error), ERROR_NONE);
        assert_int_equal(record_runs_missing(&review.runs), rows[i].missing);
        review_clear(&review);
    }
}

static void test_numbers_that_are_none(void **state)
{
    (void)state;
    struct review review;
    struct error error;
    double value;
    assert_int_equal(read_text(&review,
                               RECORD("a", "fail",
                                      ",\"max_abs_err\":\"nan\",\"max_ulp_err\":\"inf\",\"budget_used\":null,"
                                      "\"lse_budget_used\":0.5,\"worst\":{\"head\":3,\"out\":\"-inf\"}"),
                               NULL, &error),
                     ERROR_NONE);
    const struct review_point *point = &review.points[0];
    assert_true(review_number_of(point, NUMBER_MAX_ABS_ERR, &value) && isnan(value));
    assert_true(review_number_of(point, NUMBER_MAX_ULP_ERR, &value) && isinf(value));
    assert_false(review_number_of(point, NUMBER_BUDGET_USED, &value));
    assert_false(review_number_of(point, NUMBER_P99_ULP_ERR, &value));
    assert_true(review_number_of(point, NUMBER_WORST_HEAD, &value) && value == 3);
    assert_true(review_number_of(point, NUMBER_WORST_OUT, &value) && value == -INFINITY);
    assert_true(review_bound_used(point, &value) && value == 0.5);
    review_clear(&review);
}

/* A NaN must not hide among numbers, whichever comes first. */
static void test_the_largest_may_be_no_number(void **state)
{
    (void)state;
    static const double orders[][3] = {{1, NAN, 2}, {NAN, 1, 2}, {1, 2, NAN}};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct figures figures = {0}, merged = {0};
        for (int v = 0; v < 3; v++)
            figures_add(&figures, FIGURE_ABS, orders[i][v]);
        figures_add(&merged, FIGURE_ABS, 5);
        figures_merge(&merged, &figures);
        assert_true(isnan(figures.largest[FIGURE_ABS]));
        assert_true(isnan(merged.largest[FIGURE_ABS]));
    }
}

static void test_groups_keep_passes_and_failures_apart(void **state)
{
    (void)state;
    struct review review;
    struct error error;
    struct grouping grouping;
    assert_int_equal(read_text(&review,
                               RECORD("a", "pass",
                                      ",\"seq_len\":64,\"max_abs_err\":1,\"budget_used\":0.5,"
                                      "\"lse_budget_used\":0.75")
                                   RECORD("b", "fail", ",\"seq_len\":64,\"max_abs_err\":3,\"mismatched\":2")
                                       RECORD("c", "xfail", ",\"seq_len\":9,\"max_abs_err\":7"),
                               NULL, &error),
                     ERROR_NONE);
    group_by_number(&grouping, &review, NUMBER_SEQ_LEN, false);
    assert_int_equal(grouping.count, 2);
    assert_string_equal(grouping.groups[0].label, "9");
    assert_string_equal(grouping.groups[1].label, "64");
    const struct group *group = &grouping.groups[1];
    assert_int_equal(group->all.count, 2);
    assert_int_equal(group->all.not_passed, 1);
    assert_int_equal(group->all.unexpected, 1);
    assert_int_equal(grouping.groups[0].all.not_passed, 1);
    assert_int_equal(grouping.groups[0].all.unexpected, 0);
    assert_true(group->all.largest[FIGURE_ABS] == 3 && group->passed.largest[FIGURE_ABS] == 1);
    assert_true(group->failed.largest[FIGURE_ABS] == 3 && group->all.mismatched == 2);
    assert_true(group->all.largest[FIGURE_BOUND] == 0.75); /* the larger of out's and lse's */
    grouping_clear(&grouping);
    review_clear(&review);
}

static void test_many_lengths_share_groups(void **state)
{
    (void)state;
    struct number_groups binned = {true}, each = {false};
    char text[64];
    assert_true(number_group(text, &binned, 1500) == 1024);
    assert_string_equal(text, "1024 to 2047");
    assert_true(number_group(text, &binned, 1024) == 1024);
    assert_string_equal(text, "1024 to 2047");
    assert_true(number_group(text, &binned, 1) == 1);
    assert_string_equal(text, "1");
    assert_true(number_group(text, &each, 1500) == 1500);
    assert_string_equal(text, "1500");
}

#define HEAD(number, error) "{\"head\":" #number ",\"max_abs_err\":" error ",\"max_ulp_err\":1,\"mismatched\":1}"
#define MODEL ",\"seq_len\":9,\"num_heads\":2,\"slopes\":\"bloom\",\"max_bias\":8,\"head_offset\":0,\"total_heads\":2"

static void test_heads_are_added_up(void **state)
{
    (void)state;
    struct review review;
    struct error error;
    struct grouping grouping;
    assert_int_equal(read_text(&review,
                               RECORD("a", "pass", MODEL ",\"heads\":[" HEAD(0, "1") "," HEAD(1, "2") "]")
                                   RECORD("b", "pass", MODEL ",\"heads\":[" HEAD(0, "5") "," HEAD(1, "0") "]"),
                               NULL, &error),
                     ERROR_NONE);
    assert_int_equal(review.num_panels, 1);
    assert_true(review.panels[0].slopes[0] == 0x1p-4f && review.panels[0].slopes[1] == 0x1p-8f);
    assert_true(review.panels[0].heads[0].largest[FIGURE_ABS] == 5);
    assert_true(review.panels[0].heads[1].largest[FIGURE_ABS] == 2);
    assert_int_equal(review.head_ulp.counts[ulp_bin(1)], 4);
    group_by_slope(&grouping, &review, false);
    assert_int_equal(grouping.count, 2);
    assert_true(grouping.groups[0].x == 0x1p-8 && grouping.groups[0].all.largest[FIGURE_ABS] == 2);
    assert_int_equal(grouping.groups[0].all.count, 2);
    grouping_clear(&grouping);
    review_clear(&review);
}

static void test_heads_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        RECORD("a", "pass", MODEL ",\"heads\":[" HEAD(0, "1") "," HEAD(2, "1") "]"),
        RECORD("a", "pass", MODEL ",\"heads\":[" HEAD(0, "1") "," HEAD(-1, "1") "]"),
        RECORD("a", "pass", MODEL ",\"heads\":[7,8]"),
        RECORD("a", "pass", MODEL ",\"heads\":[" HEAD(0, "1") "]"), /* would take the memory of heads that it has not */
        RECORD("a", "pass", ",\"seq_len\":9,\"heads\":[" HEAD(0, "1") "]"),
        RECORD("a", "pass", ",\"seq_len\":9,\"num_heads\":1000000000,\"heads\":[" HEAD(0, "1") "]"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct review review;
        struct error error;
        assert_int_equal(read_text(&review, rows[i], NULL, &error), ERROR_USAGE);
        assert_non_null(strstr(error.text, "heads"));
    }
}

static void test_a_reference_is_added_up(void **state)
{
    (void)state;
    struct review review;
    struct error error;
#define AGAINST(differ, kernel, reference)                                                   \
    ",\"references\":{\"f32\":{\"mismatched\":" #differ ",\"at_fault\":{\"kernel\":" #kernel \
    ",\"reference\":" #reference ",\"both\":0},\"truth\":{\"mismatched\":1,\"max_abs_err\":0.5}}}"
    assert_int_equal(
        read_text(&review, RECORD("a", "pass", AGAINST(3, 1, 2)) RECORD("b", "pass", AGAINST(0, 0, 0)), NULL, &error),
        ERROR_NONE);
    assert_int_equal(review.num_references, 1);
    const struct reference_sum *sum = &review.references[0];
    assert_int_equal(sum->points, 2);
    assert_int_equal(sum->points_differing, 1);
    assert_true(sum->differing == 3 && sum->kernel == 1 && sum->reference == 2 && sum->wrong == 2);
    review_clear(&review);
}

static void test_values_for_people(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"\"f16\"", "f16"},
        {"0.001", "0.001"},
        {"null", ""},
        {"{\"distribution\":\"normal\",\"mean\":0}", "normal, mean=0"},
        {"{\"atol\":1e-3,\"rtol\":0.5}", "atol=0.001, rtol=0.5"},
        {"{\"version\":\"0.1\",\"commit\":\"c\"}", "0.1, commit=c"},
        {"{\"bias\":\"relative\",\"chunk\":0}", "bias=relative, chunk=0"},
        {"[\"a=1\",\"b=2\"]", "a=1 b=2"},
        {"{}", ""},
        {"{\"values\":[1,2,3,4,5,6,7,8,9]}", "values=9 values"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *value = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        char *text = describe_json(value);
        assert_non_null(value);
        assert_string_equal(text, rows[i].text);
        free(text);
        json_decref(value);
    }
}

/* The table of settings says what each of them is, to those who have the page on paper or as text. */
static void test_every_setting_is_explained(void **state)
{
    (void)state;
    for (int t = 0; t < REVIEW_TEXTS; t++)
        if (review_texts[t].setting && !review_texts[t].about)
            fail_msg("%s is not explained", review_texts[t].title);
    for (int n = 0; n < REVIEW_NUMBERS; n++)
        if (review_numbers[n].setting && !review_numbers[n].about)
            fail_msg("%s is not explained", review_numbers[n].title);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_setting_is_explained),
        cmocka_unit_test(test_a_status_is_as_expected_only_by_name),
        cmocka_unit_test(test_points_are_counted_once),
        cmocka_unit_test(test_two_results_of_a_point_are_refused),
        cmocka_unit_test(test_another_device_is_another_point),
        cmocka_unit_test(test_nothing_is_no_report),
        cmocka_unit_test(test_what_is_left_out_or_torn_is_told),
        cmocka_unit_test(test_what_is_left_out_may_not_end_as_expected),
        cmocka_unit_test(test_points_of_the_run_that_are_missing_are_told),
        cmocka_unit_test(test_numbers_that_are_none),
        cmocka_unit_test(test_the_largest_may_be_no_number),
        cmocka_unit_test(test_groups_keep_passes_and_failures_apart),
        cmocka_unit_test(test_many_lengths_share_groups),
        cmocka_unit_test(test_heads_are_added_up),
        cmocka_unit_test(test_heads_that_cannot_be_are_refused),
        cmocka_unit_test(test_a_reference_is_added_up),
        cmocka_unit_test(test_values_for_people),
    };
    int file = scratch_file(path, "test_review");
    if (file < 0 || close(file) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
