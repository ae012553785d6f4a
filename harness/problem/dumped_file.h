/*
 * The arrays in a folder of `run --dump`: what they are called, their elements and shapes, for who writes such a folder
 * and for who reads one back.
 */
#ifndef HARNESS_PROBLEM_DUMPED_FILE_H
#define HARNESS_PROBLEM_DUMPED_FILE_H

#include "harness/problem/problem_spec.h"
#include "harness/support/npy_header.h"

enum dumped_tensor {
    DUMPED_Q,
    DUMPED_K,
    DUMPED_V,
    DUMPED_SLOPES,
    DUMPED_SINKS,
    DUMPED_INPUTS, /* those before it are the problem's */
    DUMPED_OUT = DUMPED_INPUTS,
    DUMPED_LSE,
    DUMPED_TRUTH,
    DUMPED_TRUTH_TAIL,
    DUMPED_TRUTH_RADIUS,
    DUMPED_TRUTH_LSE,
    DUMPED_COUNT
};

const char *dumped_file_name(enum dumped_tensor tensor); /* "q.npy" */

/* Type and shape of the array where it is of this problem, or of its result. Rows are heads, and of several queries
 * [Q, H]. */
struct npy_header dumped_header(enum dumped_tensor tensor, const struct problem_spec *problem);

#endif
