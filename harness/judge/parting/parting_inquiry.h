/*
 * Which row of which two subjects it is asked of, where they part.
 */
#ifndef HARNESS_JUDGE_PARTING_PARTING_INQUIRY_H
#define HARNESS_JUDGE_PARTING_PARTING_INQUIRY_H

#include "harness/subject/subject.h"
#include "reference/progress.h"

struct parting_inquiry {
    const struct subject *subjects[2];
    const struct problem *problem; /* of one query, and of heads that share a KV head */
    int head;                      /* the row */
    bool lone_weight_is_one;       /* a key alone has the weight 1 by the first subject's arithmetic */
    int64_t max_runs;              /* 0: as many as PARTING_WORK allows */
    struct progress *progress;
};

/* Elements of k that all runs together may read, about ten seconds of a core. */
#define PARTING_WORK 2e10

#endif
