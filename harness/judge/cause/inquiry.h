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

#endif
