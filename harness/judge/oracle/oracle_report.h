/*
 * What the oracles are put to, and what they say.
 */
#ifndef HARNESS_JUDGE_ORACLE_ORACLE_REPORT_H
#define HARNESS_JUDGE_ORACLE_ORACLE_REPORT_H

#include "harness/judge/criterion.h"
#include "harness/judge/judgement.h"
#include "harness/subject/run_failure.h"
#include "harness/subject/subject.h"

enum { ORACLE_DETAIL_SIZE = 160 };

enum oracle_outcome { ORACLE_NOT_RUN, ORACLE_HELD, ORACLE_VIOLATED, ORACLE_NOT_APPLICABLE, ORACLE_OUTCOME_COUNT };

extern const char *const oracle_outcome_names[ORACLE_OUTCOME_COUNT];

/* The subject and the problem that it is put to. */
struct oracle_inquiry {
    const struct subject *subject;
    const struct problem *problem;     /* not changed */
    const struct truth *truth;         /* of problem; NULL: computed where it is needed */
    const struct tolerance *tolerance; /* that a result is judged by where no bound says how far it may be; or NULL */
    int64_t max_elements;              /* of a trial (trial_init); 0: TRIAL_MAX_ELEMENTS */
    uint64_t choice;                   /* any number: what is looked at where not all of it is (trial_cut.h) */
    int threads;
    struct progress *progress; /* may be NULL */
};

struct oracle_report {
    enum oracle_outcome outcome[ORACLE_COUNT];
    char detail[ORACLE_COUNT][ORACLE_DETAIL_SIZE]; /* what was seen, or why the oracle does not apply; "" if it held */
    unsigned failed;      /* bit o: the subject failed to run under oracle o, which is so violated */
    enum run_failure how; /* and how */
    unsigned not_finite;  /* bit o: oracle o saw NaN or infinity where it expected a number */
    uint64_t
        repeats[ORACLE_COUNT]; /* of one that is violated: the launch whose output its launch gave (launch_watch.h) */
    unsigned stale; /* bit o: oracle o is violated by the output of an earlier launch, which was right for that */
};

/* How many of them were violated; bit o: oracle o was. */
int oracles_violated(const struct oracle_report *report);
unsigned oracles_violated_mask(const struct oracle_report *report);

/* Says of oracles that are violated by the output of an earlier launch that it is so, where watch knows that it was
 * right then. */
void oracle_report_find_stale(struct oracle_report *report, const struct launch_watch *watch);

/* An oracle that is among which is violated by what was seen elsewhere, unless that is "", or it is so already. */
void oracle_report_violate(struct oracle_report *report, unsigned which, enum oracle oracle, const char *seen);

#endif
