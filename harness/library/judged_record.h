/*
 * The record of an output that was handed over: the fields of a point's record, in their order, those that speak of a
 * kernel of ours null.
 */
#ifndef HARNESS_LIBRARY_JUDGED_RECORD_H
#define HARNESS_LIBRARY_JUDGED_RECORD_H

#include <time.h>

#include "harness/judge/fault.h"
#include "harness/library/judged_output.h"
#include "harness/library/record_row.h"
#include "harness/problem/problem_spec.h"
#include "harness/problem/unsaid_scales.h"

struct judged_record {
    const struct problem_spec *problem;
    const struct judging *judging;
    const struct judged_output *judged;
    const struct fault *other; /* the output compared with another one; NULL: there is none */
    bool masked;
    enum unsaid_scales scales;
    time_t ended;
};

/* Of struct judged_record. */
extern const struct record_fields judged_record_fields;

/* A new JSON object, or NULL. */
json_t *judged_record_to_json(const struct judged_record *record);

/* Whether the numbers pass, and whether the output is in the class that is asked for cannot be told. */
bool judged_class_is_open(const struct judging *judging, const struct judged_output *judged);

/* What came of it: "pass", "fail"; "error" if the truth, or the class that is asked for, is too coarse to tell.
 */
const char *judged_status(const struct judging *judging, const struct judged_output *judged);

/* "judge:seq_len=9,...": its key, behind it ",sequence=N" of one of a batch, and nothing if sequence is below 0. A new
 * string, or NULL. */
char *judged_key(const struct problem_spec *problem, int64_t sequence);

#endif
