/*
 * Which shards of a run have records, and how many of theirs: what says whose command is to go on.
 */
#ifndef HARNESS_REPORT_FILE_MERGE_SHARDS_H
#define HARNESS_REPORT_FILE_MERGE_SHARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "harness/report/record/record.h"

/* Zeroed but for num_points before the first record. */
struct merge_shards {
    size_t num_points;          /* of the run */
    struct merge_shard *shards; /* [count], by number; NULL: no record yet */
    int count;
    bool unknown; /* records are of no shard, or of runs that were cut otherwise: nothing can be said */
};

/* The shard that a record says it was done in; 0 of 0: none, or what no run has written. */
struct run_shard merge_shard_of(const json_t *record);

/* Counts a record, each point's once. false: no memory. */
bool merge_shards_add(struct merge_shards *shards, const struct run_shard *shard);

/* A line that names the shards of which points are missing, or none where they are not known. Errors are the stream's.
 */
void merge_shards_note(const struct merge_shards *shards, FILE *notes);

void merge_shards_clear(struct merge_shards *shards);

#endif
