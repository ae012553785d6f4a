/*
 * What must hold between the keys of a case, in every combination of their values.
 */
#ifndef HARNESS_CASE_CASE_CONSTRAINT_H
#define HARNESS_CASE_CASE_CONSTRAINT_H

#include "harness/case/test_case.h"

/* ERROR_USAGE at the value that is at fault. The case's segments have their nodes. */
enum error_kind case_check(const struct test_case *test_case, struct error *error);

#endif
