/*
 * What is to be explained of an exhibit: its rows, which of them fail, and how badly.
 */
#ifndef HARNESS_JUDGE_CAUSE_INQUIRY_H
#define HARNESS_JUDGE_CAUSE_INQUIRY_H

#include "harness/judge/cause/signature_finding.h"
#include "harness/judge/verdict.h"

struct inquiry {
    const struct exhibit *exhibit;
    const struct verdict *verdict;
    const struct oracle_facts *facts;
    bool by_bound; /* what failed did so by its bound: nothing is outside the tolerance, or that does not judge */
};

/* A row and how badly it fails. */
struct ranked_row {
    int row; /* query by query */
    bool failing, out_fails;
    double severity; /* largest error in units of what is allowed; infinite for a NaN */
};

bool inquiry_out_fails(const struct inquiry *inquiry, int row);
bool inquiry_lse_fails(const struct inquiry *inquiry, int row);

/* What the tolerance allows an element whose truth is given. */
double inquiry_allowed(const struct inquiry *inquiry, double truth);

/* elements: room for a row. */
struct ranked_row inquiry_rank_row(const struct inquiry *inquiry, int row, float *elements);

/* For qsort. Rows that fail by their out first, then those that fail by lse alone, then the others; the worse ones
 * first. */
int inquiry_compare_rows(const void *left, const void *right);

/* The finding is of this row. */
void inquiry_place(struct signature_finding *finding, const struct problem *problem, int row);

/*
 * lse_alone.c, which needs no keys: an lse that is off by slope * keys, keys whole and the same for every row, or for
 * every query as many as it stands away from another, while out is right up to what f32 logits of that size lose and
 * its own dtype. ranked: all rows; elements: room for a row.
 */
bool inquiry_find_shift(struct signature_finding *finding, const struct inquiry *inquiry,
                        const struct ranked_row *ranked, float *elements);

/*
 * lse_alone.c: an lse that is off by the same constant in every row, where no out fails. It takes two rows to tell a
 * constant from what one row may be off by for any reason: of rows whose slopes and lse are alike, or whose out may be
 * scaled as weight with no key scales it, it is not told.
 */
bool inquiry_find_constant(struct signature_finding *finding, const struct inquiry *inquiry,
                           const struct ranked_row *ranked, float *elements);

#endif
