/* One line a command, whatever the texts have in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/support/github_annotation.h"

static void assert_printed(const struct github_annotation *annotation, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    github_annotation_print(stream, annotation);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void test_what_ends_a_command_or_a_property_is_escaped(void **state)
{
    (void)state;
    assert_printed(
        &(struct github_annotation){
            .level = "error", .path = "a,b:c.yaml", .line = 7, .title = "50%, at: once", .text = "a: b, 5%\r\nc"},
        "::error file=a%2Cb%3Ac.yaml,line=7,title=50%25%2C at%3A once::a: b, 5%25%0D%0Ac\n");
}

static void test_of_no_file(void **state)
{
    (void)state;
    assert_printed(&(struct github_annotation){.level = "warning", .title = "t", .text = "::error::x"},
                   "::warning title=t::::error::x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_ends_a_command_or_a_property_is_escaped),
        cmocka_unit_test(test_of_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
