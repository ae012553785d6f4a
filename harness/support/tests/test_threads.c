#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/support/tests/scratch.h"
#include "harness/support/threads.h"

static int quota_of(const char *text)
{
    char path[SCRATCH_SIZE];
    int descriptor = scratch_file(path, "test_threads");
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    int quota = threads_quota(path);
    unlink(path);
    return quota;
}

static void test_a_quota_is_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(quota_of("200000 100000\n"), 2);
    assert_int_equal(quota_of("250000 100000\n"), 3);
    assert_int_equal(quota_of("1000 100000\n"), 1);
    assert_int_equal(quota_of("999999999999 1\n"), THREADS_MAX);
}

static void test_no_quota_limits_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"max 100000\n", "", "-1 100000\n", "100000\n", "1 0\n", "nan nan\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(quota_of(texts[i]), THREADS_MAX);
    assert_int_equal(threads_quota("/no/such/file"), THREADS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quota_is_rounded_up),
        cmocka_unit_test(test_no_quota_limits_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
