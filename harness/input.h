/*
 * Inputs from a description: problem_spec in, a problem with its tensors out.
 *
 * Every element is a pure function of (seed, tensor, index): a counter-based generator (Philox 4x32, Random123), so
 * any element can be made alone, in any order, by any number of threads, with the same bits on every machine.
 * Inputs are finite: a value that the dtype cannot hold becomes its largest finite one.
 */
#ifndef HARNESS_INPUT_H
#define HARNESS_INPUT_H

#include "reference/problem.h"
#include "reference/progress.h"
#include "reference/slopes.h"

enum distribution {
    DISTRIBUTION_NORMAL,     /* mean + stddev * N(0, 1) */
    DISTRIBUTION_UNIFORM,    /* [low, high) */
    DISTRIBUTION_CONSTANT,   /* value */
    DISTRIBUTION_OUTLIERS,   /* normal, with a few channels of k (the same ones for all keys) `factor` times larger */
    DISTRIBUTION_CANCELLING, /* normal q and k; keys in pairs, from the newest, whose weighted v nearly cancel: k alike,
                              * v(newer) = -exp(-slope) v(older) rounded, slope that of the KV group's first head */
    DISTRIBUTION_ONEHOT,     /* normal, and for each KV head one of the newest 8 keys that takes all the weight of the
                              * group's first head: k = factor * q of that head */
    DISTRIBUTION_COUNT
};

extern const char *const distribution_names[DISTRIBUTION_COUNT];

/* A parameter that the distribution does not name keeps its default and is not read. */
struct input_spec {
    enum distribution distribution;
    double mean, stddev; /* normal, outliers, cancelling, onehot: 0, 1 */
    double low, high;    /* uniform: -1, 1 */
    double value;        /* constant: 1 */
    int channels;        /* outliers: 4 (at most head_dim) */
    double factor;       /* outliers: 30; onehot: 8, the dominating key is factor * q */
};

extern const struct input_spec input_spec_default; /* normal, all parameters at their defaults */

struct problem_spec {
    int64_t seq_len;
    int num_heads, num_kv_heads, head_dim;
    enum dtype dtype;
    float scale;
    enum slope_convention slopes;
    double max_bias;
    int head_offset, total_heads; /* slopes are those of heads head_offset.. of a model with total_heads */
    int64_t q_position;
    struct input_spec input;
    uint64_t seed;
};

/* A problem and the memory behind it. */
struct inputs {
    struct problem problem;
    uint64_t digest; /* XXH3_64bits of q, k, v, slopes as one run of bytes; three times as fast as XXH64 */
    void *q, *k, *v;
    float *slopes;
};

/*
 * Makes the inputs of spec; inputs is overwritten. ERROR_SYSTEM if memory is short. inputs_clear frees; a zeroed
 * struct may be cleared.
 */
enum error_kind inputs_generate(struct inputs *inputs, const struct problem_spec *spec, int threads,
                                struct progress *progress, struct error *error);
void inputs_clear(struct inputs *inputs);

enum tensor { TENSOR_Q, TENSOR_K, TENSOR_V };

/*
 * destination[i] = element first + i of the tensor, in f32, before it is rounded to the dtype and before outliers,
 * pairs and the dominating key are put in. The plain stream of the distribution; what inputs_generate starts from.
 */
void input_stream(float *destination, const struct input_spec *input, uint64_t seed, enum tensor tensor, uint64_t first,
                  size_t count);

/* Bytes of memory that the problem's q, k, v and slopes take. */
double problem_spec_bytes(const struct problem_spec *spec);

/* Whether two specs describe the same inputs, so that one truth serves both. */
bool problem_spec_equal(const struct problem_spec *a, const struct problem_spec *b);

#endif
