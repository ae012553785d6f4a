/* The recipes that the program carries in itself: cases/recipes/<name>.yaml one after another, as the Makefile puts
 * them together. */
#ifndef HARNESS_CASE_RECIPE_TEXT_H
#define HARNESS_CASE_RECIPE_TEXT_H

#include <stddef.h>

const char *recipe_text(size_t *size);

#endif
