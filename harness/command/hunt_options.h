/*
 * What `alibicheck hunt` is asked for.
 */
#ifndef HARNESS_COMMAND_HUNT_OPTIONS_H
#define HARNESS_COMMAND_HUNT_OPTIONS_H

#include <argp.h>

#include "harness/command/foreign_kernel.h"
#include "harness/run/selection.h"
#include "harness/hunt/objective.h"

/* Strings belong to the caller. */
struct hunt_options {
    struct selection_options selection;
    struct foreign_options foreign;
    struct strings vary;
    long evaluations, shrink_evaluations;
    bool evaluations_said, shrink_said, seed_said;
    uint64_t seed;
    enum objective objective; /* OBJECTIVE_COUNT: by what there is a bound for */
    bool random, resume, any_build, json;
    double time_limit_s;         /* 0: no limit */
    const char *results, *write; /* NULL: none */
};

/* Its parser's input is a struct hunt_options, zeroed but for selection.of_axes and objective; vary is to be freed. */
const struct argp *hunt_parser(void);

/* The field of an option's value, for completion. NULL: none. */
const struct field *hunt_option_field(int option);

#endif
