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
    /* Of a parameter that is no number; else NULL. Its text is NULL where it is not given. */
    enum error_kind (*parse)(const struct parameter *parameter, const struct yaml_node *node, void *spec,
                             struct error *error);
    const char *(*text)(const void *spec);
};

/* A row for a number of struct spec_type, called as its member is. */
#define PARAMETER_NUMBER(spec_type, member, kinds, number_type, from, to, says)                         \
    {                                                                                                   \
        .name = #member, .read_by = (kinds), .type = PARAMETER_##number_type,                           \
        .field = offsetof(struct spec_type, member), .least = (from), .greatest = (to), .allowed = says \
    }

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

/* kinds: bit k for kind k. */
static inline bool parameter_read_by(const struct parameter *parameter, unsigned kinds)
{
    return parameter->read_by & kinds;
}

/* Of a number. spec is the set's struct. Integers are below 2^53. */
double parameter_get(const struct parameter *parameter, const void *spec);

/* Reads the name of a kind; ERROR_USAGE as "unknown distribution: ...; allowed: ALLOWED". */
enum error_kind parameter_kind_parse(const struct parameter_set *set, const char *allowed, const struct yaml_node *node,
                                     int *kind, struct error *error);

/* Reads every pair of the mapping but the chooser into spec, whose kinds have been read: bit k for kind k, at least
 * one. Texts may have been read by the time of an error. */
enum error_kind parameters_parse(const struct parameter_set *set, unsigned kinds, const struct yaml_node *mapping,
                                 void *spec, struct error *error);

/* A total order of the parameters, in which those that a kind does not read count too. */
int parameters_compare(const struct parameter_set *set, const void *a, const void *b);

#endif
