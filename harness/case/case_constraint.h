/*
 * What must hold between the keys of a case, in every combination of their values.
 */
#ifndef HARNESS_CASE_CASE_CONSTRAINT_H
#define HARNESS_CASE_CASE_CONSTRAINT_H

#include "harness/case/test_case.h"

/* Leaves out of `recipe: all` the recipes that the keys sentinel, bias and exponential contradict; where they
 * contradict every recipe, that is for case_check to say. The case's segments have their nodes. */
void case_leave_out_recipes(struct test_case *test_case);

/* ERROR_USAGE at the value that is at fault. The case's segments have their nodes. */
enum error_kind case_check(const struct test_case *test_case, struct error *error);

#endif
