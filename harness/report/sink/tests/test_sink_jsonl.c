/* Records as JSON Lines: each as it ends, in the order of points in the end, and told of where they are lost. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "harness/report/sink/tests/capture.h"
#include "harness/report/sink/tests/desk.h"
#include "harness/support/file.h"

/* A disk that has lost what was written to it. */
static bool disk_fails;

int fdatasync(int descriptor)
{
    if (!disk_fails)
        return (int)syscall(SYS_fdatasync, descriptor);
    errno = EIO;
    return -1;
}

static void test_jsonl_holds_each_record_as_it_ends(void **state)
{
    struct desk *desk = *state;
    char path[512];
    in_folder(path, desk, "results.jsonl");
    FILE *old = fopen(path, "w");
    fputs("what was there before\n", old);
    fclose(old);

    struct sink sink;
    assert_int_equal(sink_open(&sink, &sink_jsonl, path, &desk->plan, &desk->error), 0);
    size_t size;
    free(read_file(path, &size));
    assert_int_equal(size, 0);
    for (int count = 1; count <= 3; count++) {
        assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), 0);
        char *text = read_file(path, &size); /* the sink is still open */
        int lines = 0;
        for (char *line = text, *next; *line; line = next + 1, lines++) {
            next = strchr(line, '\n');
            assert_non_null(next);
            json_t *json = json_loadb(line, (size_t)(next - line), 0, NULL);
            assert_string_equal(json_string_value(json_object_get(json, "case")), "sample");
            json_decref(json);
        }
        assert_int_equal(lines, count);
        free(text);
    }
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
}

/* The places of the records of a file, "2 0 5 ". */
static char *read_places(char *places, const char *path)
{
    size_t size;
    char *text = read_file(path, &size);
    places[0] = '\0';
    for (char *line = text, *next; *line; line = next + 1) {
        next = strchr(line, '\n');
        json_t *json = json_loadb(line, (size_t)(next - line), 0, NULL);
        sprintf(places + strlen(places), "%d ",
                (int)json_integer_value(json_object_get(json_object_get(json, "run"), "index")));
        json_decref(json);
    }
    free(text);
    return places;
}

static void write_places(struct sink *sink, struct desk *desk, const size_t *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        desk->sample.record.place = places[i];
        assert_int_equal(sink->kind->record(sink, &desk->sample.record, &desk->error), 0);
    }
}

static void test_jsonl_is_in_the_order_of_points_in_the_end(void **state)
{
    struct desk *desk = *state;
    char path[512], places[64];
    struct sink sink;
    in_folder(path, desk, "results.jsonl");
    assert_int_equal(sink_open(&sink, &sink_jsonl, path, NULL, &desk->error), 0);
    write_places(&sink, desk, (const size_t[]){2, 0, 5, 1}, 4);
    assert_string_equal(read_places(places, path), "2 0 5 1 ");
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    assert_string_equal(read_places(places, path), "0 1 2 5 ");
}

/* What kept records say of a file is all that is looked at: where they are, and where the last one ends. */
static void test_jsonl_goes_on_behind_what_is_kept(void **state)
{
    struct desk *desk = *state;
    char path[512], places[64];
    struct sink sink;
    size_t size;
    in_folder(path, desk, "results.jsonl");
    assert_int_equal(sink_open(&sink, &sink_jsonl, path, NULL, &desk->error), 0);
    write_places(&sink, desk, (const size_t[]){4}, 1);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    free(read_file(path, &size));
    FILE *file = fopen(path, "a");
    fputs("{\"schema\": 1, \"ke", file);
    fclose(file);

    struct kept_record record = {.place = 4, .start = 0, .size = size};
    struct kept kept = {.path = path, .records = &record, .count = 1, .end = (off_t)size, .is_there = true};
    assert_int_equal(file_hold(&kept.descriptor, path, &desk->error), 0);
    const struct sink_plan plan = {.kept = &kept};
    assert_int_equal(sink_open(&sink, &sink_jsonl, path, &plan, &desk->error), 0);
    assert_string_equal(read_places(places, path), "4 ");
    write_places(&sink, desk, (const size_t[]){6, 1}, 2);
    assert_string_equal(read_places(places, path), "4 6 1 ");
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    assert_string_equal(read_places(places, path), "1 4 6 ");
    close(kept.descriptor);
}

/* Blank lines, and what a record was separated by, are not in the file that an undisturbed run leaves. */
static void test_jsonl_has_records_alone_in_the_end(void **state)
{
    struct desk *desk = *state;
    char path[512], *whole, *text;
    struct sink sink;
    size_t size, whole_size;
    in_folder(path, desk, "results.jsonl");
    assert_int_equal(sink_open(&sink, &sink_jsonl, path, NULL, &desk->error), 0);
    write_places(&sink, desk, (const size_t[]){4}, 1);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    whole = read_file(path, &whole_size);
    for (int blank_first = 0; blank_first < 2; blank_first++) {
        FILE *file = fopen(path, "w");
        fprintf(file, "%s%s%s", blank_first ? "\n" : "", whole, blank_first ? "" : "\n");
        fclose(file);
        struct kept_record record = {.place = 4, .start = blank_first, .size = whole_size};
        struct kept kept = {
            .path = path, .records = &record, .count = 1, .end = (off_t)whole_size + 1, .is_there = true};
        const struct sink_plan plan = {.kept = &kept};
        assert_int_equal(file_hold(&kept.descriptor, path, &desk->error), 0);
        assert_int_equal(sink_open(&sink, &sink_jsonl, path, &plan, &desk->error), 0);
        assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
        close(kept.descriptor);
        text = read_file(path, &size);
        assert_string_equal(text, whole);
        free(text);
    }
    free(whole);
}

/* Of a run that goes on but found nothing to go on with: another one may have come first. */
static void test_jsonl_keeps_what_another_run_has_just_written(void **state)
{
    struct desk *desk = *state;
    char path[512], expected[600];
    struct sink sink;
    const struct kept kept = {.path = in_folder(path, desk, "results.jsonl")};
    const struct sink_plan plan = {.kept = &kept};
    FILE *file = fopen(path, "w");
    fputs("records", file);
    fclose(file);
    assert_int_equal(sink_open(&sink, &sink_jsonl, path, &plan, &desk->error), ERROR_SYSTEM);
    snprintf(expected, sizeof expected, "another run has just written %s", path);
    assert_string_equal(desk->error.text, expected);
    char *text = read_file(path, NULL);
    assert_string_equal(text, "records");
    free(text);
}

/* Records that went to a file without a name are lost. */
static void test_jsonl_tells_that_its_file_is_gone(void **state)
{
    struct desk *desk = *state;
    char path[512], other[512];
    struct sink sink;
    in_folder(path, desk, "results.jsonl");
    in_folder(other, desk, "other");
    for (int replaced = 0; replaced < 2; replaced++) {
        assert_int_equal(sink_open(&sink, &sink_jsonl, path, &desk->plan, &desk->error), 0);
        write_places(&sink, desk, (const size_t[]){1, 0}, 2);
        fclose(fopen(other, "w"));
        assert_int_equal(replaced ? rename(other, path) : unlink(path), 0);
        assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), ERROR_SYSTEM);
        assert_non_null(strstr(desk->error.text, "was removed, or another file put in its place"));
    }
}

/* What cannot be put in order has its records all the same. */
static void test_jsonl_of_a_pipe_is_in_the_order_of_ends(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    int ends[2];
    char path[64], text[8];
    assert_int_equal(pipe(ends), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 1 << 18) >= 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
    const char *const paths[] = {path, "/dev/null"};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sink_open(&sink, &sink_jsonl, paths[i], &desk->plan, &desk->error), 0);
        write_places(&sink, desk, (const size_t[]){1, 0}, 2);
        assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    }
    assert_int_equal(read(ends[0], text, sizeof text), sizeof text);
    assert_memory_equal(text, "{\"schema", sizeof text);
    close(ends[0]);
    close(ends[1]);
}

static void test_jsonl_reports_a_full_disk(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    assert_int_equal(sink_open(&sink, &sink_jsonl, "/dev/full", &desk->plan, &desk->error), 0);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), ERROR_SYSTEM);
    assert_string_equal(desk->error.text, "cannot write /dev/full: No space left on device");
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
}

/* It says so only once, and to who waits for it. */
static void test_jsonl_reports_a_disk_that_fails_later(void **state)
{
    struct desk *desk = *state;
    char path[512], expected[600];
    struct sink sink;
    in_folder(path, desk, "results.jsonl");
    snprintf(expected, sizeof expected, "cannot write %s: Input/output error", path);
    disk_fails = true;
    assert_int_equal(sink_open(&sink, &sink_jsonl, path, &desk->plan, &desk->error), 0);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), ERROR_SYSTEM);
    assert_string_equal(desk->error.text, expected);
    desk->error.text[0] = '\0';
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), ERROR_SYSTEM);
    assert_string_equal(desk->error.text, expected);
    disk_fails = false;
}

/* "-" is stdout, which stays open. */
static void test_jsonl_on_stdout(void **state)
{
    struct desk *desk = *state;
    struct capture capture;
    struct sink sink;
    capture_begin(&capture);
    int kinds = sink_open(&sink, &sink_jsonl, "-", &desk->plan, &desk->error);
    kinds += sink.kind->record(&sink, &desk->sample.record, &desk->error);
    kinds += sink.kind->close(&sink, &desk->summary, &desk->error);
    bool open = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    char *text = capture_end(&capture);
    assert_int_equal(kinds, 0);
    assert_true(open);
    assert_memory_equal(text, "{\"schema\":1,\"case\":\"sample\",", 28);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_DESK(test_jsonl_holds_each_record_as_it_ends),
        AT_DESK(test_jsonl_is_in_the_order_of_points_in_the_end),
        AT_DESK(test_jsonl_goes_on_behind_what_is_kept),
        AT_DESK(test_jsonl_has_records_alone_in_the_end),
        AT_DESK(test_jsonl_keeps_what_another_run_has_just_written),
        AT_DESK(test_jsonl_tells_that_its_file_is_gone),
        AT_DESK(test_jsonl_of_a_pipe_is_in_the_order_of_ends),
        AT_DESK(test_jsonl_reports_a_full_disk),
        AT_DESK(test_jsonl_reports_a_disk_that_fails_later),
        AT_DESK(test_jsonl_on_stdout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
