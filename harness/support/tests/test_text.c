#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/support/text.h"

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static void assert_text(char *actual, const char *expected)
{
    assert_string_equal(actual, expected);
    free(actual);
}

static void test_clean_keeps_text_and_replaces_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *text, *clean;
    } rows[] = {
        {"", ""},
        {"a\tb\nc", "a\tb\nc"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\x01\x1b\x7f z", "a" BAD BAD BAD " z"},
        {"\xc2\x9b", BAD},                               /* C1: a terminal's escape */
        {"\xff\xfe", BAD BAD},                           /* never in UTF-8 */
        {"\xc3", BAD},                                   /* cut short */
        {"\xc0\xaf", BAD BAD},                           /* overlong '/' */
        {"\xed\xa0\x80", BAD BAD BAD},                   /* surrogate */
        {"\xef\xbf\xbf", BAD},                           /* U+FFFF is not a character of XML */
        {"a\xe2\x80\xae-\xe2\x80\xa8", "a" BAD "-" BAD}, /* U+202E turns what follows round, U+2028 ends a line */
        {"\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa\xe2\x80\xa7", BAD BAD "\xe2\x81\xaa\xe2\x80\xa7"},
        {"\xe2\x80\x8f\xd8\x9c\xef\xbb\xbf", BAD BAD BAD}, /* marks of direction, a byte order mark */
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD},             /* beyond U+10FFFF */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_text(text_clean(rows[i].text), rows[i].clean);
}

static void test_line_is_one_line_of_at_most_its_width(void **state)
{
    (void)state;
    assert_text(text_line("one\ntwo\n", 20), "one two");
    assert_text(text_line("12345678", 8), "12345678");
    assert_text(text_line("123456789", 8), "12345...");
    assert_text(text_line("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 5), "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
    assert_text(text_line("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 4), "\xc3\xa9...");
}

static void test_shell_quote(void **state)
{
    (void)state;
    assert_text(text_shell_quote("cases/a-b_1.yaml", false), "cases/a-b_1.yaml");
    assert_text(text_shell_quote("cases/a.yaml", true), "'cases/a.yaml'");
    assert_text(text_shell_quote("", false), "''");
    assert_text(text_shell_quote("a b;$c", false), "'a b;$c'");
    assert_text(text_shell_quote("'", false), "''\\'''");
}

static void test_file_names_are_safe_and_distinct(void **state)
{
    (void)state;
    assert_text(text_file_name("case-1:kernel=split_kv,seq_len=3,scale=1e+0"),
                "case-1@kernel=split_kv,seq_len=3,scale=1e+0");
    assert_text(text_file_name("a@b/c %"), "a%40b%2Fc%20%25");
    assert_text(text_file_name(".."), "%2E.");
    assert_text(text_file_name("\xc3\xa9\n"), "%C3%A9%0A");
    assert_text(text_file_name(""), "%");
}

static void test_long_file_names_are_cut_and_stay_distinct(void **state)
{
    (void)state;
    char text[TEXT_FILE_NAME_MAX + 100];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    char *one = text_file_name(text);
    text[sizeof text - 2] = 'y';
    char *other = text_file_name(text);
    assert_int_equal(strlen(one), TEXT_FILE_NAME_MAX);
    assert_string_not_equal(one, other);
    assert_memory_equal(one, other, TEXT_FILE_NAME_MAX - 16);
    free(one);
    free(other);
    text[TEXT_FILE_NAME_MAX] = '\0'; /* the longest that stays as it is */
    assert_text(text_file_name(text), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_keeps_text_and_replaces_the_rest),
        cmocka_unit_test(test_line_is_one_line_of_at_most_its_width),
        cmocka_unit_test(test_shell_quote),
        cmocka_unit_test(test_file_names_are_safe_and_distinct),
        cmocka_unit_test(test_long_file_names_are_cut_and_stay_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
