/*
 * An axis: the values that a case gives to one key, in the order in which they were written.
 */
#ifndef HARNESS_CASE_CASE_AXIS_H
#define HARNESS_CASE_CASE_AXIS_H

#include "harness/case/key.h"

struct axis {
    struct segment *segments; /* NULL: an optional key without default that the case does not give */
    size_t num_segments;
    bool given;       /* by the case or a setting, not by default */
    bool is_set;      /* by a setting */
    int line, column; /* where the case gives it */
};

/* Reads a key's value, one or a list. axis is overwritten; axis_clear frees, and accepts a zeroed one. Two equal
 * values are an error. */
enum error_kind axis_read(struct axis *axis, const struct key *key, const struct yaml_node *node, struct error *error);

/* The value of a key that the case does not give: its preset, or nothing. */
enum error_kind axis_read_preset(struct axis *axis, const struct key *key, struct error *error);
void axis_clear(struct axis *axis, const struct key *key);

/* Number of values, at least 1; UINT64_MAX if there are more. */
uint64_t axis_count(const struct axis *axis);

/* The segment that holds value `index`, and how far into it. index < axis_count. NULL if there is no segment. */
const struct segment *axis_at(const struct axis *axis, uint64_t index, uint64_t *step);

#endif
