/*
 * Limits as YAML: ranges A..B, kinds of masks and distributions.
 */
#ifndef HARNESS_HUNT_SPACE_LIMITS_H
#define HARNESS_HUNT_SPACE_LIMITS_H

#include "harness/hunt/free_key.h"
#include "harness/support/yaml.h"

/* Whether a node is A..B of a field of numbers, without a step. */
bool limits_is_range(const struct field *field, const struct yaml_node *node);

/* Ends that the field takes, the first up to the second; ERROR_USAGE at the node's place. One number is both ends. */
enum error_kind limits_read_whole(int64_t *least, int64_t *greatest, const struct field *field,
                                  const struct yaml_node *node, struct error *error);
enum error_kind limits_read_real(struct real_limits *limits, const struct field *field, const struct yaml_node *node,
                                 struct error *error);

/* NAME, [NAME, ...] or {distribution: ..., PARAMETER: A..B}. */
enum error_kind limits_read_input(struct free_key *key, const struct yaml_node *node, struct error *error);

/* KIND or [KIND, ...]. */
enum error_kind limits_read_mask(struct free_key *key, const struct yaml_node *node, struct error *error);

#endif
