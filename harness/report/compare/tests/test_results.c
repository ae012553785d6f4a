/* Files of results: what is read, and what is refused rather than taken for something better. */
#include "harness/report/compare/tests/results_fixture.h"

#include <math.h>

#include "reference/error.h"

static void test_records(void **state)
{
    (void)state;
    static const char *const edits[] = {"key=\"b\";max_abs_err=\"nan\";budget_used=null", "key=\"a\";nan=0"};
    struct results results;
    struct error error;
    assert_int_equal(read_edits(&results, edits, 2, &error), 0);
    assert_false(results.is_baseline);
    assert_int_equal(results.count, 2);
    assert_string_equal(results.items[0].key, "a");
    assert_int_equal(results.items[0].line, 2);
    assert_int_equal(results.items[0].facts[FACT_METRICS + METRIC_NAN].number, 0);
    const struct result *b = &results.items[1];
    assert_string_equal(b->key, "b");
    assert_true(isnan(b->facts[FACT_METRICS + METRIC_MAX_ABS_ERR].number));
    assert_int_equal(b->facts[FACT_METRICS + METRIC_BUDGET_USED].type, FACT_UNKNOWN);
    assert_string_equal(b->facts[FACT_ORACLES].text, "poison,inputs,batch");
    assert_string_equal(b->facts[FACT_VIOLATED].text, "");
    assert_int_equal(b->facts[FACT_ATOL].number * 1000, 1);
    assert_string_equal(results.made_by, "0.1 (abc, gcc)");
    assert_false(results.mixed);
    results_clear(&results);
}

/* Which file of a plug-in records are of is said beside the build, and two are not one. */
static void test_files_of_a_kernel_are_told(void **state)
{
    (void)state;
    struct results results;
    struct error error;
    static const char *const edits[] = {"key=\"a\";kernel_digest=\"0123456789abcdef\"",
                                        "key=\"b\";kernel_digest=\"0123456789abcdef\"",
                                        "key=\"c\";kernel_digest=\"fedcba9876543210\""};
    assert_int_equal(read_edits(&results, edits, 2, &error), 0);
    assert_string_equal(results.made_by, "0.1 (abc, gcc), of kernel file 0123456789abcdef");
    assert_false(results.mixed);
    results_clear(&results);
    assert_int_equal(read_edits(&results, edits, 3, &error), 0);
    assert_true(results.mixed);
    results_clear(&results);
}

#define WRITTEN "; was it written by another version of this program? Run the points again"

static const struct {
    const char *edits[2];
    enum error_kind kind;
    const char *text; /* behind the path */
} refused[] = {
    {{"lse_off=-"}, ERROR_SYSTEM, "1: `lse_off` is missing" WRITTEN},
    {{"tolerance.lse=-"}, ERROR_SYSTEM, "1: `lse_tolerance` is missing" WRITTEN},
    {{"oracles=-"}, ERROR_SYSTEM, "1: `violated` is missing" WRITTEN},
    {{"oracles.magic=\"held\""},
     ERROR_SYSTEM,
     "1: `violated` has an oracle, or what came of one, that this program does not know" WRITTEN},
    {{"oracles.determinism=\"violated twice\""},
     ERROR_SYSTEM,
     "1: `violated` has an oracle, or what came of one, that this program does not know" WRITTEN},
    {{"output_digest=null"}, ERROR_SYSTEM, "1: `output_digest` is null, and the point was judged" WRITTEN},
    {{"max_ulp_err=null"}, ERROR_SYSTEM, "1: `max_ulp_err` is null, and the point was judged" WRITTEN},
    {{"oracles=null"}, ERROR_SYSTEM, "1: `violated` is null, and the point was judged" WRITTEN},
    {{"device=null"}, ERROR_SYSTEM, "1: `device` is null, and the point was judged" WRITTEN},
    {{"oracles=null;device=null;max_ulp_err=null"},
     ERROR_SYSTEM,
     "1: `max_ulp_err` is null, and the point was judged" WRITTEN},
    {{"oracles=null;device=null;input_digest=null"},
     ERROR_SYSTEM,
     "1: `input_digest` is null, and the point was judged" WRITTEN},
    {{"sample={\"rows\":1}"}, ERROR_SYSTEM, "1: `sample` does not say which rows" WRITTEN},
    {{"sample=3"}, ERROR_SYSTEM, "1: `sample` is no text" WRITTEN},
    {{"recipe=null"}, ERROR_SYSTEM, "1: `recipe` is null, and the point was judged" WRITTEN},
    {{"lse_off=null"}, ERROR_SYSTEM, "1: `lse_off` is null, and the point was judged" WRITTEN},
    {{"device=\"foreign\";kernel=null"}, ERROR_SYSTEM, "1: `kernel` is null, and the point was judged" WRITTEN},
    {{"device=\"foreign\";mismatched=null"}, ERROR_SYSTEM, "1: `mismatched` is null, and the point was judged" WRITTEN},
    {{"max_ulp_err=\"small\""}, ERROR_SYSTEM, "1: `max_ulp_err` is no number" WRITTEN},
    {{"max_ulp_err=-1"}, ERROR_SYSTEM, "1: `max_ulp_err` is below 0" WRITTEN},
    {{"max_ulp_err=\"-inf\""}, ERROR_SYSTEM, "1: `max_ulp_err` is below 0" WRITTEN},
    {{"signature=3"}, ERROR_SYSTEM, "1: `signature` is no text" WRITTEN},
    {{"status=\"great\""}, ERROR_USAGE, "1: status 'great'; allowed: pass, fail, xfail, xpass, error, skip"},
    {{"status=\"xfail\""}, ERROR_USAGE, "1: `expect` does not go with the status"},
    {{"status=\"xpass\""}, ERROR_USAGE, "1: `expect` does not go with the status"},
    {{"expect=\"fail\""}, ERROR_USAGE, "1: `expect` does not go with the status"},
    {{"expect=\"\""}, ERROR_USAGE, "1: `expect` does not go with the status"},
    {{"status=\"removed\""}, ERROR_USAGE, "1: status 'removed'; allowed: pass, fail, xfail, xpass, error, skip"},
    {{"", "max_ulp_err=0.25"},
     ERROR_USAGE,
     "2: point 'case:seq_len=9' is in line 1 too, with another `max_ulp_err`; allowed: a point once"},
    {{"", "status=\"fail\""},
     ERROR_USAGE,
     "2: point 'case:seq_len=9' is in line 1 too, with another `status`; allowed: a point once"},
    {{"", "key=\"b\";baseline=1"},
     ERROR_USAGE,
     "2: `baseline` among records; allowed: records, or lines of a baseline"},
    {{"baseline=2"},
     ERROR_USAGE,
     "1: `baseline` is not 1: another program's baseline, or none; --update-baseline writes the lines anew"},
};

static void test_what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct results results;
        struct error error = {.text = ""};
        char expected[1024];
        enum error_kind kind = read_edits(&results, refused[i].edits, refused[i].edits[1] ? 2 : 1, &error);
        snprintf(expected, sizeof expected, "%s:%s", fixture_path, refused[i].text);
        assert_string_equal(error.text, expected);
        assert_int_equal(kind, refused[i].kind);
        results_clear(&results);
    }
}

/* Nobody knows what made it, no oracle can be put to it, and it may have come without lse. */
static void test_an_output_that_was_handed_over(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "kernel=null;device=null;recipe=null;recipe_digest=null;oracles=null",
        "key=\"b\";kernel=null;device=null;recipe=null;recipe_digest=null;oracles=null;lse_mismatched=null;"
        "max_lse_err=null;lse_budget_used=null;lse_off=null;lse_unbounded=null"};
    struct results results;
    struct error error = {.text = ""};
    enum error_kind kind = read_edits(&results, edits, 2, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(kind, ERROR_NONE);
    assert_int_equal(results.count, 2);
    results_clear(&results);
}

/* It has no recipe, and need not write lse. */
static void test_a_kernel_that_is_not_ours(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "device=\"foreign\";recipe=null;recipe_digest=null",
        "key=\"b\";device=\"foreign\";recipe=null;recipe_digest=null;lse_mismatched=null;"
        "max_lse_err=null;lse_budget_used=null;lse_off=null;lse_unbounded=null"};
    struct results results;
    struct error error = {.text = ""};
    enum error_kind kind = read_edits(&results, edits, 2, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(kind, ERROR_NONE);
    assert_int_equal(results.count, 2);
    results_clear(&results);
}

static void test_the_same_point_twice(void **state)
{
    (void)state;
    static const char *const edits[] = {"", "seconds=3;build.commit=\"def\"", "key=\"a\""};
    struct results results;
    struct error error;
    assert_int_equal(read_edits(&results, edits, 3, &error), 0);
    assert_int_equal(results.count, 2);
    assert_true(results.mixed);
    results_clear(&results);
}

/* What the build is called goes to a terminal, and is what whoever wrote the file says. */
static void test_a_build_is_a_line_of_printable_text(void **state)
{
    (void)state;
    static const char *const edits[] = {"build.commit=\"\\u001b[2J\\n\""};
    struct results results;
    struct error error;
    assert_int_equal(read_edits(&results, edits, 1, &error), 0);
    assert_string_equal(results.made_by, "0.1 (\xef\xbf\xbd[2J , gcc)");
    results_clear(&results);
}

static void test_files_without_points(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "\n", "{\"baseline\":1,\"schema\":1,\"key\":\"a\",\"status\":\"removed\",\"reason\":\"gone\"}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct results results;
        struct error error;
        write_results(texts[i]);
        assert_int_equal(results_read(&results, fixture_path, &error), ERROR_USAGE);
        assert_non_null(strstr(error.text, ": no points; allowed: records of `run --results`, or a baseline"));
        results_clear(&results);
    }
}

static void test_a_torn_file(void **state)
{
    (void)state;
    struct results results;
    struct error error;
    char text[4096];
    snprintf(text, sizeof text, "%s\n%.100s", sound_record, sound_record);
    write_results(text);
    assert_int_equal(results_read(&results, fixture_path, &error), ERROR_USAGE);
    results_clear(&results);
}

static void test_days(void **state)
{
    (void)state;
    static const char *const days[] = {"2026-11-27", "2028-02-29", "2026-01-31"};
    static const char *const none[] = {"",           "2026-11-7",  "2026-13-01", "2026-00-10",  "2026-04-31",
                                       "2026-01-00", "2026/01/01", "soon",       "2026-11-27 ", "+026-11-27"};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
        assert_true(is_day(days[i]));
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(is_day(none[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_files_of_a_kernel_are_told),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_a_kernel_that_is_not_ours),
        cmocka_unit_test(test_an_output_that_was_handed_over),
        cmocka_unit_test(test_the_same_point_twice),
        cmocka_unit_test(test_a_build_is_a_line_of_printable_text),
        cmocka_unit_test(test_files_without_points),
        cmocka_unit_test(test_a_torn_file),
        cmocka_unit_test(test_days),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
