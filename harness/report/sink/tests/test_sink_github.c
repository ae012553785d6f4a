/* Annotations of GitHub Actions: of points that did not end as expected, where their cases stand, and no more than are
 * shown. */
#include "harness/report/sink/tests/capture.h"
#include "harness/report/sink/tests/desk.h"
#include "harness/support/github_annotation.h"

/* What an open sink prints as it is closed. */
static char *printed_at_close(struct sink *sink, struct desk *desk)
{
    struct capture capture;
    capture_begin(&capture);
    enum error_kind kind = sink->kind->close(sink, &desk->summary, &desk->error);
    char *text = capture_end(&capture);
    assert_int_equal(kind, ERROR_NONE);
    return text;
}

static void open_at(struct sink *sink, struct desk *desk)
{
    desk->plan.of_files = true;
    desk->sample.test_case.line = 7;
    assert_int_equal(sink_open(sink, &sink_github, "-", &desk->plan, &desk->error), ERROR_NONE);
}

static void put(struct sink *sink, struct desk *desk, size_t place, enum status status)
{
    desk->sample.record.place = place;
    desk->sample.record.outcome.status = status;
    assert_int_equal(sink->kind->record(sink, &desk->sample.record, &desk->error), ERROR_NONE);
}

static size_t count(const char *text, const char *word)
{
    size_t found = 0;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        found++;
    return found;
}

static void test_each_status(void **state)
{
    static const char *const title_of[STATUS_COUNT] = {
        [STATUS_FAIL] = "title=fail::", [STATUS_XPASS] = "title=xpass::", [STATUS_ERROR] = "title=error::"};
    struct desk *desk = *state;
    for (enum status status = 0; status < STATUS_COUNT; status++) {
        struct sink sink;
        open_at(&sink, desk);
        put(&sink, desk, 0, status);
        char *text = printed_at_close(&sink, desk);
        if (title_of[status])
            assert_non_null(strstr(text, title_of[status]));
        else
            assert_string_equal(text, "");
        free(text);
    }
}

static void test_where_the_case_stands(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    desk->sample.test_case.path = "cases/a,b.yaml";
    desk->sample.test_case.key = "a:seed=1";
    open_at(&sink, desk);
    put(&sink, desk, 0, STATUS_FAIL);
    char *text = printed_at_close(&sink, desk);
    assert_int_equal(strncmp(text, "::error file=cases/a%2Cb.yaml,line=7,title=fail::a:seed=1%0A", 60), 0);
    assert_int_equal(count(text, "\n"), 1);
    assert_null(strstr(text, "%0A\n"));
    free(text);

    desk->sample.test_case.standard_input = true;
    open_at(&sink, desk);
    put(&sink, desk, 0, STATUS_FAIL);
    text = printed_at_close(&sink, desk);
    assert_int_equal(strncmp(text, "::error title=fail::", 20), 0);
    free(text);

    desk->sample.test_case.standard_input = false;
    open_at(&sink, desk);
    desk->plan.of_files = false;
    put(&sink, desk, 0, STATUS_FAIL);
    text = printed_at_close(&sink, desk);
    assert_int_equal(strncmp(text, "::error title=fail::", 20), 0);
    free(text);
}

/* Nothing that a step's log may take for another command, and nothing for a terminal. */
static void test_a_line_each_whatever_is_said(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    open_at(&sink, desk);
    sample_set_error(&desk->sample, "no\n::error::x\033[31m\r100%");
    put(&sink, desk, 0, STATUS_ERROR);
    char *text = printed_at_close(&sink, desk);
    assert_int_equal(count(text, "\n"), 1);
    assert_null(strchr(text, '\r'));
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "100%25"));
    free(text);
}

/* The first ones in the order of the run, whichever end first. */
static void test_the_first_ten(void **state)
{
    struct desk *desk = *state;
    static const size_t places[] = {11, 3, 14, 0, 7, 1, 13, 2, 5, 12, 4, 10, 6, 8, 9};
    enum { COUNT = sizeof places / sizeof *places };
    char key[32];
    for (size_t total = 9; total <= COUNT; total++) {
        struct sink sink;
        open_at(&sink, desk);
        for (size_t i = 0; i < COUNT; i++) {
            snprintf(key, sizeof key, "point-%02zu", places[i]);
            desk->sample.test_case.key = key;
            put(&sink, desk, places[i], places[i] < total ? STATUS_FAIL : STATUS_PASS);
        }
        char *text = printed_at_close(&sink, desk), *at = text, rest[32];
        size_t shown = total > GITHUB_ANNOTATIONS_MAX ? GITHUB_ANNOTATIONS_MAX - 1 : total;
        assert_int_equal(count(text, "\n"), total > GITHUB_ANNOTATIONS_MAX ? GITHUB_ANNOTATIONS_MAX : total);
        for (size_t i = 0; i < shown; i++) {
            snprintf(key, sizeof key, "::point-%02zu%%0A", i);
            at = strstr(at, key);
            assert_non_null(at);
        }
        snprintf(rest, sizeof rest, "::and %zu more ", total - shown);
        assert_int_equal(strstr(text, rest) != NULL, total > GITHUB_ANNOTATIONS_MAX);
        free(text);
    }
}

static void test_that_it_is_not_all_has_one_of_the_ten(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    desk->summary.cut_short = "interrupted";
    desk->summary.points_done = 12;
    for (size_t failures = 0; failures <= 12; failures += 3) {
        open_at(&sink, desk);
        for (size_t i = 0; i < failures; i++)
            put(&sink, desk, i, STATUS_FAIL);
        char *text = printed_at_close(&sink, desk);
        assert_int_equal(count(text, "\n"), failures < 10 ? failures + 1 : GITHUB_ANNOTATIONS_MAX);
        assert_non_null(strstr(text, "::error title=alibicheck::interrupted: 12 of 48 points done\n"));
        free(text);
    }
}

static void test_records_that_are_kept(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    struct kept_record kept = {.place = 3, .status = STATUS_FAIL, .headline = "off"};
    open_at(&sink, desk);
    assert_int_equal(sink.kind->keep(&sink, &desk->sample.point, &kept, &desk->error), ERROR_NONE);
    kept = (struct kept_record){.place = 2, .status = STATUS_ERROR};
    assert_int_equal(sink.kind->keep(&sink, &desk->sample.point, &kept, &desk->error), ERROR_NONE);
    kept.status = STATUS_XFAIL;
    assert_int_equal(sink.kind->keep(&sink, &desk->sample.point, &kept, &desk->error), ERROR_NONE);
    char *text = printed_at_close(&sink, desk);
    assert_int_equal(count(text, "\n"), 2);
    assert_non_null(strstr(text, "%0Aerror\n"));
    assert_non_null(strstr(strstr(text, "%0Aerror\n"), "%0Aoff\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_DESK(test_each_status),
        AT_DESK(test_where_the_case_stands),
        AT_DESK(test_a_line_each_whatever_is_said),
        AT_DESK(test_the_first_ten),
        AT_DESK(test_that_it_is_not_all_has_one_of_the_ten),
        AT_DESK(test_records_that_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
