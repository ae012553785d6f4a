/*
 * Results files of one run put together: the shards of a sweep, or what several resumed runs have left.
 */
#ifndef HARNESS_REPORT_FILE_MERGE_H
#define HARNESS_REPORT_FILE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "reference/error.h"

struct merge_options {
    const char *const *paths; /* [num_paths] */
    size_t num_paths;
    const char *results; /* "-": standard output */
    bool any_build;      /* records of several builds and devices may stand in one file */
};

/* What became of them. */
struct merge_result {
    size_t num_records;    /* in the result */
    size_t num_points;     /* of the run */
    size_t num_duplicates; /* records that say the same as another one: dropped */
    size_t num_torn;       /* files that end in the beginning of a record, which is dropped */
    size_t num_contradictions;
    size_t num_unexpected; /* points in the result that did not end as their cases expect */
};

/*
 * Merges: every record is copied as it is, in the order of the run's points. What is to be told of it in lines (files
 * that end torn, points that are missing, records of one point that say different things) goes to `notes`.
 * ERROR_USAGE with file and line if a file is no results file, or of another run, build or device than the first one;
 * if the records of all points are not the run that they say they are of; ERROR_SYSTEM if a file changes meanwhile.
 * Where records contradict each other nothing is written.
 */
enum error_kind merge_results(struct merge_result *result, const struct merge_options *options, FILE *notes,
                              struct error *error);

#endif
