/*
 * Evaluating a point: its source opened, its subject run, the exhibit judged.
 *
 * A problem too large for memory is worked on part by part (problem_source.h); what comes out is the same.
 */
#ifndef HARNESS_EVALUATE_EVALUATE_H
#define HARNESS_EVALUATE_EVALUATE_H

#include "harness/evaluate/evaluation.h"
#include "harness/library/exhibit_bundle.h"
#include "harness/subject/given_output.h"

/* evaluation is overwritten and, whatever the result, to be cleared. */
enum error_kind evaluate(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                         struct error *error);

/* The same, from a source of the point's problem that is cut into other parts. */
enum error_kind evaluate_from(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                              const struct generated_source *source, struct error *error);

/* A point that is given: its problem from the source, and an output that is there. other: a second one, of its shape
 * and dtype, that it is compared with; NULL: there is none. */
enum error_kind evaluate_given(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                               const struct problem_source *source, const struct given_output *given,
                               const struct given_output *other, struct error *error);

/* A point that is given as a bundle without k and v, which outlives the evaluation and is used up by it. */
enum error_kind evaluate_again(struct evaluation *evaluation, const struct point *point, struct exhibit_bundle *bundle,
                               struct error *error);

/* One of several points that are evaluated on the same inputs, and what came of it. */
struct shared_point {
    const struct point *point;
    struct evaluation evaluation; /* whatever the result, to be cleared */
    enum error_kind kind;
    struct error failure;
};

enum { EVALUATE_TOGETHER_MAX = 16 };

/*
 * Evaluates points with the same problem, at most EVALUATE_TOGETHER_MAX: each is what evaluate makes of it, but of a
 * problem that is worked on in parts, the inputs of a part are made once for all of them. ERROR_INTERRUPTED if one was;
 * another failure is its point's own.
 */
enum error_kind evaluate_together(struct evaluator *evaluator, struct shared_point *points, int count,
                                  struct error *error);

/* The same, from a source that is cut into other parts. */
enum error_kind evaluate_together_from(struct evaluator *evaluator, struct shared_point *points, int count,
                                       const struct generated_source *source, struct error *error);

/* Whether the evaluator's kernel takes a point. If it does not, text, of SUBJECT_TEXT_SIZE, says why. */
bool evaluate_takes(const struct evaluator *evaluator, const struct point *point, char *text);

/* Memory that evaluating a point takes at its peak. */
double evaluate_bytes(const struct point *point, int threads);

#endif
