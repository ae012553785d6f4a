/*
 * What a diagnosis says of an error that rounding does not explain: choices of the recipe that change results in exact
 * arithmetic, or a kernel that does something else than the replay.
 */
#ifndef HARNESS_COMMAND_DIAGNOSIS_RECIPE_H
#define HARNESS_COMMAND_DIAGNOSIS_RECIPE_H

#include "harness/command/findings.h"

void diagnose_recipe(struct diagnosis *diagnosis, const struct findings *findings);
void diagnose_device(struct diagnosis *diagnosis, const struct findings *findings);

/* Whether the recipe takes the problem to be another one, and in what. */
bool diagnosis_has_contract(const struct findings *findings);
void diagnosis_say_contract(struct diagnosis *diagnosis, const struct findings *findings);

#endif
