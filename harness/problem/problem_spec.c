#include "harness/problem/problem_spec.h"

#include <math.h>
#include <string.h>

const char *const kv_format_names[KV_FORMAT_COUNT] = {
    [KV_AS_DTYPE] = "same",
    [KV_E4M3] = "e4m3",
    [KV_E5M2] = "e5m2",
    [KV_E4M3FNUZ] = "e4m3fnuz",
};

const char *const soft_cap_names[SOFT_CAP_COUNT] = {
    [SOFT_CAP_NONE] = "none",
    [SOFT_CAP_BEFORE_BIAS] = "before_bias",
    [SOFT_CAP_AFTER_BIAS] = "after_bias",
};

const char *const sink_logits_names[SINKS_COUNT] = {
    [SINKS_NONE] = "none",
    [SINKS_VALUE] = "value",
    [SINKS_VALUES] = "values",
    [SINKS_NORMAL] = "normal",
};

double problem_spec_query_elements(const struct problem_spec *spec)
{
    return (double)problem_spec_queries(spec) * spec->num_heads * spec->head_dim;
}

double problem_spec_key_elements(const struct problem_spec *spec)
{
    return (double)spec->seq_len * spec->num_kv_heads * spec->head_dim;
}

struct problem problem_spec_shape(const struct problem_spec *spec)
{
    return (struct problem){
        .seq_len = spec->seq_len,
        .num_queries = problem_spec_queries(spec),
        .num_heads = spec->num_heads,
        .num_kv_heads = spec->num_kv_heads,
        .head_dim = spec->head_dim,
        .dtype = spec->dtype,
        .kv_format = spec->kv_format,
        .k_scale = spec->k_scale,
        .v_scale = spec->v_scale,
        .scale = spec->scale,
        .soft_cap = spec->soft_cap.where,
        .soft_cap_value = spec->soft_cap.value,
        .q_position = spec->q_position,
        .kv_offset = spec->kv_offset,
    };
}

int problem_spec_parts(const struct problem_spec *spec)
{
    double head_bytes =
        2.0 * (double)spec->seq_len * spec->head_dim * (double)dtypes[problem_spec_kv_dtype(spec)].size_bytes;
    if (head_bytes * spec->num_kv_heads <= 4.0 * PART_BYTES)
        return 1;
    int heads_a_part = head_bytes < PART_BYTES ? (int)(PART_BYTES / head_bytes) : 1;
    return (spec->num_kv_heads + heads_a_part - 1) / heads_a_part;
}

struct part problem_spec_part(const struct problem_spec *spec, int index)
{
    int parts = problem_spec_parts(spec), heads = (spec->num_kv_heads + parts - 1) / parts, first = index * heads;
    return (struct part){first, spec->num_kv_heads - first < heads ? spec->num_kv_heads - first : heads};
}

/* The largest part's share of the KV heads. */
static double part_share(const struct problem_spec *spec)
{
    return problem_spec_part(spec, 0).num_kv_heads / (double)spec->num_kv_heads;
}

double problem_spec_key_bytes(const struct problem_spec *spec)
{
    return part_share(spec) * problem_spec_key_elements(spec) * (double)dtypes[problem_spec_kv_dtype(spec)].size_bytes;
}

double problem_spec_bytes(const struct problem_spec *spec)
{
    double part = part_share(spec);
    double queries = part < 1 && problem_spec_queries(spec) > 1 ? 1 + part : 1; /* and the part's, side by side */
    return queries * problem_spec_query_elements(spec) * (double)dtypes[spec->dtype].size_bytes +
           2 * problem_spec_key_bytes(spec) + (double)spec->num_heads * (double)sizeof(float) +
           (spec->mask.kind != MASK_NONE ? (double)spec->seq_len : 0);
}

/* splitmix64's step and mix (Steele, Lea and Flood, 2014), a bijection of the seed for each sequence. */
uint64_t problem_spec_seed(const struct problem_spec *spec)
{
    uint64_t z = spec->seed + (uint64_t)spec->sequence * 0x9e3779b97f4a7c15u;
    if (spec->sequence == 0)
        return spec->seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct truth_contract problem_spec_contract(const struct problem_spec *spec)
{
    bool own_slopes = spec->slope_values != NULL;
    return (struct truth_contract){
        .of = spec->truth_of,
        .default_scale = spec->scale == (float)(1 / sqrt(spec->head_dim)),
        .convention = spec->slopes,
        .max_bias = own_slopes ? 0 : spec->max_bias,
        .head_offset = own_slopes ? 0 : spec->head_offset,
        .total_heads = own_slopes ? 0 : spec->total_heads,
    };
}

static bool slopes_equal(const struct problem_spec *a, const struct problem_spec *b)
{
    if (a->slopes != b->slopes || a->max_bias != b->max_bias || a->head_offset != b->head_offset ||
        a->total_heads != b->total_heads || a->num_slope_values != b->num_slope_values)
        return false;
    return a->num_slope_values == 0 ||
           memcmp(a->slope_values, b->slope_values, (size_t)a->num_slope_values * sizeof *a->slope_values) == 0;
}

static bool sinks_equal(const struct sink_spec *a, const struct sink_spec *b)
{
    return a->kind == b->kind && a->number == b->number && a->num_values == b->num_values &&
           (a->num_values == 0 || memcmp(a->values, b->values, (size_t)a->num_values * sizeof *a->values) == 0);
}

bool problem_spec_equal(const struct problem_spec *a, const struct problem_spec *b)
{
    return a->seq_len == b->seq_len && problem_spec_queries(a) == problem_spec_queries(b) &&
           a->num_heads == b->num_heads && a->num_kv_heads == b->num_kv_heads && a->head_dim == b->head_dim &&
           a->dtype == b->dtype && a->kv_format == b->kv_format && a->k_scale == b->k_scale &&
           a->v_scale == b->v_scale && a->scale == b->scale && slopes_equal(a, b) &&
           a->soft_cap.where == b->soft_cap.where && a->soft_cap.value == b->soft_cap.value &&
           sinks_equal(&a->sinks, &b->sinks) && a->kv_offset == b->kv_offset && a->q_position == b->q_position &&
           a->seed == b->seed && a->sequence == b->sequence && a->shared_prefix == b->shared_prefix &&
           a->truth_of == b->truth_of && input_spec_equal(&a->input, &b->input) && mask_spec_equal(&a->mask, &b->mask);
}
