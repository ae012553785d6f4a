/* What others wrote into a record stays text where a report of it is posted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/support/markdown.h"

static void assert_printed(const char *given, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    markdown_print(stream, given, strlen(given));
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void test_nothing_is_markup(void **state)
{
    (void)state;
    assert_printed("a_b *c* `d` <e> [f](g) h|i ~j~ \\k # l &amp;",
                   "a\\_b \\*c\\* \\`d\\` \\<e\\> \\[f\\](g) h\\|i \\~j\\~ "
                   "\\\\k \\# l \\&amp;");
    assert_printed("", "");
}

/* GitHub looks for these in what is shown, so that no escape helps. */
static void test_nobody_is_mentioned_and_no_issue_referred_to(void **state)
{
    (void)state;
    assert_printed("@torch.compile fails, @org/team", "@&#8203;torch.compile fails, @&#8203;org/team");
    assert_printed("launch #3 of o/r#12", "launch \\#&#8203;3 of o/r\\#&#8203;12");
    assert_printed("a@b.org, @ home, @", "a@b.org, @ home, @");
    assert_printed("# of #", "\\# of \\#");
}

/* A renderer takes escapes in a link for parts of it. */
static void test_links_stay_links(void **state)
{
    (void)state;
    assert_printed("see_https://github.com/o/my_kernel/issues/5#top_2 a_b",
                   "see\\_https://github.com/o/my_kernel/issues/5#top_2 "
                   "a\\_b");
    assert_printed("http://a.org/@me/*|<b_c", "http://a.org/@me/*\\|\\<b\\_c");
    assert_printed("https:// @me", "https:// @&#8203;me");
    assert_printed("https:/a_b", "https:/a\\_b");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_markup),
        cmocka_unit_test(test_nobody_is_mentioned_and_no_issue_referred_to),
        cmocka_unit_test(test_links_stay_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
