/*
 * Distributions: what the elements of q, k and v are, each from its place alone.
 *
 * A distribution is a plain stream (Philox, random_stream.h) and, for some, a shape put over it in k and v: outlier
 * channels, cancelling pairs, a dominating key, a floor under the logits. Values are finite: what the dtype cannot hold
 * becomes its largest value.
 */
#ifndef HARNESS_PROBLEM_DISTRIBUTION_H
#define HARNESS_PROBLEM_DISTRIBUTION_H

#include "harness/problem/problem_spec.h"
#include "reference/error.h"
#include "reference/tensor_bounds.h"

enum tensor { TENSOR_Q, TENSOR_K, TENSOR_V };

/* What the shapes of a problem's distribution need, made once. Pointers are NULL where the distribution has no use. */
struct generator {
    const struct problem_spec *spec;
    size_t key_elements;   /* Hkv * D */
    bool may_overflow;     /* the dtype's range; a clamp of every value costs 6% */
    float *channel_factor; /* [Hkv, D] outliers: factor for outlier channels, 1 for the rest */
    float *decay;          /* [Hkv] cancelling: exp(-slope of the group's first head) */
    int64_t *dominating;   /* [Hkv] onehot: the key */
    const void *q;         /* onehot: [H, D], complete */
    float floor_query;     /* logit_floor: element 0 of q, */
    double floor_divisor;  /* and what makes a logit element 0 of k */
};

/* slopes[H] and q[H, D] are those of the whole problem; q may be filled in later, before k is made. ERROR_SYSTEM if
 * memory is short. generator_clear accepts a zeroed generator. */
enum error_kind generator_init(struct generator *generator, const struct problem_spec *spec, const float *slopes,
                               const void *q, struct error *error);
void generator_clear(struct generator *generator);

/* Whether q and k can hold what the logits of logit_floor are made of; true for every other distribution. */
bool logit_floor_fits(const struct problem_spec *spec);

/* Elements first .. first + count of a tensor, in its dtype, at elements[at]. */
void generator_make(const struct generator *generator, enum tensor tensor, size_t first, size_t count, void *elements,
                    size_t at);

/* What the distribution promises of every key of a part's KV heads: bounds->k and v have room for [part, D]. */
void generator_bounds(struct tensor_bounds *bounds, const struct generator *generator, struct part part);

/*
 * destination[i] = element first + i of the tensor, in f32, before it is rounded to the dtype and before outliers,
 * pairs, the dominating key and the floor are put in. The plain stream of the distribution; what generator_make starts
 * from.
 */
void input_stream(float *destination, const struct input_spec *input, uint64_t seed, enum tensor tensor, uint64_t first,
                  size_t count);

#endif
