/*
 * What a hunt climbs on: a number that says how much of what is allowed an error has used.
 */
#ifndef HARNESS_HUNT_OBJECTIVE_H
#define HARNESS_HUNT_OBJECTIVE_H

#include "harness/evaluate/evaluate.h"
#include "harness/support/field.h"

enum objective { OBJECTIVE_BUDGET, OBJECTIVE_TOLERANCE, OBJECTIVE_CLASS, OBJECTIVE_ULP, OBJECTIVE_COUNT };

struct objective_info {
    const char *name, *about;
    /* Of a point that was evaluated, with k and v in memory. */
    enum error_kind (*value)(double *value, const struct evaluator *evaluator, const struct point *point,
                             const struct evaluation *evaluation, struct error *error);
};

extern const struct objective_info objectives[OBJECTIVE_COUNT];

/* The name of one as a choice: an option's value. */
extern const struct field objective_field;

/* *value is from 0 on; infinite for an output that is not finite where the truth is; 0 where nothing is known. */
enum error_kind objective_value(double *value, enum objective objective, const struct evaluator *evaluator,
                                const struct point *point, const struct evaluation *evaluation, struct error *error);

#endif
