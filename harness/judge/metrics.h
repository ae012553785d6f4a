/*
 * The figures of an output against the truth, of a row or of all.
 */
#ifndef HARNESS_JUDGE_METRICS_H
#define HARNESS_JUDGE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

struct metrics {
    int64_t elements;
    int64_t mismatched; /* !(e <= atol + rtol * |truth|): NaN is a mismatch */
    int64_t undecided;  /* elements and lse: their tolerance lies within the radius of e */
    int64_t surely_off; /* elements and lse: outside their tolerance, and not undecided */
    int64_t nan, inf;   /* outputs that are NaN, infinite; neither where the truth is NaN, or rounds to that infinity */
    int64_t unwritten;  /* outputs that still hold the poison they held before the launch */
    double max_abs_err; /* infinite if an output is infinite and the truth is not; NaN outputs do not enter. This and
                         * the other errors of out but for percentiles: NaN if no e is a number */
    int64_t worst; /* element index r * D + d of the first NaN, else of the first max_abs_err; -1 without elements */
    double max_ulp_err, p99_ulp_err, p50_ulp_err; /* e / ulp of the output's dtype at the truth, fractional */
    double max_rel_err;                           /* e / |truth|, over elements with a nonzero truth */
    double max_scaled_err;                        /* e / (sum w|v| / l) */
    double rms_err;
    double budget_used; /* max of e / (error bound + radius) over finite bounds; infinite for a NaN output; NaN if no
                         * bound is known */
    int64_t unbounded;  /* elements for which the error bound promises nothing */
    bool lse_unknown;   /* the output has no lse, and what follows is 0 or NaN */
    int64_t lse_mismatched; /* rows: !(|lse - truth| <= atol + rtol * |truth|). A scale that grows with |lse| judges
                             * nothing: lse_off does */
    int64_t lse_off;        /* rows: the lse is outside its tolerance */
    double max_lse_err;     /* |lse - truth|; 0 where both are -inf; NaN if an lse is NaN */
    double lse_budget_used; /* as budget_used, of lse; rows without a finite bound do not enter */
    int64_t lse_unbounded;  /* those rows */
};

#endif
