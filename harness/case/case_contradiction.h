/*
 * Recipes that contradict themselves once other keys of the case override fields of theirs.
 */
#ifndef HARNESS_CASE_CASE_CONTRADICTION_H
#define HARNESS_CASE_CASE_CONTRADICTION_H

#include "harness/case/test_case.h"

/* Leaves out of `recipe: all` the recipes that the keys sentinel, bias and exponential contradict; where they
 * contradict every recipe, that is for case_check to say. The case's segments have their nodes. */
void case_leave_out_recipes(struct test_case *test_case);

/* Marks the keys whose values make a contradiction, the recipe and what overrides fields of it. marked: [KEY_COUNT]. */
void case_contradiction_keys(bool *marked);

/* ERROR_USAGE at the value that is at fault, for this combination of the axes' values and its point, whose recipe
 * contradicts itself. The case's segments have their nodes. */
enum error_kind case_contradiction_error(const struct test_case *test_case, const uint64_t *index,
                                         const struct point *point, struct error *error);

#endif
