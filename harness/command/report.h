/*
 * Records made into what a reviewer reads: alibicheck report.
 */
#ifndef HARNESS_COMMAND_REPORT_H
#define HARNESS_COMMAND_REPORT_H

#include "harness/report/review/review_field.h"
#include "harness/run/selection.h"
#include "harness/support/replacement.h"
#include "reference/error.h"

enum report_format { REPORT_HTML, REPORT_MARKDOWN, REPORT_CSV, REPORT_JSON, REPORT_JUNIT, REPORT_FORMAT_COUNT };

extern const char *const report_format_names[REPORT_FORMAT_COUNT];

struct report_options {
    struct strings records, before; /* files */
    const char *output;             /* "-": standard output */
    struct strings tables;          /* descriptions; none: the whole report */
    const char *title, *command, *where;
    enum report_format format;
    bool junit_style_said, junit_gitlab; /* in JUnit, failures that are expected are skipped tests */
    enum review_text series;             /* what plots tell apart */
};

/* The JUnit report of one file of records into a file that is open. Errors as of report. */
enum error_kind report_junit(const char *records, const struct replacement *file, bool gitlab, struct error *error);

/* The format that a file's name ends in, whatever its case; HTML where it ends in nothing of the kind. false: it ends
 * in something else, as `.pdf`. */
bool report_format_find(enum report_format *format, const char *path);

/* Reads, and writes the file when all is known. ERROR_USAGE for records or an expression that are wrong, or a file that
 * is one of those read; ERROR_SYSTEM. */
enum error_kind report(const struct report_options *options, struct error *error);

#endif
