/* A JUnit report of records: nothing that did not pass, was not run or is missing looks as if it had passed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/report/review/review_junit.h"
#include "harness/report/review/review_read.h"
#include "harness/support/tests/scratch.h"

#define RUN(index, of) ",\"run\":{\"digest\":\"1\",\"index\":" index ",\"of\":" of "}"
#define RECORD(key, status, more) \
    "{\"schema\":1,\"key\":\"" key "\",\"case\":\"a\",\"status\":\"" status "\",\"device\":\"host\"" more "}\n"

static char path[SCRATCH_SIZE];

/* The report of a file of this text; the caller frees it. */
static char *print(const char *text, bool gitlab)
{
    const char *paths[] = {path};
    struct review review;
    struct error error;
    char *report = NULL;
    size_t size;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(review_read(&review, paths, 1, NULL, TEXT_DTYPE, false, &error), ERROR_NONE);
    FILE *stream = open_memstream(&report, &size);
    assert_non_null(stream);
    assert_true(review_print_junit(stream, &review, &(struct review_options){0}, gitlab));
    assert_int_equal(fclose(stream), 0);
    review_clear(&review);
    return report;
}

static void assert_says(const char *records, bool gitlab, const char *said)
{
    char *report = print(records, gitlab);
    if (!strstr(report, said))
        fail_msg("'%s' is not in\n%s", said, report);
    free(report);
}

static void test_what_a_status_is(void **state)
{
    (void)state;
    static const struct {
        const char *records, *totals;
        bool gitlab;
    } rows[] = {
        {RECORD("a", "pass", ""), "tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\"", false},
        {RECORD("a", "fail", ""), "tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\"", false},
        {RECORD("a", "xpass", ""), "tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\"", false},
        {RECORD("a", "xfail", ""), "tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\"", false},
        {RECORD("a", "xfail", ""), "tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\"", true},
        {RECORD("a", "fail", ""), "tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\"", true},
        {RECORD("a", "error", ""), "tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\"", false},
        {RECORD("a", "passed", ""), "tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\"", false},
        {RECORD("a", "pass", "") RECORD("b", "skip", ""), "tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"1\"",
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_says(rows[i].records, rows[i].gitlab, rows[i].totals);
}

/* Of a part of a run, and of a kernel that took nothing, a test is an error. */
static void test_what_nobody_has_judged(void **state)
{
    (void)state;
    assert_says(RECORD("a", "pass", RUN("0", "1")), false, "tests=\"1\" failures=\"0\" errors=\"0\"");
    assert_says(RECORD("a", "pass", RUN("0", "3")), false, "message=\"of the run 2 points have no record\"");
    assert_says(RECORD("a", "pass", RUN("0", "2")), false, "tests=\"2\" failures=\"0\" errors=\"1\"");
    assert_says(RECORD("a", "skip", "") RECORD("b", "skip", ""), false, "message=\"nothing was judged:");
}

static void test_what_is_said_of_a_failure(void **state)
{
    (void)state;
    static const char failure[] = RECORD("a", "fail",
                                         ",\"elements\":64,\"mismatched\":7,\"max_abs_err\":0.5,\"max_ulp_err\":9,"
                                         "\"seconds\":{\"kernel\":1,\"truth\":2},"
                                         "\"contract\":{\"named\":true,\"num_fits\":1,\"fits\":[\"half the scale\"]}");
    assert_says(failure, false, "message=\"7 of 64 elements outside the tolerance; largest error 0.5, 9 ulp.\"");
    assert_says(failure, false, "Right under: half the scale.");
    assert_says(failure, false, "reproduce: alibicheck run CASE... --only 'a'");
    assert_says(failure, false, "time=\"3.000000\"");
    assert_says(RECORD("a", "error", ",\"error\":\"no memory\""), false, "message=\"no memory\"");
    assert_says(RECORD("a", "skip", ",\"error\":\"no masks\"") RECORD("b", "pass", ""), false,
                "<skipped message=\"no masks\"");
}

static int set_up(void **state)
{
    (void)state;
    int descriptor = scratch_file(path, "test_review_junit");
    return descriptor < 0 || close(descriptor) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_status_is),
        cmocka_unit_test(test_what_nobody_has_judged),
        cmocka_unit_test(test_what_is_said_of_a_failure),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}
