/*
 * Numbers that a case gives for each head: {values: [0.5, 0.25]}.
 */
#ifndef HARNESS_CASE_HEAD_VALUES_H
#define HARNESS_CASE_HEAD_VALUES_H

#include "harness/support/field.h"
#include "harness/support/yaml.h"

extern const char head_values_name[]; /* of the list: "values" */

/* *values = malloc(*count), the numbers of a list, each as element allows. field: of which they are the value, allowed:
 * what it allows. Nothing is left to free after an error. */
enum error_kind head_values_read(float **values, size_t *count, const struct yaml_node *list,
                                 const struct field *element, const struct field *field, const char *allowed,
                                 struct error *error);

/* <0, 0, >0. */
int head_values_compare(const float *a, size_t count_a, const float *b, size_t count_b);

/* "values:0.5:0.25" or, of many, their number and hash: "values:112:0123456789abcdef". text: FIELD_TEXT_SIZE. */
char *head_values_format(char *text, const float *values, size_t count);

#endif
