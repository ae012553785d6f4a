/* What --resume keeps of a results file, and what it refuses: records of other inputs, programs, devices or runs. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/report/file/kept.h"
#include "harness/report/record/record_field.h"
#include "harness/report/record/tests/sample.h"
#include "harness/support/file.h"
#include "harness/support/tests/scratch.h"

enum { NUM_POINTS = 3 };

/* Points of the sample's run, which this part of it has; the file that is read. */
struct desk {
    struct sample sample;
    struct test_case cases[NUM_POINTS];
    struct point points[NUM_POINTS];
    size_t places[NUM_POINTS];
    struct kept_run run;
    struct kept kept;
    struct error error;
    char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE];
};

static int set_up(void **state)
{
    static const char *const keys[NUM_POINTS] = {"a:seq_len=1", "a:seq_len=2", "b:seq_len=1"};
    static const size_t places[NUM_POINTS] = {0, 2, 5};
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    if (!scratch_folder(desk->folder, "test_kept"))
        return -1;
    snprintf(desk->path, sizeof desk->path, "%s/r.jsonl", desk->folder);
    sample_init(&desk->sample);
    for (int i = 0; i < NUM_POINTS; i++) {
        desk->cases[i] = desk->sample.test_case;
        desk->cases[i].key = keys[i];
        desk->points[i] = desk->sample.point;
        desk->points[i].test_case = &desk->cases[i];
        desk->places[i] = places[i];
    }
    desk->run = (struct kept_run){
        .run = &sample_run, .points = desk->points, .places = desk->places, .count = NUM_POINTS, .device = "host"};
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    char command[SCRATCH_PATH_SIZE];
    kept_clear(&desk->kept);
    sample_clear(&desk->sample);
    snprintf(command, sizeof command, "rm -rf '%s'", desk->folder);
    int status = system(command);
    free(desk);
    return status;
}

static json_t *make_record(struct desk *desk, int i)
{
    struct record record = desk->sample.record;
    record.point = &desk->points[i];
    record.place = desk->places[i];
    json_t *object = record_to_json(&record);
    assert_non_null(object);
    return object;
}

/* Adds a line to the file, and ends with the object. */
static void put(const struct desk *desk, json_t *object)
{
    FILE *file = fopen(desk->path, "a");
    assert_non_null(file);
    assert_int_equal(json_dumpf(object, file, JSON_COMPACT), 0);
    fputc('\n', file);
    assert_int_equal(fclose(file), 0);
    json_decref(object);
}

static void put_text(const struct desk *desk, const char *text)
{
    FILE *file = fopen(desk->path, "a");
    fputs(text, file);
    fclose(file);
}

static enum error_kind read_kept(struct desk *desk)
{
    kept_clear(&desk->kept);
    return kept_read(&desk->kept, desk->path, &desk->run, &desk->error);
}

static void test_records_of_the_run_are_kept(void **state)
{
    struct desk *desk = *state;
    struct stat status;
    put(desk, make_record(desk, 2));
    json_t *failed = make_record(desk, 0);
    json_object_set_new(failed, "status", json_string("fail"));
    json_object_set_new(failed, "signature", json_string("\033[5m"));
    put(desk, failed);
    assert_int_equal(stat(desk->path, &status), 0);
    put_text(desk, "{\"schema\":1,\"case\":\"a");
    assert_int_equal(read_kept(desk), ERROR_NONE);
    assert_int_equal(desk->kept.count, 2);
    assert_int_equal(desk->kept.end, status.st_size);
    const struct kept_record *records = desk->kept.records;
    assert_int_equal(records[0].at, 2);
    assert_int_equal(records[0].place, 5);
    assert_int_equal(records[0].start, 0);
    assert_int_equal(records[1].at, 0);
    assert_int_equal(records[1].place, 0);
    assert_int_equal(records[1].start, records[0].size);
    assert_int_equal(records[1].start + (off_t)records[1].size, desk->kept.end);
    assert_int_equal(records[1].status, STATUS_FAIL);
    assert_non_null(strstr(records[1].headline, "fail, signature \\x1b[5m; computed before: its record is in /"));
    assert_true(records[0].elapsed_s > 1.8);
}

static const struct {
    const char *field, *member; /* of the field; NULL: it itself */
    const char *value;          /* JSON; NULL: it is left out */
    const char *message;
} refused[] = {
    {"run", "digest", "\"fedcba9876543211\"", "the record is of another run: a:seq_len=2; allowed: records of the"},
    {"run", "digest", "null", "of another run"},
    {"run", NULL, NULL, "of another run"},
    {"run", "index", "1", "the record is of another shard: a:seq_len=2; allowed: records of the same command"},
    {"run", "index", "-1", "of another shard"},
    {"run", "index", "2.0", "of another shard"},
    {"run", "index", "9223372036854775807", "of another shard"},
    {"run", "index", "5", "the record is of another case: a:seq_len=2; allowed: records of the same command"},
    {"key", NULL, "\"a:seq_len=1\"", "of another case"},
    {"point_digest", NULL, "\"123456789abcdef1\"", "of another case"},
    {"point_digest", NULL, NULL, "of another case"},
    {"device", NULL, "\"cuda\"", "the record is of another device: a:seq_len=2; allowed: host"},
    {"device", NULL, NULL, "of another device"},
    {"build", "commit", "\"0123456\"", "the record is of another build: a:seq_len=2; allowed: records of this program"},
    {"build", "more", "1", "of another build"},
    {"build", NULL, NULL, "of another build"},
    {"kernel_digest", NULL, "\"0123456789abcdef\"",
     "the record is of another file of the kernel: a:seq_len=2; allowed: records of the file that is run; --any-build"},
    {"status", NULL, "\"passed\"", "the record is of an unknown status: passed; allowed: those of this program"},
    {"status", NULL, "\"xfail\"", "the record is of a status that its case cannot come to: xfail; allowed: what its"},
    {"status", NULL, "\"xpass\"", "of a status that its case cannot come to"},
    {"status", NULL, "\"\\u001b[31mpass\"", "the record is of an unknown status: \\x1b[31mpass; allowed: those of"},
    {"key", NULL, "\"a\\nb\"", "the record is of another case: a\\nb; allowed:"},
    {"schema", NULL, "2", "schema: 2"},
};

static void test_records_of_anything_else_are_refused(void **state)
{
    struct desk *desk = *state;
    char place[SCRATCH_PATH_SIZE + 8];
    snprintf(place, sizeof place, "%s:2:", desk->path);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        unlink(desk->path);
        put(desk, make_record(desk, 0));
        json_t *record = make_record(desk, 1), *value = NULL;
        json_t *holder = refused[i].member ? json_object_get(record, refused[i].field) : record;
        const char *name = refused[i].member ? refused[i].member : refused[i].field;
        if (refused[i].value)
            assert_non_null(value = json_loads(refused[i].value, JSON_DECODE_ANY, NULL));
        assert_int_equal(value ? json_object_set_new(holder, name, value) : json_object_del(holder, name), 0);
        put(desk, record);
        assert_int_equal(read_kept(desk), ERROR_USAGE);
        if (!strstr(desk->error.text, refused[i].message) || !strstr(desk->error.text, place))
            fail_msg("%s %s: %s", name, refused[i].value, desk->error.text);
    }
}

static void test_a_pass_where_a_failure_is_expected_is_refused(void **state)
{
    struct desk *desk = *state;
    json_t *record = make_record(desk, 1);
    json_object_set_new(record, "status", json_string("pass"));
    put(desk, record);
    assert_int_equal(read_kept(desk), ERROR_NONE);
    desk->points[1].expect_fail = true;
    assert_int_equal(read_kept(desk), ERROR_USAGE);
    assert_non_null(strstr(desk->error.text, "of a status that its case cannot come to: pass"));
}

static void test_another_build_is_kept_for_who_asks(void **state)
{
    struct desk *desk = *state;
    json_t *record = make_record(desk, 1);
    json_object_set_new(json_object_get(record, "build"), "commit", json_string("0123456"));
    put(desk, record);
    desk->run.any_build = true;
    assert_int_equal(read_kept(desk), ERROR_NONE);
    assert_int_equal(desk->kept.count, 1);
}

/* Of a plug-in: records of the file that is run, and others for who asks, who is told how many. */
static void test_records_of_another_file_of_a_kernel_are_told(void **state)
{
    struct desk *desk = *state;
    desk->sample.record.kernel_digest = "0123456789abcdef";
    put(desk, make_record(desk, 0));
    desk->run.kernel_digest = "0123456789abcdef";
    assert_int_equal(read_kept(desk), ERROR_NONE);
    assert_int_equal(desk->kept.other_kernels, 0);
    desk->sample.record.kernel_digest = ""; /* as a record of before has it, too */
    put(desk, make_record(desk, 1));
    assert_int_equal(read_kept(desk), ERROR_USAGE);
    desk->run.any_build = true;
    assert_int_equal(read_kept(desk), ERROR_NONE);
    assert_int_equal(desk->kept.count, 2);
    assert_int_equal(desk->kept.other_kernels, 1);
}

static void test_two_records_of_a_point_are_refused(void **state)
{
    struct desk *desk = *state;
    put(desk, make_record(desk, 1));
    put(desk, make_record(desk, 0));
    put(desk, make_record(desk, 1));
    assert_int_equal(read_kept(desk), ERROR_USAGE);
    assert_non_null(strstr(desk->error.text, ":3: the record is one of two: a:seq_len=2; allowed: a record a point"));
}

static void test_a_file_that_is_not_there_keeps_nothing(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(read_kept(desk), ERROR_NONE);
    assert_int_equal(desk->kept.count, 0);
    assert_false(desk->kept.is_there);
    assert_string_equal(desk->kept.path, desk->path);
    assert_int_not_equal(access(desk->path, F_OK), 0);
}

/* Bytes that a disk has never got are zeros; a text is somebody's. */
static void test_what_no_run_leaves_is_refused(void **state)
{
    struct desk *desk = *state;
    put(desk, make_record(desk, 1));
    const off_t end = 1 << 20;
    assert_int_equal(truncate(desk->path, end), 0);
    assert_int_equal(read_kept(desk), ERROR_NONE);
    assert_int_equal(desk->kept.count, 1);
    assert_true(desk->kept.end < end);
    kept_clear(&desk->kept);
    unlink(desk->path);
    put(desk, make_record(desk, 1));
    put_text(desk, "notes");
    assert_int_equal(read_kept(desk), ERROR_USAGE);
    assert_non_null(strstr(desk->error.text, "ends in what is not the beginning of a record; allowed: a file that"));
    kept_clear(&desk->kept);
    unlink(desk->path);
    assert_int_equal(mkfifo(desk->path, 0600), 0);
    assert_int_equal(read_kept(desk), ERROR_USAGE);
    assert_non_null(strstr(desk->error.text, "is no file that could be gone on with"));
}

static bool is_locked(const char *path)
{
    int other = open(path, O_RDONLY);
    bool locked = flock(other, LOCK_EX | LOCK_NB) != 0;
    close(other);
    return locked;
}

/* From before the first byte is read to the end of the run: what was read is what is gone on with. */
static void test_the_file_is_held(void **state)
{
    struct desk *desk = *state;
    char expected[2 * SCRATCH_PATH_SIZE];
    put(desk, make_record(desk, 1));
    int other = open(desk->path, O_RDONLY);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(read_kept(desk), ERROR_SYSTEM);
    snprintf(expected, sizeof expected, "another run is writing %s", desk->path);
    assert_string_equal(desk->error.text, expected);
    close(other);
    assert_int_equal(read_kept(desk), ERROR_NONE);
    assert_true(is_locked(desk->path));
    kept_clear(&desk->kept);
    assert_false(is_locked(desk->path));
    desk->run.looks_only = true;
    assert_int_equal(read_kept(desk), ERROR_NONE);
    assert_int_equal(desk->kept.count, 1);
    assert_false(is_locked(desk->path));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_records_of_the_run_are_kept),
        TEST(test_records_of_anything_else_are_refused),
        TEST(test_a_pass_where_a_failure_is_expected_is_refused),
        TEST(test_another_build_is_kept_for_who_asks),
        TEST(test_records_of_another_file_of_a_kernel_are_told),
        TEST(test_two_records_of_a_point_are_refused),
        TEST(test_a_file_that_is_not_there_keeps_nothing),
        TEST(test_what_no_run_leaves_is_refused),
        TEST(test_the_file_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
