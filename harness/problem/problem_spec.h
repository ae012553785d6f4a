/*
 * The description of a problem: everything that its inputs are made from, and that a record repeats.
 */
#ifndef HARNESS_PROBLEM_PROBLEM_SPEC_H
#define HARNESS_PROBLEM_PROBLEM_SPEC_H

#include "harness/problem/input_spec.h"
#include "harness/problem/mask.h"
#include "harness/problem/problem_source.h"
#include "reference/contract.h"
#include "reference/problem.h"
#include "reference/slopes.h"

extern const char *const kv_format_names[KV_FORMAT_COUNT]; /* "same", "e4m3", "e5m2", "e4m3fnuz" */

/* A soft cap of logits: C, where there is one. */
struct soft_cap_spec {
    enum soft_cap where;
    float value;
};

extern const char *const soft_cap_names[SOFT_CAP_COUNT]; /* "none", "before_bias", "after_bias" */

/* Learned sinks: none, one for all heads, one a head, or drawn from N(0, number). */
enum sink_logits_kind { SINKS_NONE, SINKS_VALUE, SINKS_VALUES, SINKS_NORMAL, SINKS_COUNT };

extern const char *const sink_logits_names[SINKS_COUNT];

struct sink_spec {
    enum sink_logits_kind kind;
    float number;        /* the value, or the standard deviation */
    int num_values;      /* num_heads for SINKS_VALUES, else 0 */
    const float *values; /* [num_values], finite, the owner's */
};

struct problem_spec {
    int64_t seq_len;
    int num_queries; /* 0 is 1 */
    int num_heads, num_kv_heads, head_dim;
    enum dtype dtype;
    enum kv_format kv_format;
    float k_scale, v_scale; /* of an fp8 cache */
    float scale;
    enum slope_convention slopes;
    double max_bias;
    int head_offset, total_heads; /* slopes are those of heads head_offset.. of a model with total_heads */
    const float *slope_values;    /* [num_slope_values], finite, the owner's: slopes of their own, in place of all that;
                                   * NULL: none */
    int num_slope_values;         /* num_heads or 0 */
    struct soft_cap_spec soft_cap;
    struct sink_spec sinks;
    int64_t kv_offset; /* the position of key 0 */
    int64_t q_position;
    struct input_spec input;
    struct mask_spec mask;
    uint64_t seed;
    int sequence;           /* of a batch: each has q, k, v and a mask of its own, the first those of the seed */
    int64_t shared_prefix;  /* keys that a sequence has from the first one of the batch, k and v alike; of plain
                             * distributions alone */
    enum truth_of truth_of; /* what it is judged by; inputs do not depend on it */
};

enum { PART_BYTES = 512 << 20 }; /* k and v of a part, unless one KV head takes more */

static inline enum dtype problem_spec_kv_dtype(const struct problem_spec *spec)
{
    return kv_format_dtype(spec->kv_format, spec->dtype);
}

static inline struct part whole_problem(const struct problem_spec *spec)
{
    return (struct part){0, spec->num_kv_heads};
}

/* Queries, at least 1. */
static inline int problem_spec_queries(const struct problem_spec *spec)
{
    return problem_queries(&(struct problem){.num_queries = spec->num_queries});
}

/* The parts of a problem: one, or, if its k and v take more than 4 PART_BYTES, as many as keep each within PART_BYTES.
 * A matter of the spec alone, so that digests are the same on every machine. */
int problem_spec_parts(const struct problem_spec *spec);
struct part problem_spec_part(const struct problem_spec *spec, int index);

/* The problem without its tensors. */
struct problem problem_spec_shape(const struct problem_spec *spec);

/* Elements of q, and of k or v, of the whole problem. */
double problem_spec_query_elements(const struct problem_spec *spec);
double problem_spec_key_elements(const struct problem_spec *spec);

/* Bytes of memory that k, and v, of the problem's largest part take, and that all its inputs do. */
double problem_spec_key_bytes(const struct problem_spec *spec);
double problem_spec_bytes(const struct problem_spec *spec);

/* What the random streams of a spec's tensors and mask start from: its seed, for another sequence than the first
 * another one. */
uint64_t problem_spec_seed(const struct problem_spec *spec);

/* What the spec's truth is the truth of. */
struct truth_contract problem_spec_contract(const struct problem_spec *spec);

/* Whether two specs are the same in all that makes the inputs, and in what they are judged by. */
bool problem_spec_equal(const struct problem_spec *a, const struct problem_spec *b);

#endif
