/*
 * Recipes as YAML: mappings of the fields of struct recipe (recipe_field.h).
 *
 *     {base: vllm-paged-v2, epsilon: 0}      fields override those of the base; `default` if no base is named
 */
#ifndef HARNESS_CASE_CASE_RECIPE_H
#define HARNESS_CASE_CASE_RECIPE_H

#include <stdio.h>

#include "harness/case/recipe_field.h"
#include "harness/support/yaml.h"

/* A recipe and what it is called. Made by recipe_entry_new; recipe.name is name. */
struct recipe_entry {
    struct recipe recipe;
    char name[RECIPE_TEXT_SIZE]; /* of an inline one without a name: "BASE:FIELD=VALUE:..." */
    char *about, *source;        /* one line each; NULL for inline ones */
    char *path;                  /* of the file, NULL for inline ones, and where in it */
    int line, column;
    bool owned; /* by the case that it stands in, not by the library */
};

struct recipe_entry *recipe_entry_new(struct error *error);
void recipe_entry_free(struct recipe_entry *entry); /* accepts NULL */

/* An entry of the library as a YAML document that reads back as the same, without what `default` has too. */
void recipe_print(FILE *stream, const struct recipe_entry *entry);

/* The table that documents the fields: key, values, default, meaning. */
void recipe_print_keys(FILE *stream);

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

/* Reads the value of the case key `recipe` that is no `all`: a name of the library or a mapping. *entry is the
 * library's or, if it is owned, the caller's. */
enum error_kind recipe_value_parse(const struct yaml_node *node, const struct recipe_entry **entry,
                                   struct error *error);

#endif
