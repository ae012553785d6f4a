/*
 * What tensors do not say, from the options of `alibicheck judge`: numbers and names, each stated or refused.
 */
#ifndef HARNESS_COMMAND_JUDGE_FACTS_H
#define HARNESS_COMMAND_JUDGE_FACTS_H

#include "harness/command/judge_options.h"
#include "harness/command/judge_shape.h"
#include "harness/problem/problem_spec.h"

struct judge_facts {
    enum judge_layout layout;
    int kv_axis;                  /* of k and v in one tensor; -1: they are two */
    float scale;                  /* NAN: 1/sqrt(D) */
    bool slopes_named;            /* --slopes is a convention's name or none, and no file */
    enum slope_convention slopes; /* SLOPES_COUNT: none */
    bool lse_base_2;
    bool position_is_number;
    int64_t position, kv_offset;
    float k_scale, v_scale;
    struct soft_cap_spec soft_cap;
    int64_t page_size; /* 0: as the tensors have it */
    struct class_demand demand;
    struct tolerance tolerance; /* negative: the default of the dtype */
    bool paged;
    bool ragged_queries, ragged_keys; /* those of all sequences in one axis, one sequence behind the other */
};

/* ERROR_USAGE with the option, what is wrong or missing, and what is allowed. */
enum error_kind judge_facts_read(struct judge_facts *facts, const struct judge_options *options, struct error *error);

/* --class alone. */
enum error_kind judge_demand_read(struct class_demand *demand, const struct judge_options *options,
                                  struct error *error);

/* --tolerance alone; negative numbers where it says nothing. */
enum error_kind judge_tolerance_read(struct tolerance *tolerance, const struct judge_options *options,
                                     struct error *error);

#endif
