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

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_DESK(test_paths_that_cannot_be_written),
        cmocka_unit_test(test_kinds_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
