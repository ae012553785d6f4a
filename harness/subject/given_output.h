/*
 * An output that is there already: nothing is run, and nothing is known of what made it. As a subject it answers its
 * own problem, or some heads of it, with the rows that it has.
 */
#ifndef HARNESS_SUBJECT_GIVEN_OUTPUT_H
#define HARNESS_SUBJECT_GIVEN_OUTPUT_H

#include "harness/subject/subject.h"
#include "harness/support/tensor_view.h"

/* Pointers are the caller's. */
struct given_output {
    struct subject subject; /* first; without a rounding model, other forms or a replay */
    struct tensor_view out; /* [query, head, dim], of the problem's dtype */
    const float *lse;       /* [Q, H] natural; NULL: it has none */
};

struct given_output given_output(const struct tensor_view *out, const float *lse);

#endif
