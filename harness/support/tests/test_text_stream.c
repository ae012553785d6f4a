/* Texts of a stream in memory: whole, or none, when there is no memory for any of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/support/tests/failing_memory.h"
#include "harness/support/text_stream.h"

enum { LINES = 3000, LINE_BYTES = 20 };

static char expected[LINES * LINE_BYTES + 1];

/* Whether fclose tells that all is there. */
static bool print_lines(char **text, size_t *size)
{
    FILE *stream = text_stream_open(text, size);
    if (!stream)
        return false;
    for (int i = 0; i < LINES; i++)
        fprintf(stream, "line number %6d\n%s", i, i % 2 ? "" : "\n");
    return fclose(stream) == 0;
}

static void test_what_is_printed_is_there(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    assert_true(print_lines(&text, &size));
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
    free(text);
}

static void test_nothing_is_an_empty_text(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 1;
    assert_int_equal(fclose(text_stream_open(&text, &size)), 0);
    assert_string_equal(text, "");
    assert_int_equal(size, 0);
    free(text);
}

static void test_it_says_how_much_there_is(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = text_stream_open(&text, &size);
    assert_int_equal(ftell(stream), 0);
    fputs("12345", stream);
    assert_int_equal(ftell(stream), 5);
    fputs(expected, stream);
    assert_int_equal(ftello(stream), 5 + strlen(expected));
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(size, 5 + strlen(expected));
    free(text);
}

#ifndef OTHER_ALLOCATOR
/* An allocation that fails, alone or with all that follow: what is printed later may find room again. */
static void test_a_text_is_whole_or_none(void **state)
{
    (void)state;
    bool failed = true;
    for (long at = 0; failed; at++)
        for (int all = 0; all < 2; all++) {
            char *text = (char *)(uintptr_t) "of nobody";
            size_t size = 0;
            turn.count = turn.failed = turn.live = 0;
            turn.fails_at = at;
            turn.and_after = all;
            turn.on = true;
            const bool whole = print_lines(&text, &size);
            turn.on = false;
            failed = turn.failed > 0;
            if (whole) {
                assert_string_equal(text, expected);
                free(text);
            } else {
                assert_true(failed);
                assert_true(!text || !strcmp(text, "of nobody"));
            }
        }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_printed_is_there),
        cmocka_unit_test(test_nothing_is_an_empty_text),
        cmocka_unit_test(test_it_says_how_much_there_is),
#ifndef OTHER_ALLOCATOR
        cmocka_unit_test(test_a_text_is_whole_or_none),
#endif
    };
    size_t used = 0;
    for (int i = 0; i < LINES; i++)
        used += (size_t)snprintf(expected + used, sizeof expected - used, "line number %6d\n%s", i, i % 2 ? "" : "\n");
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
