/*
 * The values of recipe fields that are more than a number or a name.
 */
#ifndef HARNESS_CASE_RECIPE_VALUE_H
#define HARNESS_CASE_RECIPE_VALUE_H

#include "harness/support/field.h"

/* Numbers that are written by their names. */
enum { NUM_NAMED_NUMBERS = 5 };
extern const struct field_number named_numbers[NUM_NAMED_NUMBERS];

/* A number of a recipe, and what may be written for one. */
#define NUMBER(from, to)                                                                                          \
    .type = FIELD_REAL, .real = {(from), (to), false}, .range_prefix = "numbers from ", .numbers = named_numbers, \
    .num_numbers = NUM_NAMED_NUMBERS

extern const struct field_own recipe_sentinel_own; /* of a struct sentinel, one of whose numbers may have a name */
extern const struct field_own initial_max_own;     /* of an enum initial_max and the float behind it */
extern const struct field_own factor_own;          /* of a float that is held as 0 where it is 1 */

#endif
