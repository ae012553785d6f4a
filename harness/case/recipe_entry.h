/*
 * A recipe with a name, and where it is from.
 */
#ifndef HARNESS_CASE_RECIPE_ENTRY_H
#define HARNESS_CASE_RECIPE_ENTRY_H

#include <stdio.h>

#include "harness/case/recipe_field.h"
#include "reference/error.h"

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

/* A row of it, whose texts are constants or in the row itself. False behind the last. */
enum { RECIPE_KEY_COLUMNS = 4 };
struct recipe_key_row {
    const char *cells[RECIPE_KEY_COLUMNS];
    char allowed[FIELD_ALLOWED_SIZE], sound[FIELD_TEXT_SIZE];
};
bool recipe_key_row(struct recipe_key_row *row, size_t index);

#endif
