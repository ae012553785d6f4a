/*
 * The recipes that have names: those of cases/recipes, which the program carries in itself, and the user's own.
 *
 * There is one library, read when it is first opened and only added to: a case file names recipes, and what reads case
 * files has no other way to them. Entries stay where they are until recipe_library_close. Not thread-safe, but for
 * hold and release; all else happens before work starts.
 */
#ifndef HARNESS_CASE_RECIPE_LIBRARY_H
#define HARNESS_CASE_RECIPE_LIBRARY_H

#include <stddef.h>

#include "harness/case/recipe_entry.h"

/* Reads the program's own recipes, unless that has been done. */
enum error_kind recipe_library_open(struct error *error);

/* For who is not the program: the program's own recipes are there from hold to release, which any thread may call, and
 * are freed by the last one. Nothing is added or closed meanwhile. */
enum error_kind recipe_library_hold(struct error *error);
void recipe_library_release(void);

/* Frees all entries; no case that names one may be used after. */
void recipe_library_close(void);

/* Adds the recipes of a file, or of every *.yaml and *.yml file below a folder in order of name; the library is left as
 * it was if one of them is wrong or its name exists. ERROR_USAGE as for case files. */
enum error_kind recipe_library_read(const char *path, struct error *error);

/* The same for a text in memory, called name in messages. */
enum error_kind recipe_library_parse(const char *name, const char *text, size_t size, struct error *error);

/* Of an open library: NULL if it has no such recipe; the entries in the order in which they were read. */
const struct recipe_entry *recipe_library_find(const char *name);
size_t recipe_library_count(void);
const struct recipe_entry *recipe_library_at(size_t index);

#endif
