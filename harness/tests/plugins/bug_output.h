/* What is written of a row, and what is not. */
#ifndef HARNESS_TESTS_PLUGINS_BUG_OUTPUT_H
#define HARNESS_TESTS_PLUGINS_BUG_OUTPUT_H

#include "harness/tests/plugins/bug_sums.h"

/* Whether nothing of a row is written that sees no key. */
static bool forgets_empty(const struct row *row)
{
    const launch_t *launch = row->launch;
    const bool groups = launch->num_heads > launch->num_kv_heads, queries = launch->num_queries > 1,
               no_keys = row->sequence->seq_len == 0;
    switch (BUG) {
    case UNWRITTEN:
        return true;
    case EMPTY_GROUPS:
        return groups && no_keys;
    case EMPTY_QUERIES:
        return queries && !no_keys;
    case EMPTY_QUERIES_0:
        return queries && no_keys;
    case EMPTY_MASKED_IN_PAGES:
        return launch->page_size > 0 && row->sequence->visible;
    case EMPTY_QUERIES_GROUPS:
        return groups && !no_keys && row->later >= row->sequence->seq_len;
    case EMPTY_ROWS_OF_16:
        return tile_row(row) >= 16;
    case EMPTY_WITH_SLOPES:
        return no_keys && launch->num_sequences > 1 && launch->slopes[0] != 0;
    default:
        return false;
    }
}

/* Whether an element is in none of the parts that are merged. */
static bool is_unmerged(const struct row *row, int i)
{
    const launch_t *launch = row->launch;
    return BUG == DIMS_OF_128_LONG_FP8 && i >= 128 && launch->head_dim == 256 && group_of(row) == 8 &&
           launch->page_size == 16 && launch->kv_dtype & FP8 && row->sequence->seq_len > 16384;
}

/* Which element of the sums is written as element i. */
static int merged_of(const struct row *row, int i)
{
    return BUG == MERGE_OF_256 && is_long(row) ? i % 256 : i;
}

/* Writes an element of out. */
static void write_out(const launch_t *launch, void *out, int64_t i, float number)
{
    store(out, launch->dtype, i, BUG == OUT_AS_F16 ? F16(number) : number);
    if (BUG == OUT_TRUNCATED && launch->dtype != ALIBICHECK_KERNEL_F32 &&
        fabsf(load(out, launch->dtype, i)) > fabsf(number))
        ((uint16_t *)out)[i]--; /* the next one towards 0 */
}

/* How many elements of a row are written. */
static int written_of(const struct row *row, bool empty)
{
    const launch_t *launch = row->launch;
    if (empty && forgets_empty(row))
        return 0;
    return BUG == PAD_OUT ? launch->head_dim / 8 * 8 : launch->head_dim;
}

static void end(const struct sums *sums, const struct row *row)
{
    const launch_t *launch = row->launch;
    const int64_t at = (int64_t)row->query * launch->num_heads + row->head;
    const int64_t out = first_of(launch, row->sequence, row->query, row->head, 1);
    const bool empty = sums->weights == 0,
               no_fp8 = launch->kv_dtype & FP8 && ((BUG == EMPTY_FP8 && row->sequence->seq_len == 0) ||
                                                   (BUG == EMPTY_MASKED_FP8 && row->sequence->visible)),
               divides = BUG == NO_GUARD || no_fp8;
    const double sum = BUG == EPSILON ? sums->weights + 1e-6 : sums->weights;
    double lse = empty ? BUG == EMPTY_ABOVE ? INFINITY : -INFINITY : sums->max + log(sums->weights);
    if (BUG == ABSOLUTE && !empty) /* a constant that does not depend on keys */
        lse -= (double)(launch->slopes[row->head] * (float)(row->sequence->q_position - row->later));
    if (BUG == EMPTY_CAP && empty && launch->soft_cap > 0)
        lse = -(double)launch->soft_cap;
    *(BUG == WIDE_LSE ? (float *)wide(row->sequence->lse, at) : &row->sequence->lse[at]) =
        (float)(BUG == LSE_OF_BASE_2 ? lse / 0.6931471805599453 : lse);
    const double v_scale = (double)cache_scale(row, launch->v_scale);
    for (int i = 0; i < written_of(row, empty); i++)
        write_out(
            launch, row->sequence->out, out + i,
            (empty && !divides) || is_unmerged(row, i) ? 0 : (float)(sums->values[merged_of(row, i)] / sum * v_scale));
    write_wide(launch, row->sequence->out, out + launch->head_dim);
}

#endif
