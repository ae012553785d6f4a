/*
 * What is known of a point, and what points share while they are evaluated: the device, the inputs at hand, the truths
 * and references computed so far.
 */
#ifndef HARNESS_EVALUATE_EVALUATION_H
#define HARNESS_EVALUATE_EVALUATION_H

#include "harness/evaluate/companions.h"
#include "harness/evaluate/truth_cache.h"
#include "harness/judge/cause/signature.h"
#include "harness/judge/class/class_find.h"
#include "harness/judge/contract/contract_search.h"
#include "harness/judge/fault.h"
#include "harness/judge/oracle/oracle.h"
#include "harness/library/seconds.h"
#include "harness/subject/foreign.h"
#include "harness/support/progress_display.h"

struct evaluator {
    struct device *device;                 /* the caller's */
    const struct foreign_subject *foreign; /* the caller's: what is run in place of points' kernels; NULL: those are */
    int threads;
    struct progress *progress;
    struct progress_display *display; /* NULL: none */
    bool without_keys; /* nobody looks at k and v of evaluations: they may be NULL where they need not be here */
    struct truth_cache cache;

    /* The inputs at hand. */
    struct inputs inputs;
    struct generated_source inputs_of;
    struct part inputs_part;
    bool have_inputs;
    struct companions companions; /* the other sequences of the last batch */
};

/* Frees all but what is the caller's. */
void evaluator_clear(struct evaluator *evaluator);

/* What is known of a point. k and v of the problem, and the names in it, hold until the evaluator's next use. */
struct evaluation {
    struct problem problem; /* the whole; k and v are NULL if it was worked on in parts, or may be by without_keys */
    struct output output;
    double *bound;     /* [R, D]; NULL: there is none */
    double *lse_bound; /* [R]; the same */
    bool has_bounds;   /* what stands there is one of the output */
    struct truth truth;
    double *baselines[BASELINE_COUNT]; /* out[R, D], then lse[R]; NULL: not asked for */
    struct verdict verdict;
    struct fault faults[BASELINE_COUNT];
    struct fault other; /* an output that was given against another one */
    bool has_other;
    struct signature_finding finding; /* of a failed one; else SIGNATURE_NONE */
    struct class_report classes;      /* where they were looked for; else of no rows */
    struct class_whole class_of_all;  /* of those */
    struct contract_finding contract; /* of a failed output of something that is not ours */
    struct oracle_report oracles;     /* of one of the problem's parts */
    char subject_failure[400];        /* how what was to be judged failed to run, its output unwritten; "": it ran */
    enum run_failure run_failure;     /* in a word */
    uint64_t input_digest, output_digest, truth_digest;
    double contract_distance; /* of the truth from that of the inputs */
    bool at_once;             /* what was judged was run on the whole problem, though it was worked on in parts */
    char launch_failure[400]; /* what kept it from that, where it was to be; "": nothing */
    struct seconds seconds;
};

/* Makes room for the results of a problem of this shape, compared with baselines k with bit k of which; without_lse:
 * its output has none. A row that no part brings is wrong by poison, and has a bound of 0. evaluation is overwritten
 * and, whatever the result, to be cleared. */
enum error_kind evaluation_init(struct evaluation *evaluation, const struct problem *shape, unsigned which,
                                bool without_lse, struct error *error);
void evaluation_clear(struct evaluation *evaluation);

#endif
