/*
 * Fields as YAML has them. What is wrong is said at its place, as "NAME is out of range: 'TEXT'; allowed: ALLOWED".
 */
#ifndef HARNESS_SUPPORT_FIELD_YAML_H
#define HARNESS_SUPPORT_FIELD_YAML_H

#include "harness/support/field.h"
#include "harness/support/yaml.h"

/* Reads a node into the member: a single value, of a set also a list of names, of an own type what that takes.
 * ERROR_USAGE, and the member is as it was. */
enum error_kind field_read(const struct field *field, const struct yaml_node *node, void *member, struct error *error);

/* "NAME WHAT: TEXT; allowed: ALLOWED" at the node's place. */
enum error_kind field_error(const struct field *field, const struct yaml_node *node, const char *what,
                            struct error *error);

/* "unknown WHAT: TEXT; did you mean 'NAME'? allowed: ALLOWED", where field has the names. */
enum error_kind unknown_name_error(const char *what, const struct field *field, const struct yaml_node *node,
                                   const char *allowed, struct error *error);

/* The text of a scalar that has some, without NULs. */
enum error_kind scalar_check(const char *name, const char *allowed, const struct yaml_node *node, struct error *error);

/* A mapping's key as a name; ERROR_USAGE if it is no plain text. */
enum error_kind key_name_check(const struct yaml_node *node, struct error *error);

/* "duplicate key: TEXT; allowed: each key once". */
enum error_kind duplicate_key_error(const struct yaml_node *name, struct error *error);

#endif
