/* Files that two processes want: who has one, and which file is meant when its name changes hands. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/support/file.h"
#include "harness/support/tests/scratch.h"

/* What is put in the place of `replaced` just before the next locks are taken. */
static const char *replacement, *replaced;
static int num_replacements;

int flock(int descriptor, int operation)
{
    if (num_replacements > 0) {
        num_replacements--;
        FILE *file = fopen(replacement, "w");
        fputs("another", file);
        fclose(file);
        rename(replacement, replaced);
    }
    return (int)syscall(SYS_flock, descriptor, operation);
}

struct desk {
    char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE], other[SCRATCH_PATH_SIZE];
    struct error error;
};

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    if (!scratch_folder(desk->folder, "test_file"))
        return -1;
    snprintf(desk->path, sizeof desk->path, "%s/file", desk->folder);
    snprintf(desk->other, sizeof desk->other, "%s/other", desk->folder);
    replaced = desk->path;
    replacement = desk->other;
    FILE *file = fopen(desk->path, "w");
    if (!file || fputs("what is there", file) < 0 || fclose(file) != 0)
        return -1;
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    char command[SCRATCH_PATH_SIZE];
    num_replacements = 0;
    snprintf(command, sizeof command, "rm -rf '%s'", desk->folder);
    int status = system(command);
    free(desk);
    return status;
}

static const char *contents(char *text, const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, 63, file)] = '\0';
    fclose(file);
    return text;
}

static void write_text(const struct desk *desk, int descriptor, const char *text)
{
    assert_int_equal(file_write(descriptor, desk->path, text, strlen(text), NULL), ERROR_NONE);
}

/* A run that ends puts its records in order in a new file: who had the old one open has nothing. */
static void test_the_file_that_has_the_name_is_locked(void **state)
{
    struct desk *desk = *state;
    char text[64];
    int descriptor;
    num_replacements = 2;
    assert_int_equal(file_create(&descriptor, desk->path, &desk->error), ERROR_NONE);
    assert_true(file_is_at(descriptor, desk->path));
    write_text(desk, descriptor, "mine");
    assert_string_equal(contents(text, desk->path), "mine");
    file_close(descriptor, desk->path, NULL);
    num_replacements = 1;
    assert_int_equal(file_hold(&descriptor, desk->path, &desk->error), ERROR_NONE);
    assert_int_equal(pread(descriptor, text, 7, 0), 7);
    assert_memory_equal(text, "another", 7);
    file_close(descriptor, desk->path, NULL);
    num_replacements = 1000;
    assert_int_equal(file_hold(&descriptor, desk->path, &desk->error), ERROR_SYSTEM);
    assert_int_equal(descriptor, -1);
    assert_non_null(strstr(desk->error.text, "others put files in its place"));
}

static void test_what_is_held_is_nobody_elses(void **state)
{
    struct desk *desk = *state;
    char text[64];
    int held, own, other;
    assert_int_equal(file_hold(&held, desk->path, &desk->error), ERROR_NONE);
    assert_int_equal(file_create(&other, desk->path, &desk->error), ERROR_SYSTEM);
    assert_int_equal(other, -1);
    assert_int_equal(file_hold(&other, desk->path, &desk->error), ERROR_SYSTEM);
    assert_string_equal(contents(text, desk->path), "what is there");
    assert_int_equal(file_continue(&own, held, desk->path, 5, &desk->error), ERROR_NONE);
    write_text(desk, own, "more");
    assert_string_equal(contents(text, desk->path), "what more");
    file_close(own, desk->path, NULL);
    assert_int_equal(file_hold(&other, desk->path, &desk->error), ERROR_SYSTEM);
    file_close(held, desk->path, NULL);
    assert_int_equal(file_hold(&other, desk->path, &desk->error), ERROR_NONE);
    file_close(other, desk->path, NULL);
}

static void test_a_file_that_is_not_there_is_not_held(void **state)
{
    struct desk *desk = *state;
    int descriptor = 7;
    assert_int_equal(file_hold(&descriptor, desk->other, &desk->error), ERROR_NONE);
    assert_int_equal(descriptor, -1);
    assert_string_equal(desk->error.text, "");
    assert_int_equal(file_hold(&descriptor, desk->folder, &desk->error), ERROR_SYSTEM);
}

static void test_what_has_been_written_since_is_not_begun_anew(void **state)
{
    struct desk *desk = *state;
    char text[64];
    int descriptor;
    assert_int_equal(file_create_new(&descriptor, desk->path, &desk->error), ERROR_SYSTEM);
    assert_int_equal(descriptor, -1);
    assert_string_equal(contents(text, desk->path), "what is there");
    assert_int_equal(file_create_new(&descriptor, desk->other, &desk->error), ERROR_NONE);
    assert_true(file_is_at(descriptor, desk->other));
    assert_int_equal(unlink(desk->other), 0);
    assert_false(file_is_at(descriptor, desk->other));
    file_close(descriptor, desk->other, NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_file_that_has_the_name_is_locked),
        TEST(test_what_is_held_is_nobody_elses),
        TEST(test_a_file_that_is_not_there_is_not_held),
        TEST(test_what_has_been_written_since_is_not_begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
