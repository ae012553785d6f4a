/*
 * The steps that a recipe rounds to a dtype narrower than f32, and what one of them does to a row: where it matters
 * most and by how much.
 */
#ifndef HARNESS_COMMAND_NARROW_STEP_H
#define HARNESS_COMMAND_NARROW_STEP_H

#include "harness/evaluate/evaluation.h"
#include "kernels/dialect/stage.h"

struct narrow_step;

/* The step of the recipe, as it is for the problem's dtype (recipe_for), in a stage; NULL: none is rounded. Of two in
 * one stage the coarser one. */
const struct narrow_step *narrow_step_in(const struct recipe *recipe, enum stage stage);

/* What is to be held in f32: "biases". */
const char *narrow_step_name(const struct narrow_step *step);

/* Where it is, and what it rounds to. */
enum stage narrow_step_stage(const struct narrow_step *step);
enum dtype narrow_step_dtype(const struct narrow_step *step, const struct recipe *recipe);

/* Whether it rounds what grows with the distance from where the bias is 0. */
bool narrow_step_is_of_bias(const struct narrow_step *step);

/* "the rounding of biases to bf16: at key 12, where it matters most, slope * j is 63 in base 2, and one bf16 ulp is
 * 0.25; half of it changes a weight by 9%". model: the kernel's with this recipe. */
void narrow_step_format(char *text, size_t size, const struct narrow_step *step, const struct recipe *recipe,
                        const struct rounding_model *model, const struct evaluation *evaluation, int head);

#endif
