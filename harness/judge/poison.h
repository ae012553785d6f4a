/*
 * What an output is filled with before a launch, so that what is not written shows: a NaN of each dtype that no kernel
 * computes.
 */
#ifndef HARNESS_JUDGE_POISON_H
#define HARNESS_JUDGE_POISON_H

#include "reference/problem.h"

void output_poison(struct output *output, const struct problem *problem);

/* Whether an element still holds it. */
bool poison_is_at(enum dtype dtype, const void *elements, size_t index);

/* Gives every NaN one pattern: which sign and payload an operation gives it differs between devices. The poison, too,
 * so that nothing can be counted as unwritten afterwards. */
void output_unite_nans(struct output *output, const struct problem *problem);

#endif
