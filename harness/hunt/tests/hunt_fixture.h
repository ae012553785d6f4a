/*
 * Points and spaces in memory, for tests of hunts. Include after cmocka.h.
 */
#ifndef HARNESS_HUNT_TESTS_HUNT_FIXTURE_H
#define HARNESS_HUNT_TESTS_HUNT_FIXTURE_H

#include "harness/case/tests/case_fixture.h"
#include "harness/hunt/candidate.h"
#include "harness/hunt/space.h"

static const struct point_kernel ours = {.name = NULL};

struct start {
    struct case_list list;
    struct point point;
    struct candidate candidate;
    struct space space;
};

static inline struct start start_of(const char *text, const char *vary)
{
    struct start start = {.list = parse(text)};
    struct error error = {0};
    case_point(start.list.cases[0], 0, &start.point);
    if (candidate_of_point(&start.candidate, &start.point, &ours, &error) ||
        space_read(&start.space, &vary, 1, &start.point, 1, &error))
        fail_msg("%s", error.text);
    return start;
}

static inline void start_clear(struct start *start)
{
    candidate_clear(&start->candidate);
    space_clear(&start->space);
    case_list_clear(&start->list);
}

#endif
