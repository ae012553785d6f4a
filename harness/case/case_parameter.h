/*
 * Values of case keys that are a kind with numbers of its own: {distribution: outliers, channels: 8}, {window: 256}.
 *
 * A set describes the numbers as fields of one struct. The same rows read a mapping, compare two values, name them in
 * a point's key and put them into a record.
 */
#ifndef HARNESS_CASE_CASE_PARAMETER_H
#define HARNESS_CASE_CASE_PARAMETER_H

#include "harness/support/yaml.h"

enum parameter_type { PARAMETER_DOUBLE, PARAMETER_INT, PARAMETER_INT64 };

struct parameter {
    const char *name;
    unsigned read_by; /* bit k: kind k reads it */
    enum parameter_type type;
    size_t field; /* in the set's struct */
    double least, greatest;
    const char *allowed;
};

struct parameter_set {
    const char *what;         /* "distribution": what a kind is called in messages */
    const char *chooser;      /* the mapping's key that names the kind; NULL: a kind's own parameter does */
    const char *const *kinds; /* their names */
    int num_kinds;
    const struct parameter *parameters;
    size_t count;
};

extern const struct parameter_set input_parameters; /* of struct input_spec, by distribution */
extern const struct parameter_set mask_parameters;  /* of struct mask_spec, by kind */

static inline bool parameter_read_by(const struct parameter *parameter, int kind)
{
    return parameter->read_by >> kind & 1;
}

/* spec is the set's struct. Integers are below 2^53. */
double parameter_get(const struct parameter *parameter, const void *spec);

/* Reads the name of a kind; ERROR_USAGE as "unknown distribution: ...; allowed: ALLOWED". */
enum error_kind parameter_kind_parse(const struct parameter_set *set, const char *allowed, const struct yaml_node *node,
                                     int *kind, struct error *error);

/* Reads every pair of the mapping but the chooser into spec, whose kind has been read. */
enum error_kind parameters_parse(const struct parameter_set *set, int kind, const struct yaml_node *mapping, void *spec,
                                 struct error *error);

/* A total order of the parameters, in which those that a kind does not read count too. */
int parameters_compare(const struct parameter_set *set, const void *a, const void *b);

#endif
