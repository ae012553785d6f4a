/*
 * The points of a file as a comparison knows them: of records, as --results writes them, or of a baseline.
 *
 * A baseline is a file that is kept with the sources: a JSON object a line, the points sorted by key, of each its facts
 * (fact.h) and what people said of it. It has no header, and no line depends on another: lines can be merged, sorted
 * and taken out as they are.
 */
#ifndef HARNESS_REPORT_COMPARE_RESULTS_H
#define HARNESS_REPORT_COMPARE_RESULTS_H

#include "harness/evaluate/outcome.h"
#include "harness/report/compare/fact.h"
#include "harness/report/file/record_file.h"
#include "harness/report/file/record_runs.h"

/* What a line of a baseline has beside facts. */
enum note {
    NOTE_KNOWN_FAILURE, /* where a point that does not end as its case expects is followed up: a link */
    NOTE_EXPIRES,       /* until when it may fail so, YYYY-MM-DD */
    NOTE_REASON,        /* why it was taken into the baseline when it had got worse */
    NOTE_DATE,          /* and when, YYYY-MM-DD */
    NOTE_COUNT
};

extern const char *const note_names[NOTE_COUNT];

enum { BASELINE_SCHEMA = 1 };
extern const char status_removed[]; /* "removed": of a point that a baseline had, and for a reason has no more */

struct result {
    char *key;
    size_t line;
    bool removed; /* the rest is not known, but for notes */
    enum status status;
    struct fact_value facts[FACT_COUNT];
    char *notes[NOTE_COUNT]; /* NULL: none */
    char *why;               /* what a record says of a point that was not run, or failed to run; NULL: nothing */
};

struct results {
    const char *path; /* the caller's; "-" is standard input */
    bool is_baseline;
    struct result *items; /* sorted by key, each key once */
    size_t count, capacity;
    char *made_by; /* the build of the first record, and its plug-in's digest, for people; NULL in a baseline */
    bool mixed;    /* others were made by another build, or of another file of a kernel */
    struct record_runs runs;
};

/*
 * Reads a file. results is overwritten; results_clear frees. ERROR_USAGE with "FILE:LINE: ..." for what is no record,
 * no line of a baseline, or a point that stands there twice and not as the same; for a file without points;
 * ERROR_SYSTEM, exit code 3, for records that lack a fact, as an older program left them.
 */
enum error_kind results_read(struct results *results, const char *path, struct error *error);
void results_clear(struct results *results);

/* The point of one record. result is overwritten; result_clear frees. Errors as of a file. */
enum error_kind result_read(struct result *result, const struct record_line *line, struct error *error);
void result_clear(struct result *result);

/* "standard input" or the path. */
const char *results_name(const struct results *results);

/* How many points there are, those that were removed apart, and how many of them were judged. */
size_t results_points(const struct results *results);
size_t results_judged(const struct results *results);

/* Whether text is a day of the calendar, YYYY-MM-DD, which letters order. */
bool is_day(const char *text);

#endif
