#include "harness/report/sink.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xmlwriter.h>

#include "harness/report/metric.h"
#include "harness/support/replacement.h"
#include "harness/support/text.h"

/* One point, kept until all are there: points may end in another order than they stand in, and a suite's counts stand
 * before its test cases. */
struct test {
    size_t place;                      /* in the run */
    const struct test_case *test_case; /* NULL: the run itself */
    char *name;
    char *headline; /* what it came to, NULL for a plain pass */
    char *detail;   /* the headline and how to run it alone, or NULL */
    enum status status;
    double elapsed_s;
};

struct junit {
    struct replacement file; /* appears at close */
    xmlTextWriter *writer;
    struct error error; /* the first failed write */
    struct test *tests;
    size_t num_tests, capacity;
};

/* ---- the document; xmlTextWriter's results are all -1 for want of memory --------------------------------------- */

static int write_bytes(void *context, const char *data, int size)
{
    struct junit *junit = context;
    if (!junit->error.kind)
        file_write(junit->file.descriptor, junit->file.target, data, (size_t)size, &junit->error);
    return size; /* libxml2 would report a failure on stderr by itself */
}

static bool start(xmlTextWriter *writer, const char *name)
{
    return xmlTextWriterStartElement(writer, BAD_CAST name) >= 0;
}

static bool end(xmlTextWriter *writer)
{
    return xmlTextWriterEndElement(writer) >= 0;
}

static bool attribute(xmlTextWriter *writer, const char *name, const char *value)
{
    char *clean = text_clean(value);
    bool done = clean && xmlTextWriterWriteAttribute(writer, BAD_CAST name, BAD_CAST clean) >= 0;
    free(clean);
    return done;
}

static bool attribute_count(xmlTextWriter *writer, const char *name, size_t count)
{
    return xmlTextWriterWriteFormatAttribute(writer, BAD_CAST name, "%zu", count) >= 0;
}

static bool attribute_seconds(xmlTextWriter *writer, const char *name, double seconds)
{
    return xmlTextWriterWriteFormatAttribute(writer, BAD_CAST name, "%.6f", seconds) >= 0;
}

static bool content(xmlTextWriter *writer, const char *text)
{
    char *clean = text_clean(text);
    bool done = clean && xmlTextWriterWriteString(writer, BAD_CAST clean) >= 0;
    free(clean);
    return done;
}

/* The element that a status adds to its test case. */
static const struct {
    const char *element, *type;
} status_elements[STATUS_COUNT] = {
    [STATUS_PASS] = {NULL, NULL},
    [STATUS_FAIL] = {"failure", "accuracy"},
    [STATUS_XFAIL] = {"system-out", NULL},
    [STATUS_XPASS] = {"failure", "unexpected pass"},
    [STATUS_ERROR] = {"error", "not judged"},
};

static bool write_test(xmlTextWriter *writer, const char *class_name, const struct test *test)
{
    bool done = start(writer, "testcase") && attribute(writer, "name", test->name) &&
                attribute(writer, "classname", class_name) && attribute_seconds(writer, "time", test->elapsed_s);
    if (status_elements[test->status].element) {
        done = done && start(writer, status_elements[test->status].element);
        if (status_elements[test->status].type)
            done = done && attribute(writer, "message", test->headline) &&
                   attribute(writer, "type", status_elements[test->status].type);
        done = done && content(writer, test->detail) && end(writer);
    }
    return done && end(writer);
}

static void forget_tests(struct junit *junit)
{
    for (size_t i = 0; i < junit->num_tests; i++) {
        free(junit->tests[i].name);
        free(junit->tests[i].headline);
        free(junit->tests[i].detail);
    }
    free(junit->tests);
}

/* A new test, all of it NULL. NULL if memory ran out. */
static struct test *add_test(struct junit *junit)
{
    if (junit->num_tests == junit->capacity) {
        size_t capacity = junit->capacity ? 2 * junit->capacity : 64;
        struct test *tests = reallocarray(junit->tests, capacity, sizeof *tests);
        if (!tests)
            return NULL;
        junit->tests = tests;
        junit->capacity = capacity;
    }
    struct test *test = &junit->tests[junit->num_tests++];
    *test = (struct test){.name = NULL};
    return test;
}

/* tests[0, count) of one case. */
static bool write_suite(xmlTextWriter *writer, const struct test *tests, size_t count)
{
    size_t failures = 0, errors = 0;
    double elapsed_s = 0;
    for (size_t i = 0; i < count; i++) {
        failures += tests[i].status == STATUS_FAIL || tests[i].status == STATUS_XPASS;
        errors += tests[i].status == STATUS_ERROR;
        elapsed_s += tests[i].elapsed_s;
    }
    const char *name = tests->test_case ? case_name(tests->test_case) : "alibicheck";
    bool done = start(writer, "testsuite") && attribute(writer, "name", name) &&
                attribute_count(writer, "tests", count) && attribute_count(writer, "failures", failures) &&
                attribute_count(writer, "errors", errors) && attribute_count(writer, "skipped", 0) &&
                attribute_seconds(writer, "time", elapsed_s);
    for (size_t i = 0; done && i < count; i++)
        done = write_test(writer, name, &tests[i]);
    return done && end(writer);
}

static int compare_tests(const void *a, const void *b)
{
    const struct test *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* A suite for each case, in the order of points. */
static bool write_suites(struct junit *junit)
{
    bool done = true;
    size_t end = 0;
    if (junit->num_tests > 0)
        qsort(junit->tests, junit->num_tests, sizeof *junit->tests, compare_tests);
    for (size_t first = 0; done && first < junit->num_tests; first = end) {
        while (end < junit->num_tests && junit->tests[end].test_case == junit->tests[first].test_case)
            end++;
        done = write_suite(junit->writer, junit->tests + first, end - first);
    }
    return done;
}

/* ---- records --------------------------------------------------------------------------------------------------- */

/* What the point came to, in one line. */
static char *make_headline(const struct record *record)
{
    char *headline = NULL;
    if (record->outcome.status == STATUS_ERROR)
        return strdup(record->outcome.reason);
    const struct metrics *total = &record->verdict->total;
    char max_abs_err[METRIC_TEXT_SIZE], max_ulp_err[METRIC_TEXT_SIZE];
    const struct problem_spec *problem = &record->point->problem;
    long long row = (long long)(total->worst / problem->head_dim);
    char query[32] = "";
    if (problem_spec_queries(problem) > 1)
        snprintf(query, sizeof query, "query %lld ", row / problem->num_heads);
    char *notes = record_notes(record);
    if (!notes ||
        asprintf(&headline,
                 "%lld of %lld elements mismatched, max abs err %s, max ulp err %s, worst at %shead %lld "
                 "dim %lld%s%s",
                 (long long)total->mismatched, (long long)total->elements,
                 record_format_error(max_abs_err, record, METRIC_MAX_ABS_ERR),
                 record_format_error(max_ulp_err, record, METRIC_MAX_ULP_ERR), query, row % problem->num_heads,
                 (long long)(total->worst % problem->head_dim), *notes ? "; " : "", notes) < 0)
        headline = NULL;
    free(notes);
    return headline;
}

static char *make_detail(const struct record *record, const char *headline)
{
    static const char *const verdicts[STATUS_COUNT] = {
        [STATUS_FAIL] = "fail",
        [STATUS_XFAIL] = "failed as expected",
        [STATUS_XPASS] = "passed where a failure was expected",
        [STATUS_ERROR] = "error",
    };
    const char *because = case_because(record->point->test_case);
    char *detail = NULL, *reproduce = record_reproduce(record, ""), *references = record_references(record, "", true);
    char *findings = record_findings(record, "", true);
    if (reproduce && references && findings &&
        asprintf(&detail, "%s: %s\n%s%s%s%s%sreproduce: %s\n", verdicts[record->outcome.status], headline, findings,
                 references, because ? "because: " : "", because ? because : "", because ? "\n" : "", reproduce) < 0)
        detail = NULL;
    free(findings);
    free(references);
    free(reproduce);
    return detail;
}

static enum error_kind record_junit(struct sink *sink, const struct record *record, struct error *error)
{
    struct junit *junit = sink->state;
    struct test *test = add_test(junit);
    if (!test)
        goto no_memory;

    char key[POINT_KEY_SIZE];
    const struct seconds *seconds = &record->seconds;
    test->place = record->place;
    test->test_case = record->point->test_case;
    test->name = strdup(point_key(key, record->point));
    test->status = record->outcome.status;
    test->elapsed_s = seconds->inputs + seconds->kernel + seconds->truth + seconds->judge + seconds->reference;
    if (status_elements[record->outcome.status].element) {
        test->headline = make_headline(record);
        test->detail = test->headline ? make_detail(record, test->headline) : NULL;
        if (!test->detail)
            goto no_memory;
    }
    if (!test->name)
        goto no_memory;
    if (junit->error.kind)
        return error_set(error, junit->error.kind, "%s", junit->error.text);
    return ERROR_NONE;

no_memory:
    return error_memory(error, sink->path, 4096);
}

/* Its numbers are in the results file, which the headline names. */
static enum error_kind keep_junit(struct sink *sink, const struct point *point, const struct kept_record *kept,
                                  struct error *error)
{
    struct junit *junit = sink->state;
    char key[POINT_KEY_SIZE];
    struct test *test = add_test(junit);
    if (!test)
        return error_memory(error, sink->path, 4096);
    test->place = kept->place;
    test->test_case = point->test_case;
    test->name = strdup(point_key(key, point));
    test->status = kept->status;
    test->elapsed_s = kept->elapsed_s;
    test->headline = kept->headline ? strdup(kept->headline) : NULL;
    test->detail = kept->headline ? strdup(kept->headline) : NULL;
    if (!test->name || (kept->headline && (!test->headline || !test->detail)))
        return error_memory(error, sink->path, 4096);
    return ERROR_NONE;
}

/* A suite that fails, whatever the points did that were run: nobody may take a part for the whole. */
static bool add_cut_short(struct junit *junit, const struct summary *summary)
{
    struct test *test = add_test(junit);
    if (!test)
        return false;
    test->place = SIZE_MAX;
    test->name = strdup("ran to the end");
    test->status = STATUS_ERROR;
    if (asprintf(&test->headline, "%s: %zu of %zu points done", summary->cut_short, summary->points_done,
                 summary->points_total) < 0)
        test->headline = NULL;
    test->detail = test->headline ? strdup(test->headline) : NULL;
    return test->name && test->detail;
}

/* ---- open and close -------------------------------------------------------------------------------------------- */

static void free_junit(struct junit *junit)
{
    forget_tests(junit);
    if (junit->writer)
        xmlFreeTextWriter(junit->writer);
    free(junit);
}

static enum error_kind close_junit(struct sink *sink, const struct summary *summary, struct error *error)
{
    struct junit *junit = sink->state;
    enum error_kind kind = ERROR_NONE;
    /* EndDocument closes what is open and flushes. */
    if ((summary->cut_short && !add_cut_short(junit, summary)) || !write_suites(junit) ||
        xmlTextWriterEndDocument(junit->writer) < 0)
        kind = error_memory(error, sink->path, 4096);
    else if (junit->error.kind)
        kind = error_set(error, junit->error.kind, "%s", junit->error.text);
    /* A run that was refused leaves what was there. */
    if (kind || summary->points_total == 0)
        replacement_drop(&junit->file);
    else
        kind = replacement_keep(&junit->file, error);
    free_junit(junit);
    sink->state = NULL;
    return kind;
}

static enum error_kind open_junit(struct sink *sink, struct error *error)
{
    const char *path = sink->path;
    struct junit *junit = calloc(1, sizeof *junit);
    if (!junit)
        return error_memory(error, path, sizeof *junit);
    enum error_kind kind = replacement_open(&junit->file, path, error);
    if (kind)
        goto out;

    xmlOutputBuffer *buffer = xmlOutputBufferCreateIO(write_bytes, NULL, junit, NULL);
    junit->writer = buffer ? xmlNewTextWriter(buffer) : NULL; /* owns buffer if it succeeds */
    if (!junit->writer && buffer)
        xmlOutputBufferClose(buffer);
    if (!junit->writer || xmlTextWriterSetIndent(junit->writer, 1) < 0 ||
        xmlTextWriterStartDocument(junit->writer, NULL, "UTF-8", NULL) < 0 || !start(junit->writer, "testsuites") ||
        !attribute(junit->writer, "name", "alibicheck")) {
        kind = error_memory(error, path, sizeof *junit);
        replacement_drop(&junit->file);
        goto out;
    }
    sink->state = junit;
out:
    if (kind)
        free_junit(junit);
    return kind;
}

/* JUnit XML, one test case a point, one suite a case, and one with an error if the run was cut short. Appears under its
 * name when complete. */
const struct sink_kind sink_junit = {
    .option = "junit",
    .about = "write a JUnit report; replaces FILE when complete",
    .target = SINK_TO_FILE,
    .open = open_junit,
    .record = record_junit,
    .keep = keep_junit,
    .close = close_junit,
};
