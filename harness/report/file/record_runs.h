/*
 * Whether all points of a run are there: a record says of which run it is, and how many points that has.
 */
#ifndef HARNESS_REPORT_FILE_RECORD_RUNS_H
#define HARNESS_REPORT_FILE_RECORD_RUNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A run on a device. */
struct run_share {
    size_t of, seen; /* points that it has, and those that have a record */
    size_t left_out; /* that its cases have as well; 0 where its records do not say it */
};

struct record_runs {
    struct run_share *shares;
    size_t count, capacity;
    json_t *places; /* object: run and device -> its place among shares */
    json_t *points; /* object with a member for each point of each that was seen */
};

/* Counts a record; of one that does not say its run, nothing. False if memory ran out. Takes a zeroed struct. */
bool record_runs_add(struct record_runs *runs, const json_t *record);

/* Points of the runs that have no record. */
size_t record_runs_missing(const struct record_runs *runs);

/* Points of the runs' cases that they were told to leave out. */
size_t record_runs_left_out(const struct record_runs *runs);

void record_runs_clear(struct record_runs *runs);

#endif
