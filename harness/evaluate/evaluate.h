/*
 * Evaluating a point: its source opened, its subject run, the exhibit judged.
 *
 * An evaluator keeps what points share: the device, the inputs at hand, the truths and references computed so far. A
 * problem too large for memory is worked on part by part (problem/problem_source.h); what comes out is the same.
 */
#ifndef HARNESS_EVALUATE_EVALUATE_H
#define HARNESS_EVALUATE_EVALUATE_H

#include "harness/evaluate/companions.h"
#include "harness/evaluate/truth_cache.h"
#include "harness/judge/cause/signature.h"
#include "harness/judge/fault.h"
#include "harness/judge/oracle/oracle.h"
#include "harness/support/progress.h"

struct seconds {
    double inputs, kernel, truth, judge, reference, oracles;
    bool truth_shared; /* all of the truth was computed for an earlier point; its seconds are 0 */
};

struct evaluator {
    struct device *device; /* the caller's */
    int threads;
    struct progress *progress;
    struct progress_display *display; /* NULL: none */
    struct truth_cache cache;

    /* The inputs at hand. */
    struct inputs inputs;
    struct generated_source inputs_of;
    int inputs_part;
    bool have_inputs;
    struct companions companions; /* the other sequences of the last batch */
};

/* Zeroes but for what is the caller's. */
void evaluator_clear(struct evaluator *evaluator);

/* What is known of a point. k and v of the problem, and the names in it, hold until the evaluator's next use. */
struct evaluation {
    struct problem problem; /* the whole; k and v are NULL if it was worked on in parts */
    struct output output;
    double *bound;     /* [R, D] */
    double *lse_bound; /* [R] */
    struct truth truth;
    double *references[CONVENTIONAL_COUNT]; /* out[R, D], then lse[R]; NULL: not asked for */
    struct verdict verdict;
    struct fault faults[CONVENTIONAL_COUNT];
    struct signature_finding finding; /* of a failed one; else SIGNATURE_NONE */
    struct oracle_report oracles;     /* of the problem's first part */
    uint64_t input_digest, output_digest, truth_digest;
    double contract_distance; /* of the truth from that of the inputs */
    struct seconds seconds;
};

/* evaluation is overwritten and, whatever the result, to be cleared. */
enum error_kind evaluate(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                         struct error *error);
void evaluation_clear(struct evaluation *evaluation);

/* The same, from a source of the point's problem that is cut into other parts. */
enum error_kind evaluate_from(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                              const struct generated_source *source, struct error *error);

/* Memory that evaluating a point takes at its peak. */
double evaluate_bytes(const struct point *point, int threads);

#endif
