/*
 * Inputs from a description: problem_spec in, a problem with its tensors out.
 *
 * Every element is a pure function of (seed, tensor, index): a counter-based generator (Philox 4x32, Random123), so
 * any element can be made alone, in any order, by any number of threads, with the same bits on every machine.
 * Inputs are finite: a value that the dtype cannot hold becomes its largest finite one.
 */
#ifndef HARNESS_PROBLEM_GENERATE_H
#define HARNESS_PROBLEM_GENERATE_H

#include "harness/problem/distribution.h"
#include "harness/problem/problem_source.h"

/*
 * Makes the inputs of a part of spec; inputs is zeroed or what inputs_reuse left, and clear on an error. ERROR_SYSTEM
 * if memory is short. inputs_clear frees.
 */
enum error_kind inputs_generate(struct inputs *inputs, const struct problem_spec *spec, struct part part, int threads,
                                struct progress *progress, struct error *error);

/* The same, as problem_source_ops.open_newest has it. */
enum error_kind inputs_generate_newest(struct inputs *inputs, const struct problem_spec *spec, struct part part,
                                       int threads, struct progress *progress, struct error *error);

/* Keys more of a part that inputs_generate_newest has made, as problem_source_ops.add_keys has it. */
enum error_kind inputs_add_keys(struct inputs *inputs, const struct problem_spec *spec, struct part part,
                                struct key_range range, struct error *error);

/* Rows of k or v, as problem_source_ops.read_rows has it; inputs are those of any part of spec. */
enum error_kind inputs_generate_rows(const struct inputs *inputs, const struct problem_spec *spec, bool of_v,
                                     const int64_t *rows, size_t count, int threads, void *to, struct error *error);

/* A description as a source of its problem. */
struct generated_source {
    struct problem_source source; /* first */
    struct problem_spec spec;
};

/* The spec's pointers stay the caller's and outlive the source. */
struct generated_source generated_source(const struct problem_spec *spec);

#endif
