/*
 * Names that must say one thing in a run: those of its cases and of its recipes.
 */
#ifndef HARNESS_CASE_CASE_NAMES_H
#define HARNESS_CASE_CASE_NAMES_H

#include "harness/case/case.h"

/* ERROR_USAGE if, in list and fresh together, two cases have one name, or two recipes that differ do. */
enum error_kind case_names_check(const struct case_list *list, const struct case_list *fresh, struct error *error);

#endif
