/*
 * Recipes as cases have them: a name of the library, or a mapping.
 *
 *     {base: vllm-paged-v2, epsilon: 0}      fields override those of the base; `default` if no base is named
 */
#ifndef HARNESS_CASE_CASE_RECIPE_H
#define HARNESS_CASE_CASE_RECIPE_H

#include "harness/case/recipe_entry.h"
#include "harness/support/yaml.h"

/* Reads the value of the case key `recipe` that is no `all`: a name of the library or a mapping. *entry is the
 * library's or, if it is owned, the caller's. */
enum error_kind recipe_value_parse(const struct yaml_node *node, const struct recipe_entry **entry,
                                   struct error *error);

#endif
