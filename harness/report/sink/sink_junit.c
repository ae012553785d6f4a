#include "harness/report/sink/sink.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/library/metric.h"
#include "harness/report/record/status_test.h"
#include "harness/support/build_info.h"
#include "harness/support/junit_document.h"
#include "harness/support/replacement.h"
#include "harness/support/room.h"

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
    struct junit_document *document;
    const char *device; /* device_kind_names[] of the first record */
    bool gitlab;
    const struct given_sample *sample; /* that a pass is of; NULL: of all rows */
    struct test *tests;
    size_t num_tests, capacity;
};

static void forget_test(const struct test *test)
{
    free(test->name);
    free(test->headline);
    free(test->detail);
}

static void forget_tests(struct junit *junit)
{
    for (size_t i = 0; i < junit->num_tests; i++)
        forget_test(&junit->tests[i]);
    free(junit->tests);
}

/* Takes a test, unless it lacks something for want of memory, or there is none to keep it: false. */
static bool add_test(struct junit *junit, const struct test *test, bool complete)
{
    struct test *tests =
        complete ? room_for_one(junit->tests, &junit->capacity, junit->num_tests, sizeof *tests) : NULL;
    if (!tests) {
        forget_test(test);
        return false;
    }
    junit->tests = tests;
    junit->tests[junit->num_tests++] = *test;
    return true;
}

/* Of what rows a pass is, where it is not of all. */
static bool put_sample(const struct junit *junit)
{
    char text[96];
    const struct given_sample *sample = junit->sample;
    if (!sample)
        return true;
    snprintf(text, sizeof text, "%lld of %lld rows, seed %llu", (long long)sample->drawn, (long long)sample->drawn_of,
             (unsigned long long)sample->seed);
    return junit_document_property(junit->document, "sample", text);
}

/* Device and build, as properties of the suite at hand. */
static bool put_properties(const struct junit *junit)
{
    return (!junit->device || junit_document_property(junit->document, "device", junit->device)) &&
           junit_document_property(junit->document, "version", build_info.version) &&
           junit_document_property(junit->document, "commit", build_info.commit) &&
           junit_document_property(junit->document, "compiler", build_info.compiler) && put_sample(junit);
}

/* tests[0, count) of one case. */
static bool put_suite(const struct junit *junit, const struct test *tests, size_t count)
{
    const char *name = tests->test_case ? case_name(tests->test_case) : "alibicheck";
    bool done = junit_document_suite(junit->document, name) && put_properties(junit);
    for (size_t i = 0; done && i < count; i++) {
        const struct status_test as_test = status_test(tests[i].status, junit->gitlab);
        const struct junit_test test = {
            .name = tests[i].name,
            .result = as_test.result,
            .type = as_test.type,
            .message = tests[i].headline,
            .text = tests[i].detail,
            .elapsed_s = tests[i].elapsed_s,
        };
        done = junit_document_test(junit->document, &test);
    }
    return done;
}

static int compare_tests(const void *a, const void *b)
{
    const struct test *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* A suite for each case, in the order of points. */
static bool put_suites(struct junit *junit)
{
    bool done = true;
    size_t end = 0;
    if (junit->num_tests > 0)
        qsort(junit->tests, junit->num_tests, sizeof *junit->tests, compare_tests);
    for (size_t first = 0; done && first < junit->num_tests; first = end) {
        while (end < junit->num_tests && junit->tests[end].test_case == junit->tests[first].test_case)
            end++;
        done = put_suite(junit, junit->tests + first, end - first);
    }
    return done;
}

/* ---- records --------------------------------------------------------------------------------------------------- */

/* "class f32+weights16", of an output whose class was looked for and that passes: there is nothing else to say. */
static char *class_line(const struct record *record)
{
    char name[CLASS_NAME_SIZE], *line = NULL;
    return asprintf(&line, "class %s", class_name(name, record->class_of_all)) < 0 ? NULL : line;
}

/* What is said of it beside how it ended, as far as there is something. False if memory ran out. */
static bool tell(struct test *test, const struct record *record)
{
    if (status_test(record->outcome.status, false).says) {
        test->headline = record_headline(record);
        test->detail = test->headline ? record_detail(record, test->headline) : NULL;
        return test->detail;
    }
    if (!record->classes || record->classes->num_rows == 0)
        return true;
    test->detail = class_line(record);
    return test->detail;
}

static enum error_kind record_junit(struct sink *sink, const struct record *record, struct error *error)
{
    struct junit *junit = sink->state;
    char key[POINT_KEY_SIZE];
    struct test test = {
        .place = record->place,
        .test_case = record->point->test_case,
        .name = strdup(point_key(key, record->point)),
        .status = record->outcome.status,
        .elapsed_s = seconds_sum(&record->seconds),
    };
    const bool told = tell(&test, record);
    if (!add_test(junit, &test, told && test.name))
        return error_memory(error, sink->path, 4096);
    junit->device = record->device;
    return ERROR_NONE;
}

/* Its numbers are in the results file, which the headline names. */
static enum error_kind keep_junit(struct sink *sink, const struct point *point, const struct kept_record *kept,
                                  struct error *error)
{
    char key[POINT_KEY_SIZE];
    const struct test test = {
        .place = kept->place,
        .test_case = point->test_case,
        .name = strdup(point_key(key, point)),
        .status = kept->status,
        .elapsed_s = kept->elapsed_s,
        .headline = kept->headline ? strdup(kept->headline) : NULL,
        .detail = kept->headline ? strdup(kept->headline) : NULL,
    };
    const bool complete = test.name && (!kept->headline || (test.headline && test.detail));
    return add_test(sink->state, &test, complete) ? ERROR_NONE : error_memory(error, sink->path, 4096);
}

/* A suite that fails, whatever the points did that were run. headline: a new string, or NULL. */
static bool add_of_run(struct junit *junit, const char *name, char *headline)
{
    const struct test test = {
        .place = SIZE_MAX,
        .name = strdup(name),
        .status = STATUS_ERROR,
        .headline = headline,
        .detail = headline ? strdup(headline) : NULL,
    };
    return add_test(junit, &test, test.name && test.detail);
}

/* Nobody may take a part for the whole. */
static bool add_cut_short(struct junit *junit, const struct summary *summary)
{
    char *headline;
    if (asprintf(&headline, "%s: %zu of %zu points done", summary->cut_short, summary->points_done,
                 summary->points_total) < 0)
        headline = NULL;
    return add_of_run(junit, "ran to the end", headline);
}

/* Nor what nobody has looked at for what passes. */
static bool add_unjudged(struct junit *junit)
{
    return add_of_run(junit, "judged a point", strdup(SUMMARY_UNJUDGED));
}

/* ---- open and close -------------------------------------------------------------------------------------------- */

static enum error_kind write_document(struct junit *junit, const struct summary *summary, struct error *error)
{
    bool done = (!summary->cut_short || add_cut_short(junit, summary)) && (!summary->unjudged || add_unjudged(junit)) &&
                put_suites(junit);
    char *text = done ? junit_document_print(junit->document) : NULL;
    enum error_kind kind = text ? file_write(junit->file.descriptor, junit->file.target, text, strlen(text), error)
                                : error_memory(error, junit->file.target, 4096);
    free(text);
    return kind;
}

static void free_junit(struct junit *junit)
{
    forget_tests(junit);
    junit_document_free(junit->document);
    free(junit);
}

static enum error_kind close_junit(struct sink *sink, const struct summary *summary, struct error *error)
{
    struct junit *junit = sink->state;
    bool began = summary->points_total > 0 || !summary->cut_short; /* else it was refused, and leaves what was there */
    enum error_kind kind = began ? write_document(junit, summary, error) : ERROR_NONE;
    if (kind || !began)
        replacement_drop(&junit->file);
    else
        kind = replacement_keep(&junit->file, error);
    free_junit(junit);
    sink->state = NULL;
    return kind;
}

static enum error_kind open_junit(struct sink *sink, struct error *error)
{
    struct junit *junit = calloc(1, sizeof *junit);
    if (!junit)
        return error_memory(error, sink->path, sizeof *junit);
    enum error_kind kind = ERROR_NONE;
    junit->gitlab = sink->plan && sink->plan->junit_gitlab;
    const struct given *given = sink->plan && sink->plan->num_points > 0 ? sink->plan->points->given : NULL;
    junit->sample = given && given->sample.judged ? &given->sample : NULL;
    junit->document = junit_document_new();
    if (!junit->document)
        kind = error_memory(error, sink->path, sizeof *junit);
    if (!kind)
        kind = replacement_open(&junit->file, sink->path, error);
    if (kind)
        free_junit(junit);
    else
        sink->state = junit;
    return kind;
}

/* JUnit XML, one test case a point, one suite a case, and one with an error if the run was cut short. Appears under its
 * name when complete. */
const struct sink_kind sink_junit = {
    .option = "junit",
    .about = "write a JUnit report; replaces FILE when complete",
    .target = SINK_TO_FILE,
    .without_keys = true,
    .open = open_junit,
    .record = record_junit,
    .keep = keep_junit,
    .close = close_junit,
};
