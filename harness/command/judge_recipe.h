/*
 * What an output is said to have been made with, from --recipe and what belongs to it: a kernel that comes with the
 * program, with a recipe. Nothing is run; the roundings of that kernel bound the error.
 */
#ifndef HARNESS_COMMAND_JUDGE_RECIPE_H
#define HARNESS_COMMAND_JUDGE_RECIPE_H

#include "harness/command/judge_exhibit.h"

/*
 * A case of one point called name, whose own problem means nothing, as input->cases; what the points of tensors are of.
 * Its kernel, recipe, chunk_len and budget are those that the options say, `dumped` where they say none of a folder's
 * (NULL: there is no folder). ERROR_USAGE with the option and what is allowed.
 */
enum error_kind judge_recipe_read(struct judge_input *input, const char *name, const struct judge_options *options,
                                  const struct dumped_point *dumped, struct error *error);

/* ERROR_USAGE for rows of a length, and for dtypes, that the kernel does not take with its recipe: nothing is known of
 * its order then. */
enum error_kind judge_recipe_check(const struct judge_input *input, const struct problem_spec *spec,
                                   struct error *error);

/* Puts what a pass asks into a point of the case, whose problem is there, and what is derived of that; the recipe
 * stays. Negative parts of the tolerance have the dtype's default. */
void judge_recipe_apply(struct point *point, const struct judge_input *input, const struct tolerance *tolerance);

#endif
