/*
 * What is found out of a failure, and what the oracles saw of it.
 */
#ifndef HARNESS_JUDGE_CAUSE_SIGNATURE_FINDING_H
#define HARNESS_JUDGE_CAUSE_SIGNATURE_FINDING_H

#include "harness/judge/judgement.h"
#include "harness/subject/run_failure.h"

/* What the oracles saw, as plain facts. Zeroed: nothing. */
struct oracle_facts {
    unsigned violated;    /* bit o: oracle o was */
    unsigned not_finite;  /* bit o: by NaN or infinity where a number was expected */
    unsigned failed;      /* bit o: by the subject, which did not run under it */
    enum run_failure how; /* and how */
    unsigned stale;       /* bit o: by the output of an earlier launch */
};

struct signature_finding {
    enum signature signature;
    int query, head;        /* the row that `residual` and `detail` are of, within the problem; head -1 for none */
    int num_rows_failing;   /* all rows that fail; with one query rows are heads */
    int num_rows_examined;  /* the worst of them, a few; bias-shift examines all */
    int num_rows_explained; /* of those examined, by this signature */
    double residual;        /* of the row: largest |out - predicted| in units of the tolerance at that element; of a
                             * row that fails by its lse alone, and of bias-shift: the same of lse. NaN if unknown */
    const char *remedy;     /* a sentence for remedy_for: what to change, by what was found */
    char detail[SIGNATURE_REASONS_SIZE]; /* what the match says: "slope 0.0078 in place of 0.84"; may be empty */
};

#endif
