/*
 * Who is at fault when a kernel and a conventional reference disagree.
 *
 * They disagree about an element if !(|kernel - reference| <= atol + rtol * |reference|), which is what tests elsewhere
 * call a mismatch: NaN disagrees with everything, an infinity agrees with what rounds to it in the kernel's dtype. Only
 * where the truth itself is NaN do two NaNs agree. At fault is each side that has used more than half of the tolerance
 * around the truth,
 *
 *     !(|side - truth| <= (atol + rtol * |truth|) / 2)       where the truth is not finite: side differs from it
 *
 * because two sides within half of it cannot be further apart than all of it. They can still disagree, by the one
 * difference between the two tolerances: rtol * |reference| instead of rtol * |truth|, which is less by at most
 * rtol * |reference - truth|. Then the side with the larger error is at fault, or both if their errors are equal. So
 * every disagreement has somebody at fault.
 */
#ifndef HARNESS_JUDGE_FAULT_H
#define HARNESS_JUDGE_FAULT_H

#include <stdio.h>

#include "harness/judge/verdict.h"

enum fault_side { FAULT_KERNEL, FAULT_REFERENCE, FAULT_BOTH, FAULT_SIDE_COUNT };

extern const char *const fault_side_names[FAULT_SIDE_COUNT];

struct fault_tally {
    int64_t mismatched;
    int64_t at_fault[FAULT_SIDE_COUNT]; /* kernel alone, reference alone, both: add up to mismatched */
};

struct fault {
    int num_heads, head_dim;
    int64_t elements;
    struct fault_tally total;
    struct fault_tally *heads; /* [H], of all queries */
    double max_abs_err;        /* |kernel - reference|; a NaN does not enter */
    double max_lse_err;        /* the same of lse; NaN if one of them is NaN */
    /* The reference against the truth, judged as a kernel is; worst is the first NaN, else the first max_abs_err. */
    struct {
        int64_t mismatched, undecided, worst;
        double max_abs_err, max_lse_err;
    } truth;
};

/* Compares the exhibit's output with reference[R, D] and reference_lse[R] by its tolerance. fault is overwritten;
 * fault_clear frees it, and accepts a zeroed one. */
enum error_kind fault_find(struct fault *fault, const struct exhibit *exhibit, const double *reference,
                           const double *reference_lse, struct error *error);
void fault_clear(struct fault *fault);

/*
 * For people: "agrees, 0.00098 max", or "7/4096 differ, 0.00244 max: reference at fault in 7 (heads 0-2); reference
 * itself 9/4096 wrong, 0.0019 max". names are what to call the sides: fault_side_names, or others.
 */
void fault_print(FILE *stream, const struct fault *fault, const char *const *names);

#endif
