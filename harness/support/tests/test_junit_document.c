/* A JUnit document is whole, or none, whichever allocation of the library that makes it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/support/junit_document.h"
#include "harness/support/tests/failing_memory.h"

/* A new string; NULL if memory ran out on the way. */
static char *make(void)
{
    struct junit_document *document = junit_document_new();
    const struct junit_test tests[] = {
        {.name = "case:a=1", .result = JUNIT_PASSED, .elapsed_s = 0.5},
        {.name = "case:a=2", .result = JUNIT_FAILED, .type = "accuracy", .message = "leak", .text = "a < b & c"},
        {.name = "case:a=3", .result = JUNIT_ERROR, .type = "not judged", .message = "no memory", .text = "no memory"},
    };
    bool done = document && junit_document_suite(document, "case") &&
                junit_document_property(document, "device", "host") &&
                junit_document_property(document, "version", "0.1");
    for (size_t i = 0; done && i < sizeof tests / sizeof *tests; i++)
        done = junit_document_test(document, &tests[i]);
    char *text = done ? junit_document_print(document) : NULL;
    junit_document_free(document);
    return text;
}

static void test_a_document_is_what_was_put_into_it(void **state)
{
    (void)state;
    char *text = make();
    assert_string_equal(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                              "<testsuites name=\"alibicheck\" tests=\"3\" failures=\"1\" errors=\"1\" "
                              "skipped=\"0\" time=\"0.500000\">\n"
                              "  <testsuite name=\"case\" tests=\"3\" failures=\"1\" errors=\"1\" skipped=\"0\" "
                              "time=\"0.500000\">\n"
                              "    <properties>\n"
                              "      <property name=\"device\" value=\"host\"/>\n"
                              "      <property name=\"version\" value=\"0.1\"/>\n"
                              "    </properties>\n"
                              "    <testcase name=\"case:a=1\" classname=\"case\" time=\"0.500000\"/>\n"
                              "    <testcase name=\"case:a=2\" classname=\"case\" time=\"0.000000\">\n"
                              "      <failure message=\"leak\" type=\"accuracy\">a &lt; b &amp; c</failure>\n"
                              "    </testcase>\n"
                              "    <testcase name=\"case:a=3\" classname=\"case\" time=\"0.000000\">\n"
                              "      <error message=\"no memory\" type=\"not judged\">no memory</error>\n"
                              "    </testcase>\n"
                              "  </testsuite>\n"
                              "</testsuites>\n");
    free(text);
}

#ifndef OTHER_ALLOCATOR
/* libxml2 2.9 leaves out what it has no memory for, a name or a text, and goes on. */
static void test_a_document_is_whole_or_none(void **state)
{
    (void)state;
    char *whole = make();
    bool failed = true;
    for (long at = 0; failed; at++) {
        turn.count = turn.failed = turn.live = 0;
        turn.fails_at = at;
        turn.on = true;
        char *text = make();
        turn.on = false;
        failed = turn.failed > 0;
        assert_true(text || failed);
        if (text)
            assert_string_equal(text, whole);
        free(text);
    }
    free(whole);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_document_is_what_was_put_into_it),
#ifndef OTHER_ALLOCATOR
        cmocka_unit_test(test_a_document_is_whole_or_none),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
