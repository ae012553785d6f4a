/*
 * Judging an output against the truth.
 *
 * e = |out - truth|, computed so that its own rounding is below 2^-50 e + radius. A comparison with the tolerance that
 * the radius leaves open is counted as undecided, never as passed.
 */
#ifndef HARNESS_JUDGE_VERDICT_H
#define HARNESS_JUDGE_VERDICT_H

#include <math.h>
#include <stdint.h>

#include "harness/judge/criterion.h"
#include "kernels/kernel.h"
#include "reference/truth.h"

/* One element against the truth. */
struct comparison {
    double err; /* e */
    bool mismatched, undecided;
};

/* output against element `index` of the truth. Both NaN, or the same infinity, are equal. */
struct comparison judge_element(double output, const struct truth *truth, size_t index,
                                const struct tolerance *tolerance);

/* The same of a head's lse, with the tolerance of lse. */
struct comparison judge_lse(double lse, const struct truth *truth, size_t head, const struct tolerance *tolerance);

/* How far an lse may be from `truth`. */
static inline double tolerance_lse(const struct tolerance *tolerance, double truth)
{
    return tolerance->lse + TOLERANCE_LSE_ROUNDING * fabs(truth);
}

struct metrics {
    int64_t elements;
    int64_t mismatched; /* !(e <= atol + rtol * |truth|): NaN is a mismatch */
    int64_t undecided;  /* elements and lse: their tolerance lies within the radius of e */
    int64_t nan, inf;   /* outputs that are NaN, infinite; a NaN or infinite truth that the output equals is neither */
    int64_t unwritten;  /* outputs that still hold the poison they held before the launch */
    double max_abs_err; /* infinite if an output is infinite and the truth is not; NaN outputs do not enter. This and
                         * the other errors of out but for percentiles: NaN if no e is a number */
    int64_t worst; /* element index h * D + d of the first NaN, else of the first max_abs_err; -1 without elements */
    double max_ulp_err, p99_ulp_err, p50_ulp_err; /* e / ulp of the output's dtype at the truth, fractional */
    double max_rel_err;                           /* e / |truth|, over elements with a nonzero truth */
    double max_scaled_err;                        /* e / (sum w|v| / l) */
    double rms_err;
    double budget_used; /* max of e / (error bound + radius) over finite bounds; infinite for a NaN output; NaN if no
                         * bound is known */
    int64_t unbounded;  /* elements for which the error bound promises nothing */
    int64_t lse_mismatched; /* heads: !(|lse - truth| <= atol + rtol * |truth|). A scale that grows with |lse| judges
                             * nothing: lse_off does */
    int64_t lse_off;        /* heads: the lse is outside its tolerance */
    double max_lse_err;     /* |lse - truth|; 0 where both are -inf; NaN if an lse is NaN */
    double lse_budget_used; /* as budget_used, of lse; heads without a finite bound do not enter */
    int64_t lse_unbounded;  /* those heads */
};

struct verdict {
    struct metrics total;
    struct metrics *heads; /* [H], worst counted within the whole tensor */
    int num_heads;
};

/* What an output is filled with before a launch: a NaN of each dtype that no kernel computes. */
void output_poison(struct output *output, const struct problem *problem);

/* Gives every NaN one pattern: which sign and payload an operation gives it differs between devices. The poison, too,
 * so that nothing can be counted as unwritten afterwards. */
void output_unite_nans(struct output *output, const struct problem *problem);

/*
 * Judges output. bound[H, D] and lse_bound[H] are the error bounds of each element and lse (error_bound.h), or NULL.
 * verdict is overwritten; verdict_clear frees it, and accepts a zeroed one.
 */
enum error_kind verdict_reach(struct verdict *verdict, const struct output *output, const struct truth *truth,
                              const double *bound, const double *lse_bound, const struct problem *problem,
                              const struct tolerance *tolerance, struct error *error);
void verdict_clear(struct verdict *verdict);

#endif
