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
enum compare_class {
    CLASS_UNLIKE,
    CLASS_NOT_JUDGED,
    CLASS_NEWLY_FAILING,
    CLASS_EXPIRED,
    CLASS_MISSING,
    CLASS_NEW_FAILING,
    CLASS_VERDICT,
    CLASS_JUDGED_OTHERWISE,
    CLASS_CAUSE,
    CLASS_FIXED_WORSE,
    CLASS_WORSE,
    CLASS_ALLOWED,
    CLASS_FIXED,
    CLASS_BETTER,
    CLASS_OTHER_BITS, /* where every bit is to be held, right behind CLASS_WORSE */
    CLASS_NEW,
    CLASS_SAME_BITS,
    CLASS_COUNT
};

enum class_outcome {
    CLASS_IS_FINE,
    CLASS_IS_WORSE,
    CLASS_IS_WORSE_IF_BITS, /* where every bit is to be held */
    CLASS_IS_NO_COMPARISON
};

struct class_info {
    const char *name;  /* for people: "newly failing" */
    const char *about; /* a sentence's predicate, the points being its subject */
    enum class_outcome outcome;
};

/* "as good", "worse", ... by class_outcome. */
extern const char *const class_outcome_texts[];

extern const struct class_info class_table[CLASS_COUNT];

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
    enum compare_class class;
    enum tendency tendencies[FACT_COUNT]; /* all the same where one of them is not there */
    double growth;                        /* b / a of the figure that grew most, of those that are worse; else 0 */
};

/* Compares; one of a and b is there. */
void compare_point(struct compared *point, const struct result *a, const struct result *b,
                   const struct compare_rules *rules);

/* Whether a class is worse, or no comparison, under the rules. */
enum class_outcome class_outcome(enum compare_class class, const struct compare_rules *rules);

/* The key of the point. */
const char *compared_key(const struct compared *point);

#endif
