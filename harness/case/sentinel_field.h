/*
 * A sentinel as a field: exclude, adaptive, -inf or a negative number, of the case key and the recipe field alike.
 */
#ifndef HARNESS_CASE_SENTINEL_FIELD_H
#define HARNESS_CASE_SENTINEL_FIELD_H

#include "harness/support/field.h"

extern const struct field_own sentinel_own; /* of a struct sentinel */

#endif
