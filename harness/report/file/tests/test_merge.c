/* Results files put together: what is one run, what is missing, said twice or in two ways. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/report/file/merge.h"
#include "harness/report/record/record.h"
#include "harness/support/file.h"
#include "harness/support/tests/scratch.h"

enum { NUM_POINTS = 4, TEXT_SIZE = 512 };

static const char *const keys[NUM_POINTS] = {"a:seq_len=1", "a:seq_len=2", "b:seq_len=1", "b:seq_len=2"};

struct desk {
    char folder[SCRATCH_SIZE], paths[2][SCRATCH_PATH_SIZE], results[SCRATCH_PATH_SIZE];
    struct run_points run; /* of the keys, with their places for digests */
    struct merge_result result;
    struct error error;
    char notes[4096];
};

/* A file that is changed as soon as it is opened a second time. */
static const char *changes;

int open(const char *path, int flags, ...)
{
    if (changes && strcmp(path, changes) == 0 && !(flags & O_NONBLOCK)) { /* to be copied: records were read before */
        FILE *file = fopen(path, "r+");
        fseek(file, 30, SEEK_SET);
        fputc('~', file);
        fclose(file);
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    if (!scratch_folder(desk->folder, "test_merge"))
        return -1;
    snprintf(desk->paths[0], sizeof desk->paths[0], "%s/a", desk->folder);
    snprintf(desk->paths[1], sizeof desk->paths[1], "%s/b", desk->folder);
    snprintf(desk->results, sizeof desk->results, "%s/all", desk->folder);
    for (size_t i = 0; i < NUM_POINTS; i++)
        run_points_add(&desk->run, keys[i], i);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    char command[SCRATCH_PATH_SIZE];
    changes = NULL;
    snprintf(command, sizeof command, "rm -rf '%s'", desk->folder);
    int status = system(command);
    free(desk);
    return status;
}

/* The record of a point, a line. */
static const char *line_of(char *text, const struct desk *desk, size_t index)
{
    snprintf(text, TEXT_SIZE,
             "{\"schema\":1,\"key\":\"%s\",\"status\":\"pass\",\"device\":\"host\",\"mismatched\":0,\"build\":{},"
             "\"seconds\":{\"kernel\":%zu},\"point_digest\":\"%016zx\","
             "\"run\":{\"index\":%zu,\"of\":%d,\"digest\":\"%016" PRIx64 "\"}}\n",
             keys[index], index, index, index, NUM_POINTS, desk->run.digest);
    return text;
}

static void put_text(const struct desk *desk, int file, const char *text)
{
    FILE *stream = fopen(desk->paths[file], "a");
    assert_non_null(stream);
    fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
}

/* Adds the records of the points to a file. */
static void put(const struct desk *desk, int file, const size_t *points, size_t count)
{
    char text[TEXT_SIZE];
    for (size_t i = 0; i < count; i++)
        put_text(desk, file, line_of(text, desk, points[i]));
}

/* The same, of which one text is another. */
static void put_changed(const struct desk *desk, int file, size_t point, const char *from, const char *to)
{
    char text[TEXT_SIZE], changed[TEXT_SIZE + 64];
    const char *at = strstr(line_of(text, desk, point), from);
    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    put_text(desk, file, changed);
}

static enum error_kind merge(struct desk *desk, int num_files, bool any_build)
{
    const char *const paths[] = {desk->paths[0], desk->paths[1]};
    const struct merge_options options = {paths, (size_t)num_files, desk->results, any_build};
    FILE *notes = fmemopen(desk->notes, sizeof desk->notes, "w");
    unlink(desk->results);
    enum error_kind kind = merge_results(&desk->result, &options, notes, &desk->error);
    fclose(notes);
    return kind;
}

/* The places of the records that were written, "0 1 3 "; "none" without a file. */
static const char *read_places(char *places, const struct desk *desk)
{
    char line[TEXT_SIZE];
    FILE *file = fopen(desk->results, "r");
    strcpy(places, file ? "" : "none");
    while (file && fgets(line, sizeof line, file)) {
        const char *at = strstr(line, "\"index\":");
        assert_int_equal(line[strlen(line) - 1], '\n');
        sprintf(places + strlen(places), "%d ", atoi(at + 8));
    }
    if (file)
        fclose(file);
    return places;
}

static void test_shards_become_the_whole(void **state)
{
    struct desk *desk = *state;
    char places[64];
    put(desk, 0, (const size_t[]){3, 0}, 2);
    put(desk, 1, (const size_t[]){1, 0, 2}, 3);
    assert_int_equal(merge(desk, 2, false), ERROR_NONE);
    assert_string_equal(read_places(places, desk), "0 1 2 3 ");
    assert_int_equal(desk->result.num_records, 4);
    assert_int_equal(desk->result.num_points, 4);
    assert_int_equal(desk->result.num_duplicates, 1);
    assert_int_equal(desk->result.num_unexpected, 0);
    assert_string_equal(desk->notes, "");
}

static void test_what_is_missing_is_told(void **state)
{
    struct desk *desk = *state;
    char places[64];
    put(desk, 0, (const size_t[]){2}, 1);
    put_text(desk, 0, "{\"schema\":1,\"key\":\"b:seq_len=2\",\"sta");
    assert_int_equal(merge(desk, 1, false), ERROR_NONE);
    assert_string_equal(read_places(places, desk), "2 ");
    assert_int_equal(desk->result.num_records, 1);
    assert_int_equal(desk->result.num_torn, 1);
    assert_non_null(strstr(desk->notes, "ends in the beginning of a record, which is left out\n"));
    assert_non_null(strstr(desk->notes, "3 of 4 points are missing, counted from 0: 0-1, 3; the command of the run"));
}

/* Seconds, builds and names of devices are no contradiction; whatever else is said of a point is. */
static void test_contradictions_are_told_and_nothing_is_written(void **state)
{
    static const char *const changes_of[][2] = {
        {"\"mismatched\":0", "\"mismatched\":1"},
        {"\"status\":\"pass\"", "\"status\":\"fail\""},
        {"\"key\":\"a:seq_len=2\"", "\"key\":\"a:seq_len=3\""},
        {"\"mismatched\":0", "\"mismatched\":0,\"more\":null"},
    };
    struct desk *desk = *state;
    char places[64];
    for (size_t i = 0; i < sizeof changes_of / sizeof changes_of[0]; i++) {
        unlink(desk->paths[0]);
        unlink(desk->paths[1]);
        put(desk, 0, (const size_t[]){0, 1, 2, 3}, 4);
        put_changed(desk, 1, 1, changes_of[i][0], changes_of[i][1]);
        assert_int_equal(merge(desk, 2, false), ERROR_NONE);
        assert_string_equal(read_places(places, desk), "none");
        assert_int_equal(desk->result.num_contradictions, 1);
        assert_non_null(strstr(desk->notes, "point 1: "));
    }
    unlink(desk->paths[1]);
    put_changed(desk, 1, 1, "\"kernel\":1", "\"kernel\":2");
    put_changed(desk, 1, 2, "\"build\":{}", "\"build\":{\"commit\":\"x\"},\"device_name\":\"y\"");
    put_changed(desk, 1, 3, "\"build\":{}", "\"build\":{},\"kernel_digest\":\"0123456789abcdef\"");
    assert_int_equal(merge(desk, 2, true), ERROR_NONE);
    assert_int_equal(desk->result.num_contradictions, 0);
    assert_int_equal(desk->result.num_duplicates, 3);
}

static const struct {
    const char *from, *to, *message;
} refused[] = {
    {"\"of\":4", "\"of\":5", ":1: the record is of another run than the first one: b:seq_len=2; allowed: the shards"},
    {"\"digest\":\"", "\"digest\":\"0", ":1: the record is of another run than the first one"},
    {"\"build\":{}", "\"build\":{\"commit\":\"x\"}", ":1: the record is of another build than the first one"},
    {"\"build\":{},", "", ":1: the record is of another build than the first one"},
    {"\"b:seq_len=2\",\"status\":\"pass\",\"device\":\"host\"",
     "\"\\u001b[1m\",\"status\":\"pass\",\"device\":\"cuda\"",
     ":1: the record is of another device than the first one: \\x1b[1m; allowed:"},
    {"\"build\":{}", "\"build\":{},\"kernel_digest\":\"0123456789abcdef\"",
     ":1: the record is of another file of the kernel than the first one: b:seq_len=2; allowed: one, by its "
     "kernel_digest"},
    {"\"host\"", "\"cuda\"", ":1: the record is of another device than the first one"},
    {"\"index\":3", "\"index\":4", ":1: the record is of no known run"},
    {"\"index\":3", "\"index\":-1", ":1: the record is of no known run"},
    {"\"index\":3", "\"index\":3.0", ":1: the record is of no known run"},
    {"\"run\":", "\"ran\":", ":1: the record is of no known run"},
    {"\"device\":\"host\"", "\"device\":null", ":1: the record is of no known run"},
    {"\"point_digest\":\"0", "\"point_digest\":\"", ":1: the record is of no known point"},
    {"\"point_digest\":\"0", "\"point_digest\":\"x", ":1: the record is of no known point"},
    {"\"point_digest\":", "\"a\":", ":1: the record is of no known point"},
    /* Points that the run does not have: all are there, and are not what the run is. */
    {"\"key\":\"b", "\"key\":\"c", "the records of all 4 points are not the run that they say they are of; allowed:"},
    {"\"point_digest\":\"0", "\"point_digest\":\"1", "the records of all 4 points are not the run"},
};

static void test_records_of_other_runs_are_refused(void **state)
{
    struct desk *desk = *state;
    char places[64];
    put(desk, 0, (const size_t[]){0, 1, 2}, 3);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        unlink(desk->paths[1]);
        put_changed(desk, 1, 3, refused[i].from, refused[i].to);
        assert_int_equal(merge(desk, 2, false), ERROR_USAGE);
        if (!strstr(desk->error.text, refused[i].message))
            fail_msg("%s: %s", refused[i].to, desk->error.text);
        assert_string_equal(read_places(places, desk), "none");
    }
}

/* Shards of one file of a plug-in are one run's, and a record that says none is of another. */
static void test_shards_are_of_one_file_of_a_kernel(void **state)
{
    static const char *const files[] = {"\"0123456789abcdef\"", "\"0123456789abcdef\"", "\"fedcba9876543210\"", "null"};
    struct desk *desk = *state;
    char text[64];
    for (size_t i = 0; i < 3; i++) {
        unlink(desk->paths[0]);
        unlink(desk->paths[1]);
        snprintf(text, sizeof text, "\"build\":{},\"kernel_digest\":%s", files[0]);
        put_changed(desk, 0, 0, "\"build\":{}", text);
        snprintf(text, sizeof text, "\"build\":{},\"kernel_digest\":%s", files[i + 1]);
        put_changed(desk, 1, 1, "\"build\":{}", text);
        assert_int_equal(merge(desk, 2, false), i == 0 ? ERROR_NONE : ERROR_USAGE);
        assert_int_equal(merge(desk, 2, true), ERROR_NONE);
        assert_int_equal(desk->result.num_records, 2);
    }
}

/* Two points that changed places are each a record of the run, and together not the run. */
static void test_points_that_changed_places_are_refused(void **state)
{
    struct desk *desk = *state;
    put(desk, 0, (const size_t[]){0, 3}, 2);
    put_changed(desk, 0, 1, "\"index\":1", "\"index\":2");
    put_changed(desk, 0, 2, "\"index\":2", "\"index\":1");
    assert_int_equal(merge(desk, 1, false), ERROR_USAGE);
    assert_non_null(strstr(desk->error.text, "are not the run that they say they are of"));
}

static void test_what_did_not_end_as_expected_is_counted(void **state)
{
    struct desk *desk = *state;
    put(desk, 0, (const size_t[]){0}, 1);
    put_changed(desk, 0, 1, "\"pass\"", "\"xfail\"");
    put_changed(desk, 0, 2, "\"pass\"", "\"fail\"");
    put_changed(desk, 0, 3, "\"pass\"", "\"unheard-of\"");
    assert_int_equal(merge(desk, 1, false), ERROR_NONE);
    assert_int_equal(desk->result.num_records, 4);
    assert_int_equal(desk->result.num_unexpected, 2);
}

/* Where records stand is known from reading; a run that writes meanwhile has moved them. */
static void test_a_file_that_changes_is_not_copied_from(void **state)
{
    struct desk *desk = *state;
    char places[64], expected[2 * SCRATCH_PATH_SIZE];
    put(desk, 0, (const size_t[]){0, 1}, 2);
    put(desk, 1, (const size_t[]){2, 3}, 2);
    changes = desk->paths[1];
    assert_int_equal(merge(desk, 2, false), ERROR_SYSTEM);
    snprintf(expected, sizeof expected, "%s changes while it is read: a run is writing it", desk->paths[1]);
    assert_string_equal(desk->error.text, expected);
    assert_string_equal(read_places(places, desk), "none");
}

static void test_a_file_that_a_run_writes_is_not_replaced(void **state)
{
    struct desk *desk = *state;
    const char *const paths[] = {desk->paths[0]};
    const struct merge_options options = {paths, 1, desk->paths[1], false};
    char expected[2 * SCRATCH_PATH_SIZE];
    int held;
    put(desk, 0, (const size_t[]){0, 1, 2, 3}, 4);
    put(desk, 1, (const size_t[]){0}, 1);
    assert_int_equal(file_hold(&held, desk->paths[1], &desk->error), ERROR_NONE);
    assert_int_equal(merge_results(&desk->result, &options, stderr, &desk->error), ERROR_SYSTEM);
    snprintf(expected, sizeof expected, "another run is writing %s", desk->paths[1]);
    assert_string_equal(desk->error.text, expected);
    assert_true(file_is_at(held, desk->paths[1]));
    file_close(held, desk->paths[1], NULL);
    assert_int_equal(merge_results(&desk->result, &options, stderr, &desk->error), ERROR_NONE);
}

static void test_files_without_records_are_no_run(void **state)
{
    struct desk *desk = *state;
    put_text(desk, 0, "\n");
    put_text(desk, 1, "{\"schema\":1");
    assert_int_equal(merge(desk, 2, false), ERROR_USAGE);
    assert_non_null(strstr(desk->error.text, "no records to merge; allowed: results files"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shards_become_the_whole),
        TEST(test_what_is_missing_is_told),
        TEST(test_contradictions_are_told_and_nothing_is_written),
        TEST(test_records_of_other_runs_are_refused),
        TEST(test_shards_are_of_one_file_of_a_kernel),
        TEST(test_points_that_changed_places_are_refused),
        TEST(test_what_did_not_end_as_expected_is_counted),
        TEST(test_a_file_that_changes_is_not_copied_from),
        TEST(test_a_file_that_a_run_writes_is_not_replaced),
        TEST(test_files_without_records_are_no_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
