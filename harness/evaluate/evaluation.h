/*
 * What is known of a point, and what points share while they are evaluated: the device, the inputs at hand, the truths
 * and references computed so far.
 */
#ifndef HARNESS_EVALUATE_EVALUATION_H
#define HARNESS_EVALUATE_EVALUATION_H

#include "harness/evaluate/companions.h"
#include "harness/evaluate/truth_cache.h"
#include "harness/judge/fault.h"
#include "harness/judge/oracle/oracle.h"
#include "harness/library/judged_output.h"
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
    /* Its inputs are the evaluator's. k and v of its problem may be NULL by without_keys; of a run classes are of no
     * rows where nobody looked for them, and a contract is sought of what is not ours alone. */
    struct judged_output judged;
    double *baselines[BASELINE_COUNT]; /* out[R, D], then lse[R]; NULL: not asked for */
    struct fault faults[BASELINE_COUNT];
    struct fault other; /* an output that was given against another one */
    bool has_other;
    struct oracle_report oracles; /* of one of the problem's parts */
    char subject_failure[400];    /* how what was to be judged failed to run, its output unwritten; "": it ran */
    enum run_failure run_failure; /* in a word */
    bool at_once;                 /* what was judged was run on the whole problem, though it was worked on in parts */
    char launch_failure[400];     /* what kept it from that, where it was to be; "": nothing */
};

/* Makes room for the results of a problem of this shape but for bounds, compared with baselines k with bit k of which;
 * without_lse: its output has none. A row that no part brings is wrong by poison. evaluation is overwritten and,
 * whatever the result, to be cleared. */
enum error_kind evaluation_init(struct evaluation *evaluation, const struct problem *shape, unsigned which,
                                bool without_lse, struct error *error);
void evaluation_clear(struct evaluation *evaluation);

#endif
