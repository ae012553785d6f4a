/*
 * A point's values as a case file spells them: what is read back is the same value.
 */
#ifndef HARNESS_CASE_CASE_WRITE_H
#define HARNESS_CASE_CASE_WRITE_H

#include "harness/case/case.h"
#include "harness/case/case_keys.h"

/* Whether the point's case says something of the key, in its file or by a setting: else it has its default. */
bool case_gives(const struct point *point, enum key_id id);

/* What stands behind "KEY: " for the point's value, on one line: a new string, or NULL if memory ran out. Not for keys
 * that points do not hold (case, about, because). The name in a mask's file stays as it is, from its case's folder. */
char *case_write_value(enum key_id id, const struct point *point);

#endif
