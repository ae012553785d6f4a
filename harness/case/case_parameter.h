/*
 * Values of case keys that are a kind with parameters of its own: {distribution: outliers, channels: 8}, {window: 256}.
 *
 * The parameters are fields of one struct. The same rows read a mapping, compare two values, name them in a point's key
 * and put them into a record.
 */
#ifndef HARNESS_CASE_CASE_PARAMETER_H
#define HARNESS_CASE_CASE_PARAMETER_H

#include "harness/support/field.h"
#include "harness/support/yaml.h"

struct parameter_set {
    const char *what;    /* "distribution": what a kind is called in messages */
    const char *chooser; /* the mapping's key that names the kind; NULL: a kind's own parameter does */
    const struct field_kind *kinds;
    size_t kind_stride; /* bytes from one kind to the next */
    int num_kinds;
    const struct field_table *fields;
};

extern const struct parameter_set input_parameters; /* of struct input_spec, by distribution */
extern const struct parameter_set mask_parameters;  /* of struct mask_spec, by kind */

static inline const struct field_kind *parameter_kind(const struct parameter_set *set, int kind)
{
    return (const struct field_kind *)((const char *)set->kinds + (size_t)kind * set->kind_stride);
}

/* Whether one of the kinds, bit k for kind k, reads a field of the set. */
bool parameter_read_by(const struct parameter_set *set, size_t field, unsigned kinds);

/* Reads the name of a kind; ERROR_USAGE as "unknown distribution: ...; allowed: ALLOWED". */
enum error_kind parameter_kind_parse(const struct parameter_set *set, const char *allowed, const struct yaml_node *node,
                                     int *kind, struct error *error);

/* Reads every pair of the mapping but the chooser into spec, whose kinds have been read: bit k for kind k, at least
 * one. What a field owns may have been read by the time of an error. */
enum error_kind parameters_parse(const struct parameter_set *set, unsigned kinds, const struct yaml_node *mapping,
                                 void *spec, struct error *error);

#endif
