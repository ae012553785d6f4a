/*
 * How many points are worked on at a time where nobody says.
 *
 * Threads do little for a point that takes a moment: its steps are too short to be shared. So points run side by side,
 * a thread each, and those alone, with all threads, that would keep the others waiting at the end: T threads are busy
 * with n points of one size for as long as ceil(n / T) of them take, so no point runs beside others that takes more
 * than a fraction of what all of them take, over T. Nor does one whose inputs are beyond what caches hold: its threads
 * share the memory's speed anyway, and wait for each other where pages are mapped.
 */
#ifndef HARNESS_RUN_SIDE_BY_SIDE_H
#define HARNESS_RUN_SIDE_BY_SIDE_H

#include "harness/run/work_order.h"

struct side_by_side {
    int jobs;      /* points at a time, 1 at least */
    double most_s; /* what a group of points that belong together takes at most to be one of them (cost.h) */
    double most_point_s, most_bytes; /* and each of its points, which needs so much memory at most */
};

/* What points [first, end) of the order, one group, take. */
double side_by_side_seconds(const struct work_order *order, size_t first, size_t end);

/* Whether nobody works beside them. */
bool side_by_side_is_alone(const struct side_by_side *beside, const struct work_order *order, size_t first, size_t end);

/* So many at a time, whatever they take; no more than there are. */
struct side_by_side side_by_side_given(size_t num_points, int jobs);

/* As many as so many threads and half of so much memory allow. */
struct side_by_side side_by_side_choose(const struct work_order *order, int threads, double available_bytes);

#endif
