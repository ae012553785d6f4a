/*
 * What a point came to: what its case expects, and what its output was found to do, put together. The decision on the
 * numbers is criterion.h's; no other place turns the two into a status.
 */
#ifndef HARNESS_EVALUATE_OUTCOME_H
#define HARNESS_EVALUATE_OUTCOME_H

#include <stdbool.h>

#include "harness/case/case.h"
#include "harness/judge/class/class_find.h"
#include "harness/judge/criterion.h"
#include "harness/judge/oracle/oracle.h"

enum status {
    STATUS_PASS,  /* passes its criterion and oracles, as expected */
    STATUS_FAIL,  /* does not, where a pass was expected, or fails in another way than expected */
    STATUS_XFAIL, /* fails, as expected */
    STATUS_XPASS, /* passes where a failure was expected */
    STATUS_ERROR, /* not judged: the run failed, or the truth is too coarse to decide */
    STATUS_SKIP,  /* not run: a kernel that is not ours does not take the problem */
    STATUS_COUNT
};

extern const char *const status_names[STATUS_COUNT];

/* Whether the point ended as its case expects, or was none for its kernel. */
bool status_as_expected(enum status status);

/* Whether there are numbers behind it. */
bool status_is_judged(enum status status);

/* Whether a point of which a failure is expected, or is not, can end so (the table below). */
bool status_is_possible(enum status status, bool expects_failure);

/* The status called so, or STATUS_COUNT. */
enum status status_find(const char *name);

/* As status_as_expected, of a status's name. One that this program does not know is nothing that could be expected. */
bool status_name_as_expected(const char *name);

struct outcome {
    enum status status;
    char reason[512]; /* STATUS_ERROR, STATUS_SKIP: why; STATUS_FAIL where a failure was expected: which one was, and
                       * which it is, or how the kernel failed to run; else empty */
};

/* What a case expects. */
struct expectation {
    bool failure;
    enum signature signature; /* of the failure; SIGNATURE_NONE: any */
};

/*
 * The status by the decision on the numbers, by whether an oracle is violated, and by the signature found:
 *
 *                      expected: pass   fail    fail as S, found S   found another
 *   undecided, unbounded       error    error   error                error
 *   fail, or one violated      fail     xfail   xfail                fail
 *   pass                       pass     xpass   xpass                xpass
 */
enum status outcome_status(const struct expectation *expected, enum decision decision, bool violated,
                           enum signature found);

/* The outcome of a point that was run: total is of its verdict, classes of its rows. What is not in the class that is
 * asked for fails as by an oracle. A point that passes where a failure was expected is skipped if none of the oracles
 * that it asks for could be tried: on another device it may fail. */
void outcome_reach(struct outcome *outcome, const struct point *point, const struct metrics *total,
                   const struct class_report *classes, const struct oracle_report *report, enum signature found);

/* The outcome of a point that its kernel does not take, and why. */
void outcome_skip(struct outcome *outcome, const char *reason);

/* The outcome of a point whose run failed, and why. */
void outcome_not_run(struct outcome *outcome, const char *reason);

#endif
