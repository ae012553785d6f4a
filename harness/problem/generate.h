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
#include "reference/problem.h"
#include "reference/progress.h"
#include "reference/tensor_bounds.h"

/* A problem, or a part of one, and the memory behind it. */
struct inputs {
    struct problem problem;      /* of the part: num_heads, num_kv_heads, q, slopes are the part's */
    uint64_t digest;             /* XXH3_64bits of the part's q, k, v, slopes and, if any, visible; faster than XXH64 */
    void *q, *k, *v;             /* q of all heads; k and v of the part, [N, part, D] */
    float *slopes;               /* of all heads */
    uint8_t *visible;            /* [N], the same in every part; NULL without a mask */
    struct tensor_bounds bounds; /* what the distribution promises; problem.bounds where there are several parts */
};

/*
 * Makes the inputs of a part of spec; inputs is overwritten. ERROR_SYSTEM if memory is short. inputs_clear frees; a
 * zeroed struct may be cleared.
 */
enum error_kind inputs_generate(struct inputs *inputs, const struct problem_spec *spec, struct part part, int threads,
                                struct progress *progress, struct error *error);
void inputs_clear(struct inputs *inputs);

#endif
