/*
 * What a point puts to the test.
 */
#ifndef HARNESS_EVALUATE_POINT_SUBJECT_H
#define HARNESS_EVALUATE_POINT_SUBJECT_H

#include "harness/case/case.h"
#include "harness/subject/shipped.h"

/* The point's kernel with its recipe; device may be NULL (shipped.h). The point outlives it. */
static inline struct shipped_subject point_subject(const struct point *point, struct device *device)
{
    return shipped_subject(device, point->kernel, &point->kernel_options, &point->recipe);
}

#endif
