/* The JUnit file: suites and verdicts, XML whatever the text, and whole or not there. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "harness/report/sink/tests/desk.h"
#include "harness/support/file.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_DESK(test_junit_suites_and_verdicts),      AT_DESK(test_junit_for_gitlab),
        AT_DESK(test_junit_is_xml_whatever_the_text), AT_DESK(test_junit_of_an_interrupted_run_replaces_what_was_there),
        AT_DESK(test_junit_reports_a_failed_write),   AT_DESK(test_junit_into_a_pipe),
        AT_DESK(test_junit_through_a_link),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    xmlCleanupParser();
    return failed != 0;
}
