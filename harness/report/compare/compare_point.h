/*
 * One point before and after: what changed, and what the change is called.
 *
 * Inputs, truth and kernels are exact functions of a point, so a figure has no noise: whatever changed was changed by
 * somebody. A point is worse if one figure is, however many others are better, and a change of what is asked of a point
 * is never taken for a change of the point.
 */
#ifndef HARNESS_REPORT_COMPARE_COMPARE_POINT_H
#define HARNESS_REPORT_COMPARE_COMPARE_POINT_H

#include "harness/report/compare/results.h"

/* What became of one fact. */
enum tendency {
    TENDENCY_SAME,
    TENDENCY_BETTER,
    TENDENCY_OTHER,   /* neither better nor worse by itself */
    TENDENCY_ALLOWED, /* worse, within what was allowed */
    TENDENCY_WORSE
};

/* What became of a point, the worst first: each point has the first that is true of it. */
enum change {
    CHANGE_UNLIKE,
    CHANGE_NOT_JUDGED,
    CHANGE_NEWLY_FAILING,
    CHANGE_EXPIRED,
    CHANGE_MISSING,
    CHANGE_NEW_FAILING,
    CHANGE_VERDICT,
    CHANGE_JUDGED_OTHERWISE,
    CHANGE_CAUSE,
    CHANGE_FIXED_WORSE,
    CHANGE_WORSE,
    CHANGE_ALLOWED,
    CHANGE_FIXED,
    CHANGE_BETTER,
    CHANGE_OTHER_BITS, /* where every bit is to be held, right behind CHANGE_WORSE */
    CHANGE_NEW,
    CHANGE_SAME_BITS,
    CHANGE_SKIPPED, /* not run, and not judged before either: nothing is compared */
    CHANGE_COUNT
};

enum change_outcome {
    CHANGE_IS_FINE,
    CHANGE_IS_WORSE,
    CHANGE_IS_WORSE_IF_BITS, /* where every bit is to be held */
    CHANGE_IS_NO_COMPARISON
};

struct change_info {
    const char *name;  /* for people: "newly failing" */
    const char *about; /* a sentence's predicate, the points being its subject */
    enum change_outcome outcome;
};

/* "as good", "worse", ... by change_outcome. */
extern const char *const change_outcome_texts[];

extern const struct change_info change_table[CHANGE_COUNT];

/* How much worse a metric may be: by `relative` of its value before, or by `absolute`. 0 and 0: not at all. */
struct allowance {
    double relative, absolute;
};

struct compare_rules {
    struct allowance allowances[METRIC_COUNT];
    bool bits;         /* other bits are worse */
    const char *today; /* YYYY-MM-DD: what known failures expire by */
};

struct compared {
    const struct result *a, *b; /* before and after; NULL where there is none */
    enum change change;
    enum tendency tendencies[FACT_COUNT]; /* all the same where one of them is not there */
    double growth;                        /* b / a of the figure that grew most, of those that are worse; else 0 */
};

/* Compares; one of a and b is there. */
void compare_point(struct compared *point, const struct result *a, const struct result *b,
                   const struct compare_rules *rules);

/* Whether a change is worse, or no comparison, under the rules. */
enum change_outcome change_outcome(enum change change, const struct compare_rules *rules);

/* Whether nothing became of the points: what is counted, and not named one by one. */
bool change_is_none(enum change change);

/* The key of the point. */
const char *compared_key(const struct compared *point);

#endif
