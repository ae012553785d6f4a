/*
 * The fields of struct recipe: a row each, by which it is read, written, compared and documented.
 */
#ifndef HARNESS_CASE_RECIPE_FIELD_H
#define HARNESS_CASE_RECIPE_FIELD_H

#include "harness/support/field.h"
#include "kernels/recipe.h"

enum { RECIPE_MAX_FIELDS = 60 };

extern const struct field_table recipe_fields; /* at most RECIPE_MAX_FIELDS */

/* The sound choice of every field: what the recipe `default` has. */
extern const struct recipe recipe_sound;

/* The field called name, or NULL. */
const struct field *recipe_field_find(const char *name);

/* A total order by all fields; the name is not one. */
int recipe_compare(const struct recipe *a, const struct recipe *b);

/* Whether two recipes have the same value of it. */
bool recipe_field_equal(const struct field *field, const struct recipe *a, const struct recipe *b);

enum { RECIPE_CONTRACT_TEXT_SIZE = 512 };

/* What the recipe takes a problem to be, or says of one, otherwise than it is: "slope_factor 0.125, window 127"; "" if
 * nothing. text: RECIPE_CONTRACT_TEXT_SIZE, returned. */
char *recipe_contract_format(char *text, const struct recipe *recipe);

/* A hash of the choices, the name apart. Sound ones count for nothing, so a recipe keeps its digest when recipes gain
 * fields. */
uint64_t recipe_digest(const struct recipe *recipe);

#endif
