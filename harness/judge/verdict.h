/*
 * Judging an output against the truth.
 *
 * e = |out - truth|, computed so that its own rounding is below 2^-50 e + radius. A comparison with the tolerance that
 * the radius leaves open is counted as undecided, never as passed.
 */
#ifndef HARNESS_JUDGE_VERDICT_H
#define HARNESS_JUDGE_VERDICT_H

#include "harness/judge/exhibit.h"

/* One element against the truth. */
struct comparison {
    double err; /* e */
    bool mismatched, undecided;
};

/* Whether output, of a dtype, is NaN as value is, or the infinity that value rounds to in that dtype. */
bool rounds_to_non_finite(double output, enum dtype dtype, double value);

/* output, of a dtype, against element `index` of the truth. The two are equal where the truth rounds to what is no
 * finite number. */
struct comparison judge_element(double output, enum dtype dtype, const struct truth *truth, size_t index,
                                const struct tolerance *tolerance);

/* The same of a row's lse, in f32, with the tolerance of lse. */
struct comparison judge_lse(double lse, const struct truth *truth, size_t row, const struct tolerance *tolerance);

struct verdict {
    struct metrics total;
    struct metrics *rows; /* [R], query by query; worst counted within the whole tensor. One that was not judged has no
                           * elements, and is not in the total */
    int num_rows;
};

/* Judges an exhibit. verdict is overwritten; verdict_clear frees it, and accepts a zeroed one. */
enum error_kind verdict_reach(struct verdict *verdict, const struct exhibit *exhibit, struct error *error);
void verdict_clear(struct verdict *verdict);

#endif
