/* Which files are read, in what order, and what is said of those that cannot be. */
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

#include "harness/case/tests/case_fixture.h"
#include "harness/support/tests/scratch.h"

/* ---- the folder that the tests write to ---- */

static char folder[SCRATCH_SIZE];

static int make_folder(void **state)
{
    (void)state;
    return scratch_folder(folder, "test_case_files") ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[SCRATCH_PATH_SIZE];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* The path of a name in the folder. Good until the fourth call after it. */
static const char *in_folder(const char *name)
{
    static char paths[4][SCRATCH_PATH_SIZE];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const char *text, size_t size)
{
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* ---- tests ---- */

#define MASKED_HEAD "case: a\nseq_len: [9, 24]\nnum_heads: 1\nhead_dim: 64\n"

/* A mask file is found from its case file's folder, wherever the program runs; of a setting, from where it runs. */
/* Whether a path is one that a case may name: a folder for temporary files may have others. */
static bool may_be_named(const char *path)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/";
    return strlen(path) <= 128 && !path[strspn(path, allowed)];
}

static void test_mask_files_are_found_from_the_case_file(void **state)
{
    (void)state;
    struct case_list list = {0};
    struct error error;
    struct point point;
    char absolute[256], setting[320], key[POINT_KEY_SIZE];
    assert_int_equal(mkdir(in_folder("masked"), 0700), 0);
    assert_int_equal(mkdir(in_folder("masked/bits"), 0700), 0);
    write_bytes("masked/bits/some-1.bits", "\x19\x01\x80", 3);
    write_text("masked/a.yaml", MASKED_HEAD "mask: [{file: bits/some-1.bits}, {padding: 1, file: bits/some-1.bits}]\n");
    assert_int_equal(case_list_read(&list, in_folder("masked/a.yaml"), NULL, 0, &error), ERROR_NONE);
    assert_int_equal(case_num_points(list.cases[0]), 4);
    case_point(list.cases[0], 3, &point);
    assert_string_equal(point_key(key, &point),
                        "a:seq_len=24,num_heads=1,head_dim=64,mask=padding:1:file:bits/some-1.bits");
    assert_int_equal(point.problem.mask.bits->size_bytes, 3);
    assert_memory_equal(point.problem.mask.bits->bytes, "\x19\x01\x80", 3);
    case_list_clear(&list);

    snprintf(absolute, sizeof absolute, "%s", in_folder("masked/bits/some-1.bits"));
    snprintf(setting, sizeof setting, "mask={file: %s}", absolute);
    const char *const settings[] = {setting};
    write_text("b.yaml", MASKED_HEAD);
    if (may_be_named(absolute)) {
        assert_int_equal(case_list_read(&list, in_folder("b.yaml"), settings, 1, &error), ERROR_NONE);
        case_point(list.cases[0], 0, &point);
        assert_string_equal(point.problem.mask.bits->name, absolute);
        case_list_clear(&list);
    }
    const char *const relative[] = {"mask={file: masked/bits/some-1.bits}"};
    assert_int_equal(case_list_read(&list, in_folder("b.yaml"), relative, 1, &error), ERROR_USAGE);

    write_text("masked/c.yaml", "case: a\nseq_len: [24, 25]\nnum_heads: 1\nhead_dim: 64\n"
                                "mask: {file: bits/some-1.bits}\n");
    assert_int_equal(case_list_read(&list, in_folder("masked/c.yaml"), NULL, 0, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "c.yaml:5:7: mask has a file of too few bits: 'file:bits/some-1.bits' with "
                                       "seq_len 25; allowed: "));
    assert_int_equal(list.count, 0);
    remove(in_folder("b.yaml"));
    remove(in_folder("masked/a.yaml"));
    remove(in_folder("masked/c.yaml"));
}

static void assert_path_refused(const char *name, const char *part)
{
    struct case_list list = parse(HEAD), before = list;
    struct error error = {0};
    const char *path = in_folder(name);
    assert_int_equal(case_list_read(&list, path, NULL, 0, &error), ERROR_USAGE);
    assert_int_equal(list.count, before.count);
    assert_ptr_equal(list.cases[0], before.cases[0]);
    if (strncmp(error.text, folder, strlen(folder)) != 0 || !strstr(error.text, part))
        fail_msg("'%s' does not start with the path or does not say '%s'", error.text, part);
    case_list_clear(&list);
}

static void test_paths_without_cases_are_refused(void **state)
{
    (void)state;
    assert_path_refused("missing.yaml", "missing.yaml: cannot be opened: No such file or directory");
    assert_path_refused("missing/case.yaml", "No such file or directory");
    assert_int_equal(mkdir(in_folder("empty"), 0777), 0);
    assert_path_refused("empty", "the folder has no case file; allowed: *.yaml, *.yml");
    write_text("empty/notes.txt", "not a case");
    assert_path_refused("empty", "the folder has no case file");
    write_text("nothing.yaml", "");
    assert_path_refused("nothing.yaml", "nothing.yaml:1:1: the file is empty");
    assert_path_refused("nothing.yaml/x.yaml", "Not a directory");
    assert_int_equal(mkfifo(in_folder("fifo.yaml"), 0666), 0);
    assert_path_refused("fifo.yaml", "not a regular file");
    assert_int_equal(symlink("nowhere", in_folder("dangling.yaml")), 0);
    assert_path_refused("dangling.yaml", "No such file or directory");
    write_text("bad\n\xff.yaml", "seq_len: 1\n");
    assert_path_refused("bad\n\xff.yaml", "/bad\\n\\xff.yaml:1:1: required key");
}

static void test_large_files_are_refused(void **state)
{
    (void)state;
    static const char head[] = HEAD "# ";
    char *text = malloc(CASE_MAX_FILE_BYTES + 1);
    assert_non_null(text);
    memset(text, 'x', CASE_MAX_FILE_BYTES + 1);
    memcpy(text, head, sizeof head - 1);
    write_bytes("large.yaml", text, CASE_MAX_FILE_BYTES + 1);
    assert_path_refused("large.yaml", "too large: 1.05 MB; allowed: 1.05 MB");
    /* As long as is allowed. */
    write_bytes("large.yaml", text, CASE_MAX_FILE_BYTES);
    struct case_list list = {0};
    struct error error = {0};
    assert_int_equal(case_list_read(&list, in_folder("large.yaml"), NULL, 0, &error), ERROR_NONE);
    case_list_clear(&list);
    /* 100 MB, most of it a hole. */
    assert_int_equal(truncate(in_folder("large.yaml"), 100000000), 0);
    assert_path_refused("large.yaml", "too large: 100 MB; allowed: 1.05 MB");
    free(text);
}

static void write_case(const char *path, const char *name)
{
    char text[128];
    snprintf(text, sizeof text, "case: %s\nseq_len: 1\nnum_heads: 1\nhead_dim: 64\n", name);
    write_text(path, text);
}

static void test_a_folder_is_read_in_order_of_path(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("tree"), 0777), 0);
    assert_int_equal(mkdir(in_folder("tree/b"), 0777), 0);
    assert_int_equal(mkdir(in_folder("tree/b/deep"), 0777), 0);
    assert_int_equal(mkdir(in_folder("tree/.hidden"), 0777), 0);
    write_case("tree/c.yml", "four");
    write_case("tree/a.yaml", "one");
    write_case("tree/b/deep/x.yaml", "two");
    write_case("tree/b/y.yaml", "three");
    write_text("tree/.hidden/z.yaml", "not read");
    write_text("tree/.z.yaml", "not read");
    write_text("tree/README.md", "not read");
    /* A loop of folders is not followed; a link to a file is. */
    assert_int_equal(symlink("..", in_folder("tree/b/up.yaml")), 0);
    assert_int_equal(symlink("..", in_folder("tree/b/up")), 0);
    write_case("five.txt", "five");
    assert_int_equal(symlink("../five.txt", in_folder("tree/z.yaml")), 0);

    static const char *const names[] = {"one", "two", "three", "four", "five"};
    struct case_list list = {0};
    struct error error = {0};
    if (case_list_read(&list, in_folder("tree"), NULL, 0, &error))
        fail_msg("%s", error.text);
    assert_int_equal(list.count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(case_name(list.cases[i]), names[i]);
    assert_string_equal(case_path(list.cases[1]), in_folder("tree/b/deep/x.yaml"));

    /* The same folder again: its names are taken, and the list stays. */
    assert_int_equal(case_list_read(&list, in_folder("tree"), NULL, 0, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "tree/a.yaml: the file is given twice"));
    assert_int_equal(list.count, COUNT(names));
    case_list_clear(&list);
}

static void test_names_are_unique_across_files(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("same"), 0777), 0);
    write_case("same/1.yaml", "x");
    write_text("same/2.yaml", "# a comment\n" HEAD "---\n{seq_len: 1, case: x, num_heads: 1, head_dim: 64}\n");
    struct case_list list = {0};
    struct error error = {0};
    char expected[3 * SCRATCH_SIZE];
    assert_int_equal(case_list_read(&list, in_folder("same"), NULL, 0, &error), ERROR_USAGE);
    snprintf(expected, sizeof expected,
             "%s/same/2.yaml:7:20: duplicate case: 'x', already at %s/same/1.yaml:1:7; allowed: names unique in a run",
             folder, folder);
    assert_string_equal(error.text, expected);
    assert_int_equal(list.count, 0);
    case_list_clear(&list);
}

static void test_an_unreadable_folder_is_refused(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip(); /* root reads everything */
    assert_int_equal(mkdir(in_folder("closed"), 0777), 0);
    assert_int_equal(mkdir(in_folder("closed/inner"), 0), 0);
    assert_path_refused("closed", "inner: cannot be read: Permission denied");
    assert_int_equal(chmod(in_folder("closed/inner"), 0777), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_without_cases_are_refused),
        cmocka_unit_test(test_large_files_are_refused),
        cmocka_unit_test(test_a_folder_is_read_in_order_of_path),
        cmocka_unit_test(test_names_are_unique_across_files),
        cmocka_unit_test(test_an_unreadable_folder_is_refused),
        cmocka_unit_test(test_mask_files_are_found_from_the_case_file),
    };
    return cmocka_run_group_tests_name("case_files", tests, make_folder, remove_folder) ? 1 : 0;
}
