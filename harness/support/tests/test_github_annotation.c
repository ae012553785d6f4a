/* One line a command, whatever the texts have in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/support/github_annotation.h"
#include "harness/support/tests/scratch.h"

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
    assert_printed(
        &(struct github_annotation){.level = "error", .path = "a\n\x1b[31m", .line = 7, .title = "t", .text = "\x7f\t"},
        "::error file=a%0A\xef\xbf\xbd[31m,line=7,title=t::\xef\xbf\xbd\xef\xbf\xbd\n");
}

/* A step may run in a folder of the repository, or name a file by its whole path. */
static void test_a_path_begins_at_the_repository(void **state)
{
    (void)state;
    char root[SCRATCH_SIZE], sub[SCRATCH_PATH_SIZE], file[SCRATCH_PATH_SIZE], beside[SCRATCH_PATH_SIZE];
    assert_non_null(scratch_folder(root, "test_github_annotation"));
    snprintf(sub, sizeof sub, "%s/sub", root);
    snprintf(file, sizeof file, "%s/sub/a.yaml", root);
    snprintf(beside, sizeof beside, "%s/su", root);
    assert_int_equal(mkdir(sub, 0700), 0);
    int descriptor = open(file, O_CREAT | O_WRONLY, 0600), above = open(".", O_RDONLY | O_DIRECTORY);
    assert_true(descriptor >= 0 && above >= 0);
    struct github_annotation of = {.level = "error", .path = "a.yaml", .line = 1, .title = "t", .text = "x"};
    assert_int_equal(chdir(sub), 0);
    assert_printed(&of, "::error file=a.yaml,line=1,title=t::x\n");
    assert_int_equal(setenv("GITHUB_WORKSPACE", root, 1), 0);
    assert_printed(&of, "::error file=sub/a.yaml,line=1,title=t::x\n");
    of.path = file;
    assert_printed(&of, "::error file=sub/a.yaml,line=1,title=t::x\n");
    of.path = "absent.yaml";
    assert_printed(&of, "::error file=absent.yaml,line=1,title=t::x\n");
    assert_int_equal(setenv("GITHUB_WORKSPACE", beside, 1), 0);
    of.path = "a.yaml";
    assert_printed(&of, "::error file=a.yaml,line=1,title=t::x\n");
    assert_int_equal(mkdir(beside, 0700), 0); /* whose name another begins with */
    assert_printed(&of, "::error file=a.yaml,line=1,title=t::x\n");
    assert_int_equal(fchdir(above), 0);
    assert_int_equal(unsetenv("GITHUB_WORKSPACE"), 0);
    assert_int_equal(close(descriptor) | close(above), 0);
    assert_int_equal(unlink(file) | rmdir(sub) | rmdir(beside) | rmdir(root), 0);
}

static void test_of_no_file(void **state)
{
    (void)state;
    assert_printed(&(struct github_annotation){.level = "warning", .title = "t", .text = "::error::x"},
                   "::warning title=t::::error::x\n");
}

int main(void)
{
    unsetenv("GITHUB_WORKSPACE"); /* of the CI that runs this */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_ends_a_command_or_a_property_is_escaped),
        cmocka_unit_test(test_a_path_begins_at_the_repository),
        cmocka_unit_test(test_of_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
