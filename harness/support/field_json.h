/*
 * Fields as JSON.
 */
#ifndef HARNESS_SUPPORT_FIELD_JSON_H
#define HARNESS_SUPPORT_FIELD_JSON_H

#include <jansson.h>

#include "harness/support/field.h"

/* The member as a new value: a number (an unsigned one beyond int64_t, NaN and infinities as text), a name, a list of
 * names, a text or null, an own type's text. NULL if memory ran out. */
json_t *field_to_json(const struct field *field, const void *member);

/* Reads a whole number, or a choice's name, into the member, which is as it was if there is a fault. NULL is none. */
enum value_fault field_from_json(const struct field *field, const json_t *value, void *member);

#endif
