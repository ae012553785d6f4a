/*
 * Evaluating a point: its source opened, its subject run, the exhibit judged.
 *
 * A problem too large for memory is worked on part by part (problem_source.h); what comes out is the same.
 */
#ifndef HARNESS_EVALUATE_EVALUATE_H
#define HARNESS_EVALUATE_EVALUATE_H

#include "harness/evaluate/evaluation.h"

/* evaluation is overwritten and, whatever the result, to be cleared. */
enum error_kind evaluate(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                         struct error *error);

/* The same, from a source of the point's problem that is cut into other parts. */
enum error_kind evaluate_from(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                              const struct generated_source *source, struct error *error);

/* Memory that evaluating a point takes at its peak. */
double evaluate_bytes(const struct point *point, int threads);

#endif
