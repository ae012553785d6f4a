/*
 * What of a record is the same whenever the same program judges the same point: all but times, and what it says of its
 * build and device by name.
 */
#ifndef HARNESS_REPORT_FILE_RECORD_CONTENT_H
#define HARNESS_REPORT_FILE_RECORD_CONTENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A hash of that. False if memory ran out. The record is as it was. */
bool record_content_hash(const json_t *record, uint64_t *hash);

#endif
