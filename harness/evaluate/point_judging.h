/*
 * How the output of a point is judged.
 */
#ifndef HARNESS_EVALUATE_POINT_JUDGING_H
#define HARNESS_EVALUATE_POINT_JUDGING_H

#include "harness/case/case.h"
#include "harness/evaluate/evaluation.h"

/* As the point says, which outlives it as the evaluator does; with which arithmetic the output was made the caller
 * says. */
struct judging point_judging(const struct point *point, const struct evaluator *evaluator);

#endif
