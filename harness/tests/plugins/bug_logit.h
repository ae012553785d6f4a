/* What a key scores: product, soft cap and bias. */
#ifndef HARNESS_TESTS_PLUGINS_BUG_LOGIT_H
#define HARNESS_TESTS_PLUGINS_BUG_LOGIT_H

#include "harness/tests/plugins/bug_place.h"

static float slope_of(const struct row *row)
{
    const float slope = row->launch->slopes[row->head];
    const int heads = row->launch->num_heads;
    switch (BUG) {
    case BIAS_SCALED:
        return slope * row->launch->scale;
    case BIAS_REVERSED:
        return -slope;
    case SLOPES_DOUBLED:
        return 2 * slope;
    case SLOPES_SHIFTED:
        return row->launch->slopes[(row->head + heads / 3) % heads];
    case WIDE_SLOPES:
        return *(const float *)wide(row->launch->slopes, row->head);
    case SLOPES_BF16:
        return BF16(slope);
    case SLOPE_OF_KV_HEAD:
        return row->launch->slopes[kv_head(row)];
    case SLOPES_OF_64:
        return row->launch->slopes[row->head % 64];
    case SLOPES_OF_128:
        return row->launch->slopes[row->head % 128];
    case SLOPES_IF_LAST:
        return row->launch->slopes[heads - 1] != 0 ? slope : 0;
    case NO_BIAS_AT_96:
        return row->launch->head_dim == 96 ? 0 : slope;
    case NO_BIAS_ROWS_OF_64:
        return tile_row(row) >= 64 ? 0 : slope;
    case NO_BIAS_PAGES_OF_64:
        return row->launch->page_size == 64 ? 0 : slope;
    case NO_BIAS:
        return 0;
    default:
        return goes_wrong(row, BIAS_LOST) ? 0 : slope;
    }
}

/* Whether a key is in a page of the batch's first sequence. */
static bool in_first(const struct row *row, int64_t key)
{
    const launch_t *launch = row->launch;
    const int64_t i = row->sequence - launch->sequences, page = launch->page_size > 0 ? key / launch->page_size : -1;
    return page >= 0 && page < launch->max_pages &&
           launch->block_table[i * launch->max_pages + page] == launch->block_table[page];
}

static float bias_of(const struct row *row, int64_t key)
{
    const bool local = BUG == LOCAL || (BUG == LOCAL_QUERIES && row->launch->num_queries > 1) ||
                       (BUG == LOCAL_LONG_PAGED && is_long(row) && row->launch->page_size > 0) ||
                       goes_wrong(row, OFFSET_LOST);
    const bool once =
        BUG == PREFIX_ONCE || (BUG == PREFIX_OF_8 && row->launch->num_sequences >= 8 && in_first(row, 255));
    const sequence_t *counted = once && in_first(row, key) ? row->launch->sequences : row->sequence;
    const int64_t from = local ? 0 : row->sequence->kv_offset, query = counted->q_position - row->later;
    const float slope = slope_of(row);
    if (BUG == ABSOLUTE)
        return slope * (float)(from + key);
    if (BUG == BIAS_LATE)
        return slope * (float)(from + key - query - 1);
    if (BUG == DISTANCE_F16)
        return slope * F16((float)(from + key - query));
    return slope * (float)(from + key - query);
}

static float dot_of(const struct row *row, int64_t key)
{
    const launch_t *launch = row->launch;
    const int dim = launch->head_dim, padded = (dim + 15) / 16 * 16;
    const int lanes = BUG == PAD_DIRT ? padded : BUG == DIMS_OF_256 && dim > 256 ? 256 : dim;
    const row_t k = place(row, key, 0);
    const int query = BUG == QUERIES_OF_32 ? row->query % 32 : row->query;
    const int64_t q = first_of(launch, row->sequence, query, row->head, 0);
    float dot = 0;
    double exact = 0;
    for (int i = 0; i < lanes; i++) {
        const float a = load(row->sequence->q, launch->dtype, q + i % dim),
                    b = load_kv(k.elements, launch->kv_dtype, k.first + i % dim);
        dot = BUG == DOTS_F16 ? F16(dot + F16(a * b)) : dot + a * b;
        exact += (double)a * (double)b;
    }
    return BUG == DOUBLES ? (float)exact : dot;
}

static float tanh_of(float x)
{
    return BUG == TANH_BY_EXP ? (expf(2 * x) - 1) / (expf(2 * x) + 1) : tanhf(x);
}

static float logit_of(const struct row *row, int64_t key)
{
    const launch_t *launch = row->launch;
    const float dim = (float)launch->head_dim, padded = (float)((launch->head_dim + 15) / 16 * 16);
    const float scale = BUG == SCALE_OWN || (BUG == SCALE_OWN_LONG && is_long(row)) ? 1 / sqrtf(dim)
                        : BUG == PAD_SCALE ? launch->scale * sqrtf(dim / padded)
                                           : launch->scale;
    const float cap = launch->soft_cap;
    float logit = dot_of(row, key) * scale * cache_scale(row, launch->k_scale), bias = bias_of(row, key);
    if (key >= row->sequence->seq_len - row->later && (BUG == PAST_THE_END || BUG == TILE_PAST_END))
        return -INFINITY;
    if (cap > 0 && (launch->soft_cap_after_bias || BUG == CAP_OVER_BIAS))
        return cap * tanh_of((logit + bias) / cap);
    if (cap > 0 && BUG != NO_CAP && !(BUG == NO_CAP_LONG && row->sequence->seq_len > CHUNK) &&
        !(BUG == NO_CAP_LONG_BATCH && is_long(row) && launch->num_sequences > 1) && !goes_wrong(row, CAP_LOST))
        logit = cap * tanh_of(logit / cap);
    return logit + bias;
}

#endif
