/*
 * Ranges of whole numbers on an axis:
 *
 *     0..9           0, 1, 2, ... 9
 *     64..512:+64    64, 128, ... 512
 *     1..1M:x2       1, 2, 4, ... 524288
 *     1k..64k:x1.5   1000, 1500, 2250, ..., each rounded to the nearest, and more by 1 at least
 *
 * LAST is one of the values only if the steps meet it.
 */
#ifndef HARNESS_CASE_KEY_RANGE_H
#define HARNESS_CASE_KEY_RANGE_H

#include "harness/support/field.h"
#include "harness/support/yaml.h"

/* Whether a node is a range of such a field's values. */
bool key_is_range(const struct field *field, const struct yaml_node *node);

/* How many values it stands for one by one; 1 for all of one without a step. ERROR_USAGE at its place for what is no
 * range, or one of more than CASE_MAX_POINTS values. */
enum error_kind key_range_count(const struct field *field, const struct yaml_node *node, size_t *count,
                                struct error *error);

/* Reads the first value into the member, or the one behind *before if that is not NULL; *extra is how many follow it of
 * a range without step, else 0. */
enum error_kind key_range_read(const struct field *field, const struct yaml_node *node, const void *before,
                               void *member, uint64_t *extra, struct error *error);

#endif
