/*
 * What is left of a run, in seconds on the clock: what its points are expected to take (cost.h), corrected by what
 * those that are done took.
 */
#ifndef HARNESS_RUN_TIME_LEFT_H
#define HARNESS_RUN_TIME_LEFT_H

#include "harness/evaluate/cost.h"
#include "harness/report/file/kept.h"
#include "harness/run/selection.h"

struct time_left {
    const struct selection *selection;
    const struct kept_record *const *kept; /* [selection->count]; NULL for a point that is to be run */
    double start_s;
    struct cost_estimate seen, left; /* expected seconds of what is done and of what is not */
    double evaluated_s;              /* of all points done, one after the other */
};

/* Of a run that begins now; selection and kept outlive it. */
struct time_left time_left_begin(const struct selection *selection, const struct kept_record *const *kept);

/* Point `index` is done, and its steps took so long. */
void time_left_learn(struct time_left *time_left, size_t index, const struct seconds *seconds);

double time_left_s(const struct time_left *time_left);

#endif
