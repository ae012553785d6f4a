/* A file that appears when it is whole: what was there stays until then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/support/room.h"
#include "harness/support/whole_file.h"

static char folder[] = "/tmp/test_whole_file.XXXXXX";

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_text(const char *path, const char *expected)
{
    char text[64];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void test_what_was_there_stays_until_it_is_closed(void **state)
{
    (void)state;
    struct whole_file file;
    struct error error;
    write_text("old", "old");
    assert_int_equal(whole_file_open(&file, "old", &error), ERROR_NONE);
    fputs("new", file.stream);
    fflush(file.stream);
    assert_text("old", "old");
    assert_int_equal(whole_file_close(&file, &error), ERROR_NONE);
    assert_text("old", "new");
    assert_null(file.partial);
}

static void test_what_is_discarded_was_never_there(void **state)
{
    (void)state;
    struct whole_file file;
    struct error error;
    write_text("kept", "old");
    assert_int_equal(whole_file_open(&file, "kept", &error), ERROR_NONE);
    fputs("new", file.stream);
    char *partial = strdup(file.partial);
    assert_non_null(partial);
    assert_int_equal(access(partial, F_OK), 0);
    whole_file_discard(&file);
    assert_text("kept", "old");
    assert_int_not_equal(access(partial, F_OK), 0);
    free(partial);
    whole_file_discard(&file); /* an empty one is nothing */
}

static void test_a_link_stays_a_link(void **state)
{
    (void)state;
    struct whole_file file;
    struct error error;
    struct stat status;
    write_text("target", "old");
    assert_int_equal(symlink("target", "link"), 0);
    assert_int_equal(whole_file_open(&file, "link", &error), ERROR_NONE);
    fputs("new", file.stream);
    assert_int_equal(whole_file_close(&file, &error), ERROR_NONE);
    assert_int_equal(lstat("link", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_text("target", "new");
}

static void test_a_device_is_written_to_as_it_is(void **state)
{
    (void)state;
    struct whole_file file;
    struct error error;
    assert_int_equal(whole_file_open(&file, "/dev/null", &error), ERROR_NONE);
    assert_null(file.partial);
    assert_int_equal(whole_file_close(&file, &error), ERROR_NONE);
    if (access("/dev/full", W_OK) != 0)
        return;
    assert_int_equal(whole_file_open(&file, "/dev/full", &error), ERROR_NONE);
    fputs("new", file.stream);
    assert_int_equal(whole_file_close(&file, &error), ERROR_SYSTEM);
    assert_string_equal(error.text, "cannot write /dev/full: No space left on device");
}

static void test_where_nothing_can_be_written(void **state)
{
    (void)state;
    struct whole_file file;
    struct error error;
    assert_int_equal(whole_file_open(&file, "no/folder/file", &error), ERROR_SYSTEM);
    assert_string_equal(error.text, "cannot write no/folder/file: No such file or directory");
    assert_null(file.stream);
    assert_null(file.target);
}

static void test_there_is_room_for_one_more(void **state)
{
    (void)state;
    int *items = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        items = room_for_one(items, &capacity, (size_t)i, sizeof *items);
        assert_non_null(items);
        assert_true(capacity > (size_t)i);
        items[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    capacity = SIZE_MAX / 4;
    assert_null(room_for_one(items, &capacity, capacity, sizeof *items)); /* more than there can be */
    assert_true(capacity == SIZE_MAX / 4);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_there_stays_until_it_is_closed),
        cmocka_unit_test(test_what_is_discarded_was_never_there),
        cmocka_unit_test(test_a_link_stays_a_link),
        cmocka_unit_test(test_a_device_is_written_to_as_it_is),
        cmocka_unit_test(test_where_nothing_can_be_written),
        cmocka_unit_test(test_there_is_room_for_one_more),
    };
    static const char *const left[] = {"old", "kept", "target", "link"};
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        unlink(left[i]);
    if (chdir("/") != 0 || rmdir(folder) != 0)
        return 1;
    return failed;
}
