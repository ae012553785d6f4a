/* JSON that is read is what stands there, or the program says that its memory has run out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/support/json_memory.h"
#include "harness/support/tests/failing_memory.h"
#include "reference/error.h"

#ifndef OTHER_ALLOCATOR
static const char text[] =
    "{\"key\": \"a text that is longer than what a buffer has room for at first\", \"numbers\": "
    "[1, 2.5, 123456789012345678], \"more\": {\"of\": null, \"it\": true, \"caf\\u00e9\": \"x\"}}";

enum { AS_IT_STANDS = 0, OTHERWISE = 1, NO_FAILURE = 4 };

/* Reads in a process of its own, where allocation `at` fails. */
static int read_apart(long at, const json_t *whole)
{
    int status = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        json_error_t fault;
        if (!freopen("/dev/null", "w", stderr))
            _exit(OTHERWISE);
        turn.count = turn.failed = 0;
        turn.fails_at = at;
        turn.on = true;
        json_t *value = json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES, &fault);
        turn.on = false;
        _exit(!json_equal(value, whole) ? OTHERWISE : turn.failed ? AS_IT_STANDS : NO_FAILURE);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_no_text_is_read_otherwise_for_want_of_memory(void **state)
{
    (void)state;
    json_error_t fault;
    json_t *whole = json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES, &fault);
    int code = ERROR_SYSTEM;
    long at = 0;
    assert_non_null(whole);
    for (; code != NO_FAILURE; at++) {
        code = read_apart(at, whole);
        assert_true(code == ERROR_SYSTEM || code == NO_FAILURE);
    }
    assert_true(at > 10);
    json_decref(whole);
}
#endif

int main(void)
{
#ifndef OTHER_ALLOCATOR
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_text_is_read_otherwise_for_want_of_memory)};
    json_memory_ends_program();
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
#else
    return 0;
#endif
}
