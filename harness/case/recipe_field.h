/*
 * The fields of struct recipe as text: one table row a field parses it, prints it, compares it and documents it.
 */
#ifndef HARNESS_CASE_RECIPE_FIELD_H
#define HARNESS_CASE_RECIPE_FIELD_H

#include "harness/support/yaml.h"
#include "kernels/recipe.h"

struct recipe_field;

/* How fields of one type are read and written. */
struct recipe_field_type {
    enum error_kind (*parse)(const struct recipe_field *field, const struct yaml_node *node, struct recipe *recipe,
                             struct error *error);
    /* As parse reads it, different for different values. text: RECIPE_FIELD_TEXT_SIZE. */
    char *(*format)(char *text, const struct recipe_field *field, const struct recipe *recipe);
    /* What is allowed, for messages and documentation. text: RECIPE_ALLOWED_SIZE. */
    char *(*allowed)(char *text, const struct recipe_field *field);
};

enum { RECIPE_FIELD_TEXT_SIZE = 48, RECIPE_ALLOWED_SIZE = 256, NUM_RECIPE_FIELDS = 28 };

struct recipe_field {
    const char *name;
    const struct recipe_field_type *type;
    size_t offset, size; /* in struct recipe; equal values have equal bytes */
    const char *const *choices;
    int num_choices;
    double least, greatest; /* numbers, whole ones too */
    const char *about;
};

extern const struct recipe_field recipe_fields[NUM_RECIPE_FIELDS];

/* The sound choice of every field: what the recipe `default` has. */
extern const struct recipe recipe_sound;

/* The field called name, or NULL. */
const struct recipe_field *recipe_field_find(const char *name);

/* A total order by all fields; the name is not one. */
int recipe_compare(const struct recipe *a, const struct recipe *b);

/* Puts one field of from into recipe. */
void recipe_field_copy(const struct recipe_field *field, struct recipe *recipe, const struct recipe *from);

/* Whether two recipes have the same value of it. */
bool recipe_field_equal(const struct recipe_field *field, const struct recipe *a, const struct recipe *b);

#endif
