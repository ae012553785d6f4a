/*
 * Distributions: what the elements of q, k and v are, each from its place alone. A distribution is a row of
 * distribution.c; generator.c makes elements by it.
 *
 * A distribution is a plain stream (Philox, random_stream.h) and, for some, a shape put over it in k and v: outlier
 * channels, cancelling pairs, a dominating key, a floor under the logits. Values are finite: what the dtype cannot hold
 * becomes its largest value.
 */
#ifndef HARNESS_PROBLEM_DISTRIBUTION_H
#define HARNESS_PROBLEM_DISTRIBUTION_H

#include "harness/problem/problem_spec.h"
#include "harness/problem/random_stream.h"
#include "kernels/random/variate.h"
#include "reference/error.h"
#include "reference/tensor_bounds.h"

enum tensor { TENSOR_Q, TENSOR_K, TENSOR_V };

enum { GENERATOR_BLOCK = 1024 }; /* elements that a stream makes at most at a time */

/* What the shapes of a problem's distribution need, made once. Pointers are NULL where the distribution has no use. */
struct generator {
    const struct problem_spec *spec;
    size_t key_elements;   /* Hkv * D */
    double largest;        /* finite value that both dtypes have */
    bool may_overflow;     /* the dtypes' range; a clamp of every value costs 6% */
    float *channel_factor; /* [Hkv, D] outliers: factor for outlier channels, 1 for the rest */
    float *decay;          /* [Hkv] cancelling: exp(-slope of the group's first head) */
    int64_t *dominating;   /* [Hkv] onehot: the key */
    const void *q;         /* onehot: [H, D], complete */
    float floor_query;     /* logit_floor: element 0 of q, */
    double floor_divisor;  /* what makes a logit element 0 of k, */
    double floor_key;      /* and no element 0 of k is larger */
};

/* A run of channels of one row. */
struct row_run {
    enum tensor tensor;
    int64_t key; /* of q: 0 */
    int head;    /* KV head; of q: query head */
    int channel; /* of values[0] */
};

/* All that is told of a distribution. */
struct distribution_info {
    struct field_kind kind; /* its name, what it reads of input_fields, the parameter with a default of its own */
    /* The largest magnitude of its stream's numbers. */
    double (*largest)(const struct input_spec *input);
    /* At most GENERATOR_BLOCK elements of the plain stream. */
    void (*stream)(float *values, const struct input_spec *input, struct random_stream stream, uint64_t first,
                   size_t count);
    /* The same elements, as any device makes them. NULL: there is a shape. */
    struct variate (*variate)(const struct input_spec *input);
    /* Makes what the shape needs. NULL: nothing. */
    enum error_kind (*prepare)(struct generator *generator, const float *slopes, struct error *error);
    /* Changes a run of one row's channels. NULL: q, k and v are the plain stream. */
    void (*shape)(const struct generator *generator, struct row_run run, float *values, size_t count);
};

extern const struct distribution_info distributions[DISTRIBUTION_COUNT];

/* What an input of the distribution is where nothing is said of its parameters. */
struct input_spec input_spec_of(enum distribution distribution);

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

/* sinks[count] from N(0, stddev), each head's from its number. */
void sink_stream(float *sinks, size_t count, uint64_t seed, float stddev);

#endif
