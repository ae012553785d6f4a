/*
 * The bounds of one class for a few rows, to say of an error how much of them it is.
 */
#ifndef HARNESS_JUDGE_CLASS_CLASS_ROW_H
#define HARNESS_JUDGE_CLASS_CLASS_ROW_H

#include "harness/judge/class/class_rounding.h"
#include "harness/judge/exhibit.h"

/* bound[count, D] of the elements of rows[count], for out rounded to its dtype; infinite where the class promises
 * nothing. Needs k and v, of which it reads all once. ERROR_SYSTEM if memory is short. */
enum error_kind class_bounds_of_rows(double *bound, const int *rows, int count, class_set set,
                                     const struct exhibit *exhibit, int threads, struct error *error);

#endif
