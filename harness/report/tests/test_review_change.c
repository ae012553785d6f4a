/* What became of a point between two runs. A wrong "same" or "better" would let a regression through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/report/review_change.h"
#include "harness/report/review_read.h"

static char path[] = "/tmp/test_review_change.XXXXXX";

static void read_text(struct review *review, const char *text)
{
    const char *paths[] = {path};
    struct error error;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(review_read(review, paths, 1, NULL, TEXT_DTYPE, &error), ERROR_NONE);
}

/* The members of a record behind its key. */
static void read_point(struct review *review, const char *key, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"schema\":1,\"key\":\"%s\",\"device\":\"host\",%s}\n", key, more);
    read_text(review, text);
}

#define RUN(status, output, more) \
    "\"status\":\"" status "\",\"input_digest\":\"1\",\"truth_digest\":\"2\",\"output_digest\":\"" output "\"" more
#define PASS(output, more) RUN("pass", output, more)

static const struct {
    const char *before, *after;
    enum change change;
} rows[] = {
    {PASS("3", ",\"max_abs_err\":1"), PASS("3", ",\"max_abs_err\":1"), CHANGE_SAME},
    {PASS("3", ",\"max_abs_err\":1"), PASS("4", ",\"max_abs_err\":1"), CHANGE_OTHER_BITS},
    {PASS("3", ",\"max_abs_err\":1"), PASS("4", ",\"max_abs_err\":2"), CHANGE_WORSE},
    {PASS("3", ",\"max_abs_err\":2"), PASS("4", ",\"max_abs_err\":1"), CHANGE_BETTER},
    /* Never one against the other. */
    {PASS("3", ",\"max_abs_err\":2,\"max_ulp_err\":1"), PASS("4", ",\"max_abs_err\":1,\"max_ulp_err\":1.5"),
     CHANGE_WORSE},
    {PASS("3", ",\"max_lse_err\":1"), PASS("4", ",\"max_lse_err\":2"), CHANGE_WORSE},
    {PASS("3", ",\"lse_budget_used\":1"), PASS("4", ",\"lse_budget_used\":2"), CHANGE_WORSE},
    {PASS("3", ",\"p50_ulp_err\":1"), PASS("4", ",\"p50_ulp_err\":2"), CHANGE_WORSE},
    {PASS("3", ",\"mismatched\":1"), PASS("4", ",\"mismatched\":2"), CHANGE_WORSE},
    {PASS("3", ",\"nan\":0"), PASS("4", ",\"nan\":1"), CHANGE_WORSE},
    {PASS("3", ",\"max_abs_err\":1"), PASS("4", ",\"max_abs_err\":\"nan\""), CHANGE_WORSE},
    {PASS("3", ",\"max_abs_err\":\"nan\""), PASS("4", ",\"max_abs_err\":1"), CHANGE_BETTER},
    {PASS("3", ",\"max_abs_err\":1"), PASS("4", ",\"max_abs_err\":\"inf\""), CHANGE_WORSE},
    /* A bound that is gone. */
    {PASS("3", ",\"budget_used\":1"), PASS("4", ",\"budget_used\":null"), CHANGE_WORSE},
    {PASS("3", ""), PASS("4", ",\"budget_used\":1"), CHANGE_OTHER_BITS},
    {PASS("3", ""), RUN("fail", "4", ""), CHANGE_FAILING},
    {PASS("3", ""), RUN("fail", "3", ""), CHANGE_FAILING},
    {PASS("3", ""), RUN("xpass", "3", ""), CHANGE_FAILING},
    {PASS("3", ""), "\"status\":\"error\"", CHANGE_FAILING},
    {PASS("3", ""), RUN("xfail", "4", ""), CHANGE_STATUS},
    {RUN("fail", "3", ""), PASS("4", ""), CHANGE_FIXED},
    {RUN("fail", "3", ",\"max_lse_err\":1"), PASS("4", ",\"max_lse_err\":2"), CHANGE_FIXED_WORSE},
    {"\"status\":\"error\"", PASS("4", ""), CHANGE_FIXED},
    /* What is asked for has changed, whatever came of it. */
    {RUN("fail", "3", ",\"tolerance\":{\"atol\":1}"), PASS("3", ",\"tolerance\":{\"atol\":2}"), CHANGE_JUDGED},
    {PASS("3", ",\"judge\":\"both\""), PASS("3", ",\"judge\":\"tolerance\""), CHANGE_JUDGED},
    {PASS("3", ",\"budget\":1"), PASS("3", ",\"budget\":2"), CHANGE_JUDGED},
    {PASS("3", ",\"budget\":1"), PASS("3", ",\"budget\":null"), CHANGE_JUDGED},
    {PASS("3", ",\"budget\":1"), RUN("fail", "3", ",\"budget\":2"), CHANGE_FAILING},
    /* A share of another recipe's bound says nothing, an error does. */
    {PASS("3", ",\"recipe_digest\":\"a\",\"budget_used\":0.1"),
     PASS("4", ",\"recipe_digest\":\"b\",\"budget_used\":0.9"), CHANGE_OTHER_BITS},
    {PASS("3", ",\"recipe_digest\":\"a\",\"max_abs_err\":0.1"),
     PASS("4", ",\"recipe_digest\":\"b\",\"max_abs_err\":0.9"), CHANGE_WORSE},
    {RUN("xfail", "3", ""), RUN("xpass", "4", ""), CHANGE_FAILING},
    {RUN("fail", "3", ""), RUN("error", "4", ""), CHANGE_STATUS},
    {RUN("fail", "3", ""), "\"status\":\"fail\"", CHANGE_STATUS},
    {RUN("fail", "3", ",\"signature\":\"leak\""), RUN("fail", "3", ",\"signature\":\"nan\""), CHANGE_SIGNATURE},
    {PASS("3", ",\"signature\":null"), PASS("3", ",\"signature\":\"none\""), CHANGE_SAME},
    {"\"status\":\"error\"", "\"status\":\"error\"", CHANGE_SAME},
    /* Other inputs, another truth: never better, whatever the figures say. */
    {PASS("3", ""), "\"status\":\"pass\",\"input_digest\":\"9\",\"truth_digest\":\"2\",\"output_digest\":\"3\"",
     CHANGE_UNLIKE},
    {PASS("3", ""), "\"status\":\"pass\",\"input_digest\":\"1\",\"truth_digest\":\"9\",\"output_digest\":\"3\"",
     CHANGE_UNLIKE},
    {PASS("3", ""), "\"status\":\"fail\",\"input_digest\":\"9\",\"truth_digest\":\"2\",\"output_digest\":\"3\"",
     CHANGE_UNLIKE},
    {PASS("3", ""), "\"status\":\"pass\",\"output_digest\":\"3\"", CHANGE_UNLIKE},
};

static void test_each_change_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct review before, after;
        struct review_changes changes;
        struct error error;
        read_point(&before, "a", rows[i].before);
        read_point(&after, "a", rows[i].after);
        assert_int_equal(review_compare(&changes, &before, &after, &error), ERROR_NONE);
        assert_int_equal(changes.count, 1);
        if (changes.changes[0].change != rows[i].change)
            fail_msg("row %zu: %s in place of %s", i, change_table[changes.changes[0].change].name,
                     change_table[rows[i].change].name);
        assert_int_equal(changes.by_kind[rows[i].change], 1);
        review_changes_clear(&changes);
        review_clear(&before);
        review_clear(&after);
    }
}

static void test_points_that_come_and_go(void **state)
{
    (void)state;
    struct review before, after;
    struct review_changes changes;
    struct error error;
    read_point(&before, "a", PASS("3", ""));
    read_point(&after, "b", PASS("3", ""));
    assert_int_equal(review_compare(&changes, &before, &after, &error), ERROR_NONE);
    assert_int_equal(changes.count, 2);
    assert_int_equal(changes.changes[0].change, CHANGE_NEW);
    after.points[0].text[TEXT_STATUS] = after.points[0].text[TEXT_DEVICE]; /* a word that is no pass */
    review_changes_clear(&changes);
    assert_int_equal(review_compare(&changes, &before, &after, &error), ERROR_NONE);
    assert_int_equal(changes.changes[0].change, CHANGE_NEW_FAILING);
    assert_null(changes.changes[0].before);
    assert_int_equal(changes.changes[1].change, CHANGE_MISSING);
    assert_null(changes.changes[1].after);
    review_changes_clear(&changes);
    review_clear(&before);
    review_clear(&after);
}

#define ON(device, output)                                                                              \
    "{\"schema\":1,\"key\":\"a\",\"device\":\"" device "\",\"status\":\"pass\",\"input_digest\":\"1\"," \
    "\"truth_digest\":\"2\",\"output_digest\":\"" output "\"}\n"

/* With one device on each side keys are enough: a GPU after the host. With several, each goes with its own. */
static void test_devices_are_told_apart_where_there_are_several(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        size_t same, missing, new;
    } joins[] = {
        {ON("host", "3"), ON("cuda", "3"), 1, 0, 0},
        {ON("host", "3") ON("cuda", "4"), ON("cuda", "4") ON("host", "3"), 2, 0, 0},
        {ON("host", "3") ON("cuda", "4"), ON("cuda", "4"), 1, 1, 0},
        {ON("cuda", "4"), ON("host", "4") ON("cuda", "4"), 1, 0, 1},
    };
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        struct review before, after;
        struct review_changes changes;
        struct error error;
        read_text(&before, joins[i].before);
        read_text(&after, joins[i].after);
        assert_int_equal(review_compare(&changes, &before, &after, &error), ERROR_NONE);
        assert_int_equal(changes.by_kind[CHANGE_SAME], joins[i].same);
        assert_int_equal(changes.by_kind[CHANGE_MISSING], joins[i].missing);
        assert_int_equal(changes.by_kind[CHANGE_NEW], joins[i].new);
        review_changes_clear(&changes);
        review_clear(&before);
        review_clear(&after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_change_has_its_name),
        cmocka_unit_test(test_points_that_come_and_go),
        cmocka_unit_test(test_devices_are_told_apart_where_there_are_several),
    };
    int file = mkstemp(path);
    if (file < 0 || close(file) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
