/* Names of shipped cases: what is here comes first, and what is nowhere is an error that names both places. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/case/shipped_case.h"
#include "harness/support/tests/scratch.h"

/* A folder `here`, which tests run in, and `shipped` beside it. */
static char root[SCRATCH_SIZE], shipped[SCRATCH_PATH_SIZE];

static void make_file(const char *path)
{
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(file >= 0);
    assert_int_equal(close(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (!scratch_folder(root, "test_shipped_case") || chdir(root))
        return 1;
    snprintf(shipped, sizeof shipped, "%s/shipped", root);
    if (mkdir("here", 0700) || mkdir("shipped", 0700) || mkdir("shipped/seed", 0700) || mkdir("shipped/mine", 0700) ||
        mkdir("here/mine", 0700))
        return 1;
    make_file("shipped/seed/short.yaml");
    make_file("outside.yaml");
    return chdir("here");
}

static int tear_down(void **state)
{
    char command[SCRATCH_PATH_SIZE];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return chdir("/") || system(command);
}

static void expect_found(const char *path, const char *below_root)
{
    char *found, expected[2 * SCRATCH_PATH_SIZE];
    struct error error = {0};
    snprintf(expected, sizeof expected, "%s/%s", root, below_root);
    assert_int_equal(shipped_case_find(&found, path, shipped, &error), ERROR_NONE);
    assert_string_equal(found, expected);
    free(found);
}

static void expect_as_given(const char *path, const char *folder)
{
    char *found;
    struct error error = {0};
    assert_int_equal(shipped_case_find(&found, path, folder, &error), ERROR_NONE);
    assert_string_equal(found, path);
    free(found);
}

static void a_name_is_found_with_and_without_what_surrounds_it_in_a_checkout(void **state)
{
    (void)state;
    expect_found("seed", "shipped/seed");
    expect_found("cases/seed", "shipped/seed");
    expect_found("cases/seed/short.yaml", "shipped/seed/short.yaml");
    expect_found("seed/short", "shipped/seed/short.yaml");
    expect_found("cases", "shipped");
    expect_found("cases/", "shipped");
}

static void what_is_here_comes_first(void **state)
{
    (void)state;
    expect_as_given("mine", shipped);
    assert_int_equal(symlink("/nowhere/at/all", "seed"), 0);
    expect_as_given("seed", shipped); /* its reader says what is wrong with the link */
    assert_int_equal(unlink("seed"), 0);
}

static void a_path_is_no_name(void **state)
{
    (void)state;
    expect_as_given("./seed", shipped);
    expect_as_given("/seed", shipped);
    expect_as_given("-", shipped);
    expect_as_given("", shipped);
    expect_as_given("seed/../../outside", shipped);
    expect_as_given("cases/..", shipped);
}

static void without_shipped_cases_a_path_is_as_given(void **state)
{
    (void)state;
    expect_as_given("seed", NULL);
}

static void expect_cases(const char *top, const char *below_top)
{
    char path[SCRATCH_PATH_SIZE], expected[512], *folder;
    snprintf(path, sizeof path, "%s/%s", root, top);
    snprintf(expected, sizeof expected, "%s/%s", path, below_top ? below_top : "");
    folder = shipped_cases_below(path);
    if (below_top)
        assert_string_equal(folder, expected);
    else
        assert_null(folder);
    free(folder);
}

/* A folder `cases` beside a folder of programs is no checkout's unless its sources are there. */
static void cases_are_those_that_were_installed_or_of_the_checkout(void **state)
{
    (void)state;
    assert_int_equal(system("mkdir -p ../both/share/alibicheck/cases ../both/cases ../both/harness/case "
                            "../checkout/cases ../checkout/harness/case ../other/cases ../sources/harness/case"),
                     0);
    expect_cases("both", "share/alibicheck/cases");
    expect_cases("checkout", "cases");
    expect_cases("other", NULL);
    expect_cases("sources", NULL);
    expect_cases("nothing", NULL);
}

static void what_is_nowhere_is_an_error_with_both_places(void **state)
{
    char *found;
    struct error error = {0};
    (void)state;
    assert_int_equal(shipped_case_find(&found, "casesseed", shipped, &error), ERROR_USAGE);
    assert_null(found);
    assert_non_null(strstr(error.text, "casesseed: cannot be opened: No such file or directory; "));
    assert_non_null(strstr(error.text, shipped));
}

static void expect_advice(const char *path, const char *advice)
{
    char *found, end[64];
    struct error error = {0};
    assert_int_equal(shipped_case_find(&found, path, shipped, &error), ERROR_USAGE);
    snprintf(end, sizeof end, "/shipped%s", advice);
    assert_string_equal(error.text + strlen(error.text) - strlen(end), end);
}

static void a_name_that_is_nearly_one_is_told_which(void **state)
{
    (void)state;
    expect_advice("sead", "; did you mean 'seed'?");
    expect_advice("cases/sede", "; did you mean 'seed'?");
    expect_advice("seed/shrot", "; did you mean 'seed/short'?");
    expect_advice("seed/shrot.yaml", "; did you mean 'seed/short.yaml'?");
    expect_advice("nothing-like-it", "");
    expect_advice("nowhere/short", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_is_nearly_one_is_told_which),
        cmocka_unit_test(a_name_is_found_with_and_without_what_surrounds_it_in_a_checkout),
        cmocka_unit_test(what_is_here_comes_first),
        cmocka_unit_test(a_path_is_no_name),
        cmocka_unit_test(without_shipped_cases_a_path_is_as_given),
        cmocka_unit_test(cases_are_those_that_were_installed_or_of_the_checkout),
        cmocka_unit_test(what_is_nowhere_is_an_error_with_both_places),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}
