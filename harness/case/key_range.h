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

#include "harness/case/key.h"

/* Whether a node of the key is a range. */
bool key_is_range(const struct key *key, const struct yaml_node *node);

/* How many segments it stands for: one if it has no step, else one a value. ERROR_USAGE at its place for what is no
 * range, or one of more than CASE_MAX_POINTS values. */
enum error_kind key_range_segments(const struct key *key, const struct yaml_node *node, size_t *count,
                                   struct error *error);

/* Reads the value number segment->rank into segment->first, and of a range without step how many follow. If rank is
 * not 0, the segment before it in memory holds the value before. */
enum error_kind key_range_read(const struct key *key, const struct yaml_node *node, struct segment *segment,
                               struct error *error);

#endif
