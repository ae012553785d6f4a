/* Why points were skipped: what most have comes first, and no reason is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/report/sink/table_skips.h"

static void expect(struct table_skips *skips, const struct sink_plan *plan, bool first, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (first)
        table_skips_print_first(out, skips, plan);
    else
        table_skips_print(out, skips, plan);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static const struct point theirs[2] = {{.foreign = "mine"}, {.foreign = "mine"}}, ours[2];
static const struct sink_plan of_theirs = {.points = theirs, .num_points = 2},
                              of_ours = {.points = ours, .num_points = 2}, of_one = {.points = theirs, .num_points = 1};

static void add(struct table_skips *skips, const char *reason, int times)
{
    for (int i = 0; i < times; i++)
        assert_true(table_skips_add(skips, reason));
}

static void what_most_points_have_comes_first(void **state)
{
    (void)state;
    struct table_skips skips = {NULL, 0};
    add(&skips, NULL, 3);
    add(&skips, "masks", 1);
    add(&skips, "pages", 2);
    add(&skips, "sinks", 1);
    add(&skips, "pages", 1);
    expect(&skips, &of_one, false, "");
    expect(&skips, &of_ours, false, "");
    expect(&skips, &of_theirs, true, "");
    expect(&skips, &of_ours, true, " (the first: masks)");
    expect(&skips, &of_theirs, false, "  3 skipped: pages\n  1 skipped: masks\n  1 skipped: sinks\n");
    table_skips_clear(&skips);
    add(&skips, "masks", 2);
    expect(&skips, &of_ours, true, " (masks)");
    table_skips_clear(&skips);
    expect(&skips, &of_ours, true, "");
    expect(&skips, &of_theirs, false, "");
}

static void what_is_left_of_many_is_counted(void **state)
{
    (void)state;
    struct table_skips skips = {NULL, 0};
    char reason[] = "a", expected[512] = "";
    for (; reason[0] < 'a' + 14; reason[0]++) /* a: 1 point, b: 2 */
        add(&skips, reason, reason[0] - 'a' + 1);
    for (char left = 'a' + 13; left > 'a' + 1; left--)
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "  %d skipped: %c\n", left - 'a' + 1,
                 left);
    strcat(expected, "  3 skipped for other reasons\n");
    expect(&skips, &of_theirs, false, expected);
    table_skips_clear(&skips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_most_points_have_comes_first),
        cmocka_unit_test(what_is_left_of_many_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
