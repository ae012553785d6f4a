/*
 * A case in memory: its axes, and the points that their values make.
 */
#ifndef HARNESS_CASE_TEST_CASE_H
#define HARNESS_CASE_TEST_CASE_H

#include "harness/case/case_axis.h"
#include "harness/case/case_keys.h"

struct test_case {
    char *path;
    bool standard_input; /* it was read from there, and path is no file */
    int line, column;    /* of its name */
    struct axis axes[KEY_COUNT];
    size_t num_points;
};

/* Frees a case from calloc and all that it holds; accepts NULL. */
void case_free(struct test_case *test_case);

/* The point whose axes have the values index[]. */
void case_assemble(const struct test_case *test_case, const uint64_t *index, struct point *point);

#endif
