/*
 * Recipes as YAML: mappings of the fields of struct recipe (recipe_field.h) and of what else a reader takes.
 */
#ifndef HARNESS_CASE_RECIPE_YAML_H
#define HARNESS_CASE_RECIPE_YAML_H

#include "harness/support/yaml.h"
#include "kernels/recipe.h"

/* A pair of a mapping that is no field: its key and, once read, its value. */
struct recipe_extra {
    const char *name;
    const struct yaml_node *node; /* NULL: not given */
};

/*
 * Reads a mapping of fields and extras; the nodes of the extras are filled, their values left to the caller. *recipe
 * keeps what the mapping does not name. ERROR_USAGE at the offending pair.
 */
enum error_kind recipe_parse(const struct yaml_node *mapping, struct recipe_extra *extras, size_t num_extras,
                             struct recipe *recipe, struct error *error);

/* ERROR_USAGE if recipe, which mapping made of base, contradicts itself, at the pair without which it would not. */
enum error_kind recipe_check(const struct yaml_node *mapping, const struct recipe *base, const struct recipe *recipe,
                             struct error *error);

/* A recipe's name: a-z 0-9 . _ -, up to RECIPE_NAME_MAX of them. */
enum { RECIPE_NAME_MAX = 40 };
enum error_kind recipe_name_parse(const struct yaml_node *node, char *name, struct error *error);

#endif
