/*
 * A row's problem, changed, and run on two subjects: with some of its keys alone, with logits of 0, with other values.
 * What is compared is the row's own result.
 */
#ifndef HARNESS_JUDGE_PARTING_ROW_RUNS_H
#define HARNESS_JUDGE_PARTING_ROW_RUNS_H

#include "harness/judge/parting/parting_inquiry.h"

struct row_change {
    const int64_t *keys; /* [num_keys], ascending, which alone are visible */
    size_t num_keys;
    bool no_query, no_slopes; /* q, or slopes, are 0; both: every logit is 0, and every weight 1 */
    bool ones;                /* every v is 1 */
    bool exact_products;      /* v is a power of 2, and of the heaviest key, whose weight is 1, what brings out near
                               * 0: all products of weights and values are exact */
    bool sharp; /* if out is the same, v of heavy keys is changed such that out is near 0, where its bits are finest,
                 * and it is looked at again */
};

/* What the row of both subjects is. */
struct row_seen {
    bool out, lse;  /* differ */
    bool too_low;   /* masked keys may have weight, by the first subject: nothing counts as different */
    bool sharpened; /* out does where v was changed */
    double shift; /* of exact_products: by what share of itself the lighter key's weight differs, as far as out differs
                   * by a number, and not by a factor, as by the sum of weights it would; else 0 */
};

struct row_runs {
    const struct parting_inquiry *inquiry;
    struct problem problem; /* of one query, without sinks */
    double *logits;         /* [N], about what they are */
    uint8_t *visible;       /* [N] */
    char *v;                /* of the problem's size */
    void *zero_q;
    float *zero_slopes;
    struct output outputs[2];
    int64_t count, max; /* of runs so far, at most */
};

/* runs is overwritten and, whatever the result, to be cleared. */
enum error_kind row_runs_begin(struct row_runs *runs, const struct parting_inquiry *inquiry, struct error *error);
void row_runs_clear(struct row_runs *runs);

/* Runs both. ERROR_SUBJECT if one fails, ERROR_INTERRUPTED. */
enum error_kind row_runs_make(struct row_runs *runs, const struct row_change *change, struct row_seen *seen,
                              struct error *error);

/* The bytes that all of it takes. */
double row_runs_bytes(const struct problem *shape);

#endif
