#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "harness/report/record/tests/sample.h"
#include "harness/report/sink/sink.h"
#include "harness/report/sink/tests/capture.h"
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

/* A point, a folder that goes away with the test, and what every sink is closed with. */
struct desk {
    struct sample sample;
    char folder[64];
    struct sink_plan plan;
    struct summary summary;
    struct error error;
};

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    strcpy(desk->folder, "/tmp/alibicheck-test-XXXXXX");
    if (!mkdtemp(desk->folder))
        return -1;
    sample_init(&desk->sample);
    desk->plan = (struct sink_plan){.points = &desk->sample.point, .num_points = 1};
    desk->summary = (struct summary){.points_total = 48,
                                     .points_done = 48,
                                     .elapsed_s = 12.345,
                                     .by_status = {[STATUS_PASS] = 46, [STATUS_FAIL] = 2},
                                     .device_name = "host (2 threads)"};
    *state = desk;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    sample_clear(&desk->sample);
    nftw(desk->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(desk);
    return 0;
}

static const char *in_folder(char *path, const struct desk *desk, const char *name)
{
    snprintf(path, 512, "%s/%s", desk->folder, name);
    return path;
}

/* The whole file, with a terminator after its *size bytes; NULL if it cannot be read. */
static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    enum { LIMIT = 1 << 16 };
    char *data = calloc(1, LIMIT + 1);
    assert_non_null(data);
    size_t count = fread(data, 1, LIMIT, file);
    if (size)
        *size = count;
    fclose(file);
    return data;
}

static int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int count = -2; /* . and .. */
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* ---- JSON Lines ------------------------------------------------------------------------------------------------- */

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

static void test_paths_that_cannot_be_written(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    char path[512], expected[600];
    for (int i = 0; i < SINK_COUNT; i++) {
        const struct sink_kind *kind = sink_kinds[i];
        if (kind->target != SINK_TO_FILE && kind->target != SINK_TO_FILE_OR_STDOUT)
            continue;
        assert_int_equal(sink_open(&sink, kind, desk->folder, &desk->plan, &desk->error), ERROR_SYSTEM);
        snprintf(expected, sizeof expected, "cannot write %s: Is a directory", desk->folder);
        assert_string_equal(desk->error.text, expected);
        assert_int_equal(sink_open(&sink, kind, in_folder(path, desk, "absent/file"), &desk->plan, &desk->error),
                         ERROR_SYSTEM);
        assert_non_null(strstr(desk->error.text, path));
        assert_non_null(strstr(desk->error.text, "No such file or directory"));
    }
    in_folder(path, desk, "file");
    fclose(fopen(path, "w"));
    assert_int_equal(sink_open(&sink, &sink_dump, path, &desk->plan, &desk->error), ERROR_SYSTEM);
    assert_non_null(strstr(desk->error.text, "Not a directory"));
    assert_int_equal(sink_open(&sink, &sink_dump, in_folder(path, desk, "file/below"), &desk->plan, &desk->error),
                     ERROR_SYSTEM);
    assert_int_equal(count_entries(desk->folder), 1);
}

/* What options, help and the checks of outputs rely on. */
static void test_kinds_are_described(void **state)
{
    (void)state;
    int on_stdout = 0, may_take_stdout = 0;
    for (int i = 0; i < SINK_COUNT; i++) {
        const struct sink_kind *kind = sink_kinds[i];
        assert_true(kind->open && kind->record && kind->close);
        assert_int_equal(kind->option == NULL, kind->target == SINK_TO_STDOUT);
        assert_int_equal(kind->option == NULL, kind->about == NULL);
        on_stdout += kind->target == SINK_TO_STDOUT;
        may_take_stdout += kind->target == SINK_TO_FILE_OR_STDOUT;
    }
    assert_int_equal(on_stdout, 1);
    assert_int_equal(may_take_stdout, 1);
}

/* ---- JUnit ------------------------------------------------------------------------------------------------------ */

static char *xpath(xmlDoc *document, const char *expression)
{
    xmlXPathContext *context = xmlXPathNewContext(document);
    xmlXPathObject *result = xmlXPathEval(BAD_CAST expression, context);
    assert_non_null(result);
    char *text = (char *)xmlXPathCastToString(result);
    xmlXPathFreeObject(result);
    xmlXPathFreeContext(context);
    return text;
}

static void assert_xpath(xmlDoc *document, const char *expression, const char *expected)
{
    char *text = xpath(document, expression);
    assert_string_equal(text, expected);
    xmlFree(text);
}

static void test_junit_suites_and_verdicts(void **state)
{
    struct desk *desk = *state;
    struct sample *sample = &desk->sample;
    char path[512];
    struct sink sink;
    assert_int_equal(sink_open(&sink, &sink_junit, in_folder(path, desk, "junit.xml"), &desk->plan, &desk->error), 0);
    assert_int_not_equal(access(path, F_OK), 0); /* not under its name before it is complete */
    assert_int_equal(sink.kind->record(&sink, &sample->record, &desk->error), 0);
    sample->record.outcome.status = STATUS_XFAIL;
    sample->test_case.because = "a known bug";
    assert_int_equal(sink.kind->record(&sink, &sample->record, &desk->error), 0);
    sample->record.outcome.status = STATUS_XPASS;
    assert_int_equal(sink.kind->record(&sink, &sample->record, &desk->error), 0);
    sample->record.outcome.status = STATUS_PASS;
    assert_int_equal(sink.kind->record(&sink, &sample->record, &desk->error), 0);
    struct test_case other = {.name = "other", .path = "o.yaml", .key = "other:seed=1"};
    sample->point.test_case = &other;
    sample_set_error(sample, "out of memory: the truth needs 3 GB");
    assert_int_equal(sink.kind->record(&sink, &sample->record, &desk->error), 0);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    assert_int_equal(count_entries(desk->folder), 1);

    xmlDoc *document = xmlReadFile(path, NULL, XML_PARSE_NONET);
    assert_non_null(document);
    assert_xpath(document, "count(/testsuites/testsuite)", "2");
    assert_xpath(document, "string(//testsuite[1]/@name)", "sample");
    assert_xpath(document, "string(//testsuite[1]/@tests)", "4");
    assert_xpath(document, "string(//testsuite[1]/@failures)", "2");
    assert_xpath(document, "string(//testsuite[1]/@errors)", "0");
    assert_xpath(document, "string(//testsuite[2]/@errors)", "1");
    assert_xpath(document, "string(//testsuite[1]/testcase[1]/@name)", "sample:kernel=split_kv,seq_len=3");
    assert_xpath(document, "string(//testsuite[1]/testcase[1]/@classname)", "sample");
    assert_xpath(document, "number(//testsuite[1]/testcase[1]/@time)", "1.875");
    assert_xpath(document, "number(//testsuite[1]/@time)", "7.5");
    static const char headline[] = "1 of 8 elements mismatched, max abs err 0.5, max ulp err 512, worst at head 1 dim 2"
                                   "";
    assert_xpath(document, "string(//testsuite[1]/testcase[1]/failure/@message)", headline);
    char *detail = xpath(document, "string(//testsuite[1]/testcase[1]/failure)");
    assert_non_null(strstr(detail, headline));
    assert_non_null(strstr(detail, "alibicheck run cases/sample.yaml --only 'sample:kernel=split_kv,seq_len=3'\n"));
    xmlFree(detail);
    assert_xpath(document, "count(//testsuite[1]/testcase[2]/failure)", "0");
    assert_xpath(document, "contains(//testsuite[1]/testcase[2]/system-out, 'because: a known bug')", "true");
    assert_xpath(document, "contains(//testsuite[1]/testcase[3]/failure, 'passed where a failure was')", "true");
    assert_xpath(document, "count(//testsuite[1]/testcase[4]/*)", "0");
    assert_xpath(document, "string(//testsuite[2]/testcase/error/@message)", "out of memory: the truth needs 3 GB");
    xmlFreeDoc(document);
}

/* GitLab shows skipped tests by themselves: a known failure is one there, and passes elsewhere. */
static void test_junit_for_gitlab(void **state)
{
    struct desk *desk = *state;
    const struct sink_plan plan = {.junit_gitlab = true};
    char path[512];
    struct sink sink;
    assert_int_equal(sink_open(&sink, &sink_junit, in_folder(path, desk, "junit.xml"), &plan, &desk->error), 0);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), 0);
    desk->sample.record.place++;
    desk->sample.record.outcome.status = STATUS_XFAIL;
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), 0);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    xmlDoc *document = xmlReadFile(path, NULL, XML_PARSE_NONET);
    assert_non_null(document);
    assert_xpath(document, "concat(/testsuites/@tests, /testsuites/@failures, /testsuites/@skipped)", "211");
    assert_xpath(document, "count(//testcase[1]/failure)", "1");
    assert_xpath(document, "contains(//testcase[2]/skipped, 'failed as expected')", "true");
    assert_xpath(document, "string(//properties/property[@name='device']/@value)", "host");
    xmlFreeDoc(document);
}

static void test_junit_is_xml_whatever_the_text(void **state)
{
    struct desk *desk = *state;
    char path[512];
    struct sink sink;
    desk->sample.test_case.name = "<&>\"' \x01\x1b \xff ]]> \xef\xbf\xbe \xc3\xa9";
    desk->sample.test_case.key = "k:\x02&<\xc0\x80";
    sample_set_error(&desk->sample, "]]> & <error> \x08 \xed\xa0\x80 end");
    assert_int_equal(sink_open(&sink, &sink_junit, in_folder(path, desk, "junit.xml"), &desk->plan, &desk->error), 0);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), 0);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    xmlDoc *document = xmlReadFile(path, NULL, XML_PARSE_NONET);
    assert_non_null(document);
#define BAD "\xef\xbf\xbd"
    assert_xpath(document, "string(//testsuite/@name)", "<&>\"' " BAD BAD " " BAD " ]]> " BAD " \xc3\xa9");
    assert_xpath(document, "string(//testcase/@name)", "k:" BAD "&<" BAD BAD);
    assert_xpath(document, "string(//error/@message)", "]]> & <error> " BAD " " BAD BAD BAD " end");
    xmlFreeDoc(document);
}

/* What there is of an interrupted run is a document all the same, and one that fails; a file that was there is
 * replaced. */
static void test_junit_of_an_interrupted_run_replaces_what_was_there(void **state)
{
    struct desk *desk = *state;
    char path[512];
    struct sink sink;
    in_folder(path, desk, "junit.xml");
    FILE *old = fopen(path, "w");
    fputs("old", old);
    fclose(old);
    desk->summary.cut_short = "interrupted";
    desk->summary.points_done = 1;
    assert_int_equal(sink_open(&sink, &sink_junit, path, &desk->plan, &desk->error), 0);
    char *text = read_file(path, NULL);
    assert_string_equal(text, "old");
    free(text);
    desk->sample.record.outcome.status = STATUS_PASS;
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), 0);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    xmlDoc *document = xmlReadFile(path, NULL, XML_PARSE_NONET);
    assert_non_null(document);
    assert_xpath(document, "count(/testsuites/testsuite)", "2");
    assert_xpath(document, "string(//testsuite[1]/@errors)", "0");
    assert_xpath(document, "string(//testsuite[2]/@name)", "alibicheck");
    assert_xpath(document, "string(//testsuite[2]/@errors)", "1");
    assert_xpath(document, "string(//testsuite[2]/testcase/error/@message)", "interrupted: 1 of 48 points done");
    xmlFreeDoc(document);
}

/* A file may grow to 64 bytes: the document does not fit, and nothing of it stays. */
static void test_junit_reports_a_failed_write(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    struct rlimit before, small;
    char path[512], expected[600];
    assert_int_equal(sink_open(&sink, &sink_junit, in_folder(path, desk, "junit.xml"), &desk->plan, &desk->error), 0);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), 0);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    enum error_kind kind = sink.kind->close(&sink, &desk->summary, &desk->error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(kind, ERROR_SYSTEM);
    snprintf(expected, sizeof expected, "cannot write %s: File too large", path);
    assert_string_equal(desk->error.text, expected);
    assert_int_equal(count_entries(desk->folder), 0);
}

/* What is no file is written to as it is: nothing is put beside it or renamed over it. */
static void test_junit_into_a_pipe(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    char path[512], text[4096] = "";
    assert_int_equal(mkfifo(in_folder(path, desk, "pipe"), 0600), 0);
    int reader = open(path, O_RDWR | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(sink_open(&sink, &sink_junit, path, &desk->plan, &desk->error), 0);
    assert_int_equal(count_entries(desk->folder), 1);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), 0);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    assert_true(read(reader, text, sizeof text - 1) > 0);
    close(reader);
    assert_non_null(strstr(text, "</testsuites>"));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
}

/* A link is followed: the file behind it is replaced, the link stays. */
static void test_junit_through_a_link(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    char path[512], target[512];
    fclose(fopen(in_folder(target, desk, "target.xml"), "w"));
    assert_int_equal(symlink("target.xml", in_folder(path, desk, "link.xml")), 0);
    assert_int_equal(sink_open(&sink, &sink_junit, path, &desk->plan, &desk->error), 0);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(stat(target, &status), 0);
    assert_true(status.st_size > 0);
}

/* ---- dump ------------------------------------------------------------------------------------------------------- */

#define SAMPLE_FOLDER "new/dump/sample@kernel=split_kv,seq_len=3"

/* Checks the header of a .npy file byte by byte against the format, and the data after it. */
static void assert_npy(const struct desk *desk, const char *name, const char *dictionary, const void *data, size_t size)
{
    char path[512], entry[128];
    snprintf(entry, sizeof entry, SAMPLE_FOLDER "/%s", name);
    size_t file_size;
    char *file = read_file(in_folder(path, desk, entry), &file_size);
    assert_non_null(file);
    assert_memory_equal(file, "\x93NUMPY\x01\x00", 8);
    size_t header_size = 10 + (unsigned char)file[8] + 256 * (size_t)(unsigned char)file[9];
    assert_int_equal(header_size % 64, 0);
    assert_int_equal(file[header_size - 1], '\n');
    assert_memory_equal(file + 10, dictionary, strlen(dictionary));
    for (size_t i = 10 + strlen(dictionary); i < header_size - 1; i++)
        assert_int_equal(file[i], ' ');
    assert_int_equal(file_size, header_size + size);
    assert_memory_equal(file + header_size, data, size);
    free(file);
}

static void dump(struct desk *desk)
{
    char path[512];
    struct sink sink;
    assert_int_equal(sink_open(&sink, &sink_dump, in_folder(path, desk, "new/dump"), &desk->plan, &desk->error), 0);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), 0);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
}

static json_t *read_point(const struct desk *desk)
{
    char path[512];
    json_t *json = json_load_file(in_folder(path, desk, SAMPLE_FOLDER "/point.json"), 0, NULL);
    assert_non_null(json);
    return json;
}

#define NPY(type, shape) "{'descr': '" type "', 'fortran_order': False, 'shape': (" shape "), }"

static void test_dump_reads_back(void **state)
{
    struct desk *desk = *state;
    const struct sample *sample = &desk->sample;
    dump(desk);
    assert_npy(desk, "q.npy", NPY("<f2", "2, 4,"), sample->q, sizeof sample->q);
    assert_npy(desk, "k.npy", NPY("<f2", "3, 1, 4,"), sample->k, sizeof sample->k);
    assert_npy(desk, "v.npy", NPY("<f2", "3, 1, 4,"), sample->v, sizeof sample->v);
    assert_npy(desk, "out.npy", NPY("<f2", "2, 4,"), sample->out, sizeof sample->out);
    assert_npy(desk, "lse.npy", NPY("<f4", "2,"), sample->lse, sizeof sample->lse);
    assert_npy(desk, "slopes.npy", NPY("<f4", "2,"), sample->slopes, sizeof sample->slopes);
    assert_npy(desk, "truth.npy", NPY("<f8", "2, 4,"), sample->value, sizeof sample->value);
    assert_npy(desk, "truth_tail.npy", NPY("<f8", "2, 4,"), sample->tail, sizeof sample->tail);
    assert_npy(desk, "truth_radius.npy", NPY("<f8", "2, 4,"), sample->radius, sizeof sample->radius);
    assert_npy(desk, "truth_lse.npy", NPY("<f8", "2,"), sample->truth_lse, sizeof sample->truth_lse);

    json_t *json = read_point(desk);
    assert_string_equal(json_string_value(json_object_get(json, "key")), "sample:kernel=split_kv,seq_len=3");
    assert_true(json_real_value(json_object_get(json, "scale")) == 0.1f);
    assert_int_equal(json_integer_value(json_object_get(json, "q_position")), 2);
    assert_true(json_is_null(json_object_get(json, "mask")));
    json_decref(json);
}

/* Its k and v are fp8, a byte an element; the rest stays in the problem's dtype. */
static void test_dump_of_an_fp8_cache_is_raw_bytes(void **state)
{
    struct desk *desk = *state;
    desk->sample.point.problem.kv_format = KV_E4M3;
    dump(desk);
    assert_npy(desk, "q.npy", NPY("<f2", "2, 4,"), desk->sample.q, sizeof desk->sample.q);
    assert_npy(desk, "k.npy", NPY("|u1", "3, 1, 4,"), desk->sample.k, 12);
    assert_npy(desk, "v.npy", NPY("|u1", "3, 1, 4,"), desk->sample.v, 12);
    assert_npy(desk, "out.npy", NPY("<f2", "2, 4,"), desk->sample.out, sizeof desk->sample.out);
}

static void test_dump_of_bf16_is_raw_words(void **state)
{
    struct desk *desk = *state;
    desk->sample.problem.dtype = desk->sample.point.problem.dtype = DTYPE_BF16;
    dump(desk);
    assert_npy(desk, "q.npy", NPY("<u2", "2, 4,"), desk->sample.q, sizeof desk->sample.q);
}

static void test_dump_names_the_removed_keys(void **state)
{
    struct desk *desk = *state;
    desk->sample.problem.visible = desk->sample.visible;
    desk->sample.point.problem.mask = (struct mask_spec){.kind = MASK_HOLES, .holes = 0.5};
    dump(desk);
    json_t *json = read_point(desk);
    char *text = json_dumps(json_object_get(json, "mask"), JSON_COMPACT);
    assert_string_equal(text, "[[1,2]]");
    free(text);
    json_decref(json);

    memcpy(desk->sample.visible, (uint8_t[]){0, 1, 0}, 3);
    dump(desk);
    json = read_point(desk);
    text = json_dumps(json_object_get(json, "mask"), JSON_COMPACT);
    assert_string_equal(text, "[[0,1],[2,3]]");
    free(text);
    json_decref(json);
}

/* The second dump of a point leaves nothing of the first. */
static void test_dump_overwrites(void **state)
{
    struct desk *desk = *state;
    dump(desk);
    desk->sample.out[0] = 0x4000;
    dump(desk);
    assert_npy(desk, "out.npy", NPY("<f2", "2, 4,"), desk->sample.out, sizeof desk->sample.out);
    sample_set_error(&desk->sample, "the kernel diverged");
    dump(desk);
    char path[512];
    assert_int_equal(count_entries(in_folder(path, desk, SAMPLE_FOLDER)), 1); /* point.json */
    json_t *json = read_point(desk);
    assert_string_equal(json_string_value(json_object_get(json, "status")), "error");
    json_decref(json);
}

static void test_dump_reports_what_cannot_be_written(void **state)
{
    struct desk *desk = *state;
    char path[512];
    struct sink sink;
    dump(desk);
    in_folder(path, desk, SAMPLE_FOLDER "/lse.npy");
    remove(path);
    assert_int_equal(symlink("/dev/full", path), 0);
    char folder[512];
    assert_int_equal(sink_open(&sink, &sink_dump, in_folder(folder, desk, "new/dump"), &desk->plan, &desk->error), 0);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), ERROR_SYSTEM);
    char expected[600];
    snprintf(expected, sizeof expected, "cannot write %s: No space left on device", path);
    assert_string_equal(desk->error.text, expected);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_jsonl_holds_each_record_as_it_ends),
        TEST(test_jsonl_is_in_the_order_of_points_in_the_end),
        TEST(test_jsonl_goes_on_behind_what_is_kept),
        TEST(test_jsonl_has_records_alone_in_the_end),
        TEST(test_jsonl_keeps_what_another_run_has_just_written),
        TEST(test_jsonl_tells_that_its_file_is_gone),
        TEST(test_jsonl_of_a_pipe_is_in_the_order_of_ends),
        TEST(test_jsonl_reports_a_full_disk),
        TEST(test_jsonl_reports_a_disk_that_fails_later),
        TEST(test_jsonl_on_stdout),
        TEST(test_paths_that_cannot_be_written),
        cmocka_unit_test(test_kinds_are_described),
        TEST(test_junit_suites_and_verdicts),
        TEST(test_junit_for_gitlab),
        TEST(test_junit_is_xml_whatever_the_text),
        TEST(test_junit_of_an_interrupted_run_replaces_what_was_there),
        TEST(test_junit_reports_a_failed_write),
        TEST(test_junit_into_a_pipe),
        TEST(test_junit_through_a_link),
        TEST(test_dump_reads_back),
        TEST(test_dump_of_bf16_is_raw_words),
        TEST(test_dump_of_an_fp8_cache_is_raw_bytes),
        TEST(test_dump_names_the_removed_keys),
        TEST(test_dump_overwrites),
        TEST(test_dump_reports_what_cannot_be_written),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    xmlCleanupParser();
    return failed != 0;
}
