/*
 * Where records go. A sink is opened before any work, so that a file that cannot be written stops a run at once; it
 * gets every record as its point ends, and is closed once, also when the run was interrupted.
 */
#ifndef HARNESS_REPORT_SINK_H
#define HARNESS_REPORT_SINK_H

#include "harness/report/record.h"

struct summary {
    size_t points_total, points_done;
    size_t by_status[STATUS_COUNT];
    const char *device_name;
    double elapsed_s;
    const char *cut_short; /* "interrupted", "stopped": why the run did not come to its end; NULL: it did */
};

struct sink {
    const char *path; /* for error messages; "-" is stdout */
    void *state;
    enum error_kind (*record)(struct sink *sink, const struct record *record, struct error *error);
    /* Writes what is left (summary, closing tags) and frees state. Called once, whatever happened before. */
    enum error_kind (*close)(struct sink *sink, const struct summary *summary, struct error *error);
};

/* A table on stdout that a person reads at a glance, with one line for each failing point that reproduces it. */
enum error_kind sink_open_table(struct sink *sink, struct error *error);

/* JSON Lines, one record a line, flushed at each. */
enum error_kind sink_open_jsonl(struct sink *sink, const char *path, struct error *error);

/* JUnit XML, one test case a point, one suite a case, and one with an error if the run was cut short. Appears under its
 * name when complete (written aside, renamed). */
enum error_kind sink_open_junit(struct sink *sink, const char *path, struct error *error);

/* One folder a point below path, with NumPy files and point.json (DESIGN section 6). */
enum error_kind sink_open_dump(struct sink *sink, const char *path, struct error *error);

#endif
