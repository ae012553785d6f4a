/*
 * What is left of a run, in seconds on the clock: what its points are expected to take (cost.h), corrected by what
 * those that are done took.
 */
#ifndef HARNESS_RUN_TIME_LEFT_H
#define HARNESS_RUN_TIME_LEFT_H

#include "harness/report/file/kept.h"
#include "harness/run/work_order.h"

struct time_left {
    const struct work_order *order;
    const struct kept_record *const *kept; /* of each of the order's points; NULL for one that is to be run */
    double start_s;
    struct cost_estimate seen, left; /* expected seconds of what is done and of what is not */
    double evaluated_s;              /* of all points done, one after the other */
};

/* Of a run that begins now; order and kept outlive it. */
struct time_left time_left_begin(const struct work_order *order, const struct kept_record *const *kept);

/* The point at `position` of the order is done, and its steps took so long. */
void time_left_learn(struct time_left *time_left, size_t position, const struct seconds *seconds);

double time_left_s(const struct time_left *time_left);

#endif
