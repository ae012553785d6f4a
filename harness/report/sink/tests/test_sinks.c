/* What all kinds of sinks have in common: a path that cannot be written ends the run at once, and each is described. */
#include "harness/report/sink/tests/desk.h"

static void test_paths_that_cannot_be_written(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    char path[512], expected[600];
    for (int i = 0; i < SINK_COUNT; i++) {
        const struct sink_kind *kind = sink_kinds[i];
        if (kind->target != SINK_TO_FILE && kind->target != SINK_TO_FILE_OR_STDOUT)
            continue;
        assert_int_equal(sink_open(&sink, kind, desk->folder, &desk->plan, &desk->error), ERROR_SYSTEM);
        snprintf(expected, sizeof expected, "cannot write %s: Is a directory", desk->folder);
        assert_string_equal(desk->error.text, expected);
        assert_int_equal(sink_open(&sink, kind, in_folder(path, desk, "absent/file"), &desk->plan, &desk->error),
                         ERROR_SYSTEM);
        assert_non_null(strstr(desk->error.text, path));
        assert_non_null(strstr(desk->error.text, "there is no folder "));
    }
    in_folder(path, desk, "file");
    fclose(fopen(path, "w"));
    assert_int_equal(sink_open(&sink, &sink_dump, path, &desk->plan, &desk->error), ERROR_SYSTEM);
    assert_non_null(strstr(desk->error.text, "Not a directory"));
    assert_int_equal(sink_open(&sink, &sink_dump, in_folder(path, desk, "file/below"), &desk->plan, &desk->error),
                     ERROR_SYSTEM);
    assert_int_equal(count_entries(desk->folder), 1);
}

/* What options, help and the checks of outputs rely on. */
static void test_kinds_are_described(void **state)
{
    (void)state;
    int on_stdout = 0, may_take_stdout = 0;
    for (int i = 0; i < SINK_COUNT; i++) {
        const struct sink_kind *kind = sink_kinds[i];
        assert_true(kind->open && kind->record && kind->close);
        assert_int_equal(kind->option == NULL, kind->target == SINK_TO_STDOUT);
        assert_int_equal(kind->option == NULL, kind->about == NULL);
        on_stdout += kind->target == SINK_TO_STDOUT;
        may_take_stdout += kind->target == SINK_TO_FILE_OR_STDOUT;
    }
    assert_int_equal(on_stdout, 1);
    assert_int_equal(may_take_stdout, 1);
}

/* A kind that writes nothing, but for how often it was to. */
static enum error_kind take_record(struct sink *sink, const struct record *record, struct error *error)
{
    (void)record, (void)error;
    ++*(int *)sink->state;
    return ERROR_NONE;
}

/* Folders get the first points that failed, or all of them, and other sinks every point. */
static void test_points_that_are_kept(void **state)
{
    (void)state;
    static const enum status ends[] = {STATUS_PASS, STATUS_FAIL, STATUS_XFAIL, STATUS_XPASS,
                                       STATUS_SKIP, STATUS_FAIL, STATUS_ERROR};
    static const struct sink_kind folder = {.target = SINK_TO_FOLDER, .record = take_record},
                                  file = {.target = SINK_TO_FILE, .record = take_record};
    static const struct {
        const struct sink_kind *kind;
        size_t keep_failed;
        int written;
    } rows[] = {{&folder, 0, 7}, {&folder, 1, 1}, {&folder, 3, 3}, {&folder, SIZE_MAX, 4}, {&file, 1, 7}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct sink_plan plan = {.keep_failed = rows[r].keep_failed};
        int written = 0;
        struct sink sink = {.kind = rows[r].kind, .plan = &plan, .state = &written};
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
            const struct record record = {.outcome.status = ends[i]};
            struct error error;
            assert_int_equal(sink_record(&sink, &record, &error), ERROR_NONE);
        }
        assert_int_equal(written, rows[r].written);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_DESK(test_paths_that_cannot_be_written),
        cmocka_unit_test(test_kinds_are_described),
        cmocka_unit_test(test_points_that_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
