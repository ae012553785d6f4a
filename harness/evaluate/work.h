/*
 * The work on a point: what is run, on what, and what is known of it so far.
 */
#ifndef HARNESS_EVALUATE_WORK_H
#define HARNESS_EVALUATE_WORK_H

#include "harness/evaluate/evaluation.h"
#include "harness/evaluate/point_subject.h"
#include "harness/library/hearing.h"

struct gathering; /* gathering.h */

/* The work on a point, while it goes on. */
struct work {
    struct evaluator *evaluator;
    struct evaluation *evaluation;
    const struct point *point;
    struct generated_source generated;
    struct shipped_subject shipped;
    struct foreign_subject foreign; /* where the kernel is not ours */
    struct judging judging;
    const struct problem_source *source;
    const struct subject *subject;
    struct gathering *gathering; /* where the subject is run on all parts at once; NULL: on one after the other */
    char breached[ORACLE_DETAIL_SIZE], changed[ORACLE_DETAIL_SIZE]; /* what its runs wrote beside outputs, and the input
                                                                     * that they changed; "": nothing */
    uint64_t launch, repeats; /* of a subject that is watched: its last run, and the launch whose output that gave
                               * again, as launch_watch.h has them */
};

/* Whether the subject's operations are known, or promised, so that their bound is one for its output. */
static inline bool work_has_bound(const struct work *work)
{
    return !work->subject->any_order;
}

/* What comes of its output, once its parts have been worked on. */
static inline struct hearing work_hearing(const struct work *work)
{
    return (struct hearing){&work->evaluation->judged, &work->judging, work->source, &work->evaluator->inputs};
}

#endif
