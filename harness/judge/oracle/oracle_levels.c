#include "harness/judge/oracle/oracle_levels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/oracle/oracle_allowance.h"

const char *levels_know_less(const struct problem *problem)
{
    return problem->sink_logits || problem->soft_cap != SOFT_CAP_NONE
               ? "logits are capped, or learned sinks have weight"
               : NULL;
}

const char *levels_do_not_apply(const struct oracle_work *work)
{
    if (work->inquiry->subject->own_slopes)
        return "the recipe makes its own slopes";
    if (work->inquiry->subject->least_logit > -1)
        return "logits of 0 are too near the recipe's sentinel";
    return levels_know_less(&work->trial.problem);
}

enum { LEVELS = 8, KINDS = 64 };
#define LARGEST_K 1.0
#define LARGEST_V 0.5

static int level_of(int64_t key, int kv_head)
{
    return (int)(trial_mix((uint64_t)key, (uint64_t)kv_head) % LEVELS);
}

static int kind_of(int64_t key, int kv_head)
{
    return (int)(trial_mix((uint64_t)key, (uint64_t)kv_head) / LEVELS % KINDS);
}

static float level(int index)
{
    return (float)(index - LEVELS / 2) / 4;
}

float levels_element(int kind, int dim)
{
    uint64_t bits = trial_mix((uint64_t)kind, (uint64_t)dim + 1000);
    float magnitude = (float)(1 + bits % 4) / 8;
    return bits >> 8 & 1 ? -magnitude : magnitude;
}

float levels_query(const struct problem *problem)
{
    double reach = fabs(problem_logit_scale(problem)) * problem->head_dim;
    int exponent = reach > 0 ? -ilogb(reach) - 1 : 0;
    return ldexpf(1, exponent < -14 ? -14 : exponent > 7 ? 7 : exponent);
}

/* Rows of k and v, [LEVELS, D] and [KINDS, D], in the cache's dtype. */
static void fill_tables(char *k, char *v, enum dtype dtype, size_t dim)
{
    size_t size = dtypes[dtype].size_bytes;
    for (size_t i = 0; i < LEVELS * dim; i++)
        dtype_narrow(dtype, k + i * size, 0, 1, &(float){level((int)(i / dim))});
    for (size_t i = 0; i < KINDS * dim; i++)
        dtype_narrow(dtype, v + i * size, 0, 1, &(float){levels_element((int)(i / dim), (int)(i % dim))});
}

void levels_load_query(void *q, const struct problem *problem)
{
    size_t elements = (size_t)problem_elements(problem), size = dtypes[problem->dtype].size_bytes;
    float query = levels_query(problem);
    dtype_narrow(problem->dtype, q, 0, 1, &query);
    for (size_t i = 1; i < elements; i++)
        memcpy((char *)q + i * size, q, size);
}

enum error_kind levels_load(const struct levels_tensors *tensors, const struct problem *problem, int64_t num_keys,
                            struct error *error)
{
    enum dtype dtype = problem_kv_dtype(problem);
    size_t dim = (size_t)problem->head_dim, row = dim * dtypes[dtype].size_bytes;
    char *tables = malloc((LEVELS + KINDS) * row), *kinds = tables + LEVELS * row;
    if (!tables)
        return error_memory(error, "rows of k and v", (double)((LEVELS + KINDS) * row));
    fill_tables(tables, kinds, dtype, dim);
    char *k = tensors->k, *v = tensors->v;
    for (int64_t key = 0; key < num_keys; key++)
        for (int head = 0; head < problem->num_kv_heads; head++, k += row, v += row) {
            memcpy(k, tables + (size_t)level_of(key, head) * row, row);
            memcpy(v, kinds + (size_t)kind_of(key, head) * row, row);
        }
    levels_load_query(tensors->q, problem);
    free(tables);
    return ERROR_NONE;
}

/* Visible keys of a query's level and kind. */
struct key_counts {
    double counts[LEVELS][KINDS];
};

/* The exact row of a query and a KV head. */
static void row_of_counts(double *out, double *lse, const struct key_counts *keys, const struct problem *problem)
{
    double step = problem_logit_scale(problem) * problem->head_dim * (double)levels_query(problem), max = -INFINITY,
           sum = 0;
    double weights[LEVELS] = {0};
    for (int l = 0; l < LEVELS; l++)
        for (int kind = 0; kind < KINDS; kind++)
            if (keys->counts[l][kind] > 0)
                max = fmax(max, step * (double)level(l));
    for (int d = 0; d < problem->head_dim; d++)
        out[d] = 0;
    *lse = max;
    if (max == -INFINITY)
        return;
    for (int l = 0; l < LEVELS; l++) {
        weights[l] = exp(fmin(step * (double)level(l) - max, 0)); /* of a level without keys, it does not matter */
        for (int kind = 0; kind < KINDS; kind++)
            sum += keys->counts[l][kind] * weights[l];
    }
    *lse = max + log(sum);
    for (int kind = 0; kind < KINDS; kind++) {
        double weight = 0;
        for (int l = 0; l < LEVELS; l++)
            weight += keys->counts[l][kind] * weights[l];
        for (int d = 0; d < problem->head_dim; d++)
            out[d] += weight / sum * (double)levels_element(kind, d);
    }
    for (int d = 0; d < problem->head_dim; d++)
        out[d] *= problem_value_scale(problem);
}

static void count_and_expect(struct trial_values *expected, const struct problem *problem, int64_t first_key)
{
    size_t dim = (size_t)problem->head_dim;
    int group = problem->num_heads / problem->num_kv_heads;
    for (int query = 0; query < problem_queries(problem); query++)
        for (int kv_head = 0; kv_head < problem->num_kv_heads; kv_head++) {
            struct key_counts keys = {0};
            int64_t end = problem->seq_len - (problem_queries(problem) - 1 - query);
            for (int64_t key = 0; key < end; key++)
                if (problem_visible(problem, key))
                    keys.counts[level_of(first_key + key, kv_head)][kind_of(first_key + key, kv_head)]++;
            size_t first = (size_t)(query * problem->num_heads + kv_head * group);
            row_of_counts(expected->out + first * dim, expected->lse + first, &keys, problem);
            for (size_t row = first + 1; row < first + (size_t)group; row++) {
                memcpy(expected->out + row * dim, expected->out + first * dim, dim * sizeof(double));
                expected->lse[row] = expected->lse[first];
            }
        }
}

/* Takes a factor common to a row, which is constant_v's, into what is expected: of all factors near 1 the one that
 * brings the row nearest to what came, of which the bounds of its elements allow so much. */
static void expect_common_factors(struct oracle_work *work, const struct problem *problem)
{
    size_t dim = (size_t)problem->head_dim;
    for (size_t row = 0; row < (size_t)problem_rows(problem); row++) {
        double *expected = work->expected.out + row * dim, *allowed = work->allowed.out + row * dim;
        const double *got = work->got.out + row * dim;
        double square = 0, off = 0, off_allowed = 0;
        for (size_t d = 0; d < dim; d++) {
            square += expected[d] * expected[d];
            off += expected[d] * (got[d] - expected[d]);
            off_allowed += fabs(expected[d]) * allowed[d];
        }
        if (!(square > 0) || !(fabs(off) <= LEVELS_COMMON_FACTOR * square) || !isfinite(off_allowed))
            continue;
        for (size_t d = 0; d < dim; d++) {
            allowed[d] += fabs(expected[d]) * off_allowed / square;
            expected[d] *= 1 + off / square;
        }
    }
}

/* Whether 16 bits hold q.k, where k comes to so much, and logits so that weights are near theirs. */
static bool has_room(const struct problem *problem, double largest_k)
{
    enum { LARGEST_LOGIT = 32 };
    const double dot = (double)levels_query(problem) * problem->head_dim * largest_k;
    return dot < dtypes[DTYPE_F16].max && dot * fabs(problem_logit_scale(problem)) < LARGEST_LOGIT;
}

enum error_kind levels_allow(struct oracle_work *work, const struct problem *problem, double largest_k,
                             struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    /* To wake threads costs more than such a problem's bounds do. */
    int threads = problem->seq_len * problem_elements(problem) < (1 << 20) ? 1 : work->inquiry->threads;
    enum error_kind kind = trial_bound_at(&work->allowed, &work->expected, problem, subject, threads, error);
    for (int64_t i = 0; i < problem_elements(problem); i++)
        work->allowed.out[i] += levels_slack(fabs(problem_value_scale(problem)));
    for (int row = 0; row < problem_rows(problem); row++)
        work->allowed.lse[row] = INFINITY; /* one_key's */
    if (!kind)
        oracle_tolerate_known(work, problem,
                              has_room(problem, largest_k) ? LARGEST_V * fabs(problem_value_scale(problem))
                                                           : (double)INFINITY);
    return kind;
}

enum error_kind levels_expect(struct oracle_work *work, const struct problem *problem, int64_t first_key,
                              struct error *error)
{
    count_and_expect(&work->expected, problem, first_key);
    return levels_allow(work, problem, LARGEST_K, error);
}

void levels_forgive_unwritten(struct oracle_work *work, const struct problem *problem)
{
    for (int64_t i = 0; i < problem_elements(problem); i++)
        if (work->poison_shows && isnan(work->got.out[i]))
            work->allowed.out[i] = INFINITY;
}

void levels_judge(struct oracle_work *work, enum oracle oracle, const struct problem *problem, const char *run_was)
{
    levels_forgive_unwritten(work, problem);
    expect_common_factors(work, problem);
    oracle_expect_of(work, oracle, problem, &work->expected, &work->allowed, run_was);
}
