/*
 * What the numbers of a verdict must be for an output to pass.
 *
 * Two things are asked. The tolerance says what a user can live with, whatever the kernel does. The error bound says
 * what the kernel's own roundings can do (error_bound.h): an error above it is a bug, however small it is. A tolerance
 * alone passes bugs that it is too wide to see; a bound alone passes kernels whose arithmetic is too coarse.
 */
#ifndef HARNESS_JUDGE_CRITERION_H
#define HARNESS_JUDGE_CRITERION_H

#include <math.h>
#include <stdbool.h>

#include "harness/judge/metrics.h"
#include "reference/dtype.h"

struct tolerance {
    double atol, rtol; /* an element passes if |out - truth| <= atol + rtol * |truth| */
    double lse;        /* an lse passes if |lse - truth| <= lse + TOLERANCE_LSE_ROUNDING * |truth|, natural logarithm */
};

/*
 * An error of lse is an error in nats: merged with others, the row's part of the output is off by the factor
 * exp(error), whatever |lse| is. So its tolerance must not grow with |lse|, but for what an f32 lse of that size loses
 * however it is computed. To first order (7) of error_bound.md comes to less than 7 * 2^-24 |lse| for logits in f32
 * (slope, bias, logit, maximum + logarithm, the change of base); this is 8 * 2^-24.
 */
#define TOLERANCE_LSE_ROUNDING 0x1p-21

/* How far an lse may be from `truth`. */
static inline double tolerance_lse(const struct tolerance *tolerance, double truth)
{
    return tolerance->lse + TOLERANCE_LSE_ROUNDING * fabs(truth);
}

/* Puts the default of the dtype in the place of each number below 0. */
void tolerance_derive(struct tolerance *tolerance, enum dtype dtype);

enum judge_mode {
    JUDGE_BOTH,      /* within the tolerance and, where there is a bound, within `budget` times that */
    JUDGE_TOLERANCE, /* within the tolerance */
    JUDGE_BUDGET,    /* within `budget` times the bound; what has none cannot be judged */
    JUDGE_MODE_COUNT
};

extern const char *const judge_mode_names[JUDGE_MODE_COUNT];

struct criterion {
    enum judge_mode mode;
    struct tolerance tolerance;
    double budget; /* what the error bound is multiplied by; 1: what rounding can do. Not read under JUDGE_TOLERANCE */
};

/* What a criterion makes of an output. */
enum decision {
    DECISION_PASS,
    DECISION_FAIL,
    DECISION_UNDECIDED, /* the tolerance lies within the radius of the truth, and nothing is outside it for sure */
    DECISION_UNBOUNDED, /* judged by a bound that there is not, and nothing is beyond one that there is */
    DECISION_COUNT
};

/* What came of it, in a word: "pass", "fail", "error" where that cannot be told. */
extern const char *const decision_statuses[DECISION_COUNT];

/* Of all rows together, or of one: metrics are those of the verdict or of a row. */
enum decision criterion_decide(const struct criterion *criterion, const struct metrics *metrics);

/* The parts of DECISION_FAIL: out or lse is outside the tolerance, or beyond its share of the bound, whether or not the
 * mode asks for it. */
bool criterion_out_off(const struct metrics *metrics);
bool criterion_lse_off(const struct metrics *metrics);
bool criterion_out_beyond(const struct criterion *criterion, const struct metrics *metrics);
bool criterion_lse_beyond(const struct criterion *criterion, const struct metrics *metrics);

#endif
