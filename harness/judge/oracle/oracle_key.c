/*
 * Oracles whose problems show single keys, and whose results are known without a truth: one of a single key, one where
 * no key is lost among the others.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/oracle/oracle_checks.h"

/* A visible key at or before `key`, else the first one behind it; -1 if none is visible. */
static int64_t visible_near(const struct problem *problem, int64_t key)
{
    for (int64_t i = key < problem->seq_len ? key : -1; i >= 0; i--)
        if (problem_visible(problem, i))
            return i;
    for (int64_t i = key + 1; i < problem->seq_len; i++)
        if (problem_visible(problem, i))
            return i;
    return -1;
}

/* A factor common to a row is constant_v's to say, up to this far from 1, and what is not written at all is poison's.
 */
#define COMMON_FACTOR 0x1p-6

static void forgive_unwritten(struct oracle_work *work)
{
    for (int64_t i = 0; i < problem_elements(&work->trial.problem); i++)
        if (work->poison_shows && isnan(work->got.out[i]))
            work->allowed.out[i] = INFINITY;
}

/* Whether something beside keys and v has a part in the result, which these oracles do not know. */
static bool has_more(const struct problem *problem)
{
    return problem->sink_logits || problem->soft_cap != SOFT_CAP_NONE;
}

static const char more[] = "logits are capped, or learned sinks have weight";

/* What rounds f64's own sums, of numbers of this size. */
static double slack(double magnitude)
{
    return magnitude * 0x1p-44;
}

/* ---- one key ----------------------------------------------------------------------------------------------------- */

/* The last query's problem with one key, at which it stands, so that the bias is 0. */
static struct problem problem_of_key(const struct problem *problem, int64_t key)
{
    struct problem one = problem_query(problem, problem_queries(problem) - 1);
    size_t row =
        (size_t)problem->num_kv_heads * (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    size_t query = (size_t)problem->num_heads * (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
    one.q = (const char *)problem->q + (size_t)(problem_queries(problem) - 1) * query;
    one.num_queries = 1;
    one.seq_len = 1;
    one.kv_slots = 0;
    one.kv_offset = one.q_position = 0;
    one.k = (const char *)problem->k + (size_t)key * row;
    one.v = (const char *)problem->v + (size_t)key * row;
    one.visible = NULL;
    return one;
}

/* The exact result of one key, and what f64 may have lost of each lse. */
static enum error_kind solve_key(struct trial_values *exact, double *lost, const struct problem *one,
                                 struct error *error)
{
    size_t dim = (size_t)one->head_dim;
    double scale = problem_logit_scale(one), value_scale = problem_value_scale(one);
    float *q = malloc(3 * dim * sizeof *q), *k = q + dim, *v = k + dim;
    if (!q)
        return error_memory(error, "a key", (double)(3 * dim * sizeof *q));
    for (size_t head = 0; head < (size_t)one->num_heads; head++) {
        size_t row = problem_row(one, 0, problem_kv_head(one, (int)head));
        double sum = 0, absolute = 0;
        dtype_widen(one->dtype, one->q, head * dim, dim, q);
        dtype_widen(problem_kv_dtype(one), one->k, row, dim, k);
        dtype_widen(problem_kv_dtype(one), one->v, row, dim, v);
        for (size_t d = 0; d < dim; d++) {
            double product = (double)q[d] * (double)k[d];
            sum += product;
            absolute += fabs(product);
            exact->out[head * dim + d] = (double)v[d] * value_scale;
        }
        exact->lse[head] = sum * scale;
        lost[head] = slack(absolute * fabs(scale));
    }
    free(q);
    return ERROR_NONE;
}

/* work->expected and work->allowed for it; what nothing is promised of is allowed anything. */
static enum error_kind expect_key(struct oracle_work *work, const struct problem *one, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    size_t dim = (size_t)one->head_dim, rows = (size_t)problem_rows(&work->trial.problem);
    struct trial_values *expected = &work->expected, *allowed = &work->allowed;
    double *lost = work->bound.lse;
    enum error_kind kind = solve_key(expected, lost, one, error);
    if (!kind)
        kind = trial_bound_at(allowed, expected, one, subject, work->inquiry->threads, error);
    for (size_t row = 0; row < rows && !kind; row++) {
        bool promised = row < (size_t)one->num_heads && expected->lse[row] >= subject->least_logit;
        allowed->lse[row] = promised ? allowed->lse[row] + lost[row] : INFINITY;
        for (size_t i = row * dim; i < (row + 1) * dim; i++)
            allowed->out[i] = promised ? allowed->out[i] + COMMON_FACTOR * fabs(expected->out[i]) : INFINITY;
    }
    return kind;
}

/* One key, another one for another length or choice. */
enum error_kind check_one_key(struct oracle_work *work, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    uint64_t keys = (uint64_t)problem->seq_len;
    int64_t key = keys ? visible_near(problem, (int64_t)(trial_mix(keys, work->inquiry->choice) % keys)) : -1;
    char run_was[48];
    if (key < 0 || has_more(problem)) {
        oracle_conclude(work, ORACLE_ONE_KEY, ORACLE_NOT_APPLICABLE, "%s", key < 0 ? "no key is visible" : more);
        return ERROR_NONE;
    }
    enum error_kind kind = oracle_need_repeat(work, error);
    if (kind)
        return kind;
    trial_reload(&work->trial);
    const struct problem one = problem_of_key(problem, key);
    kind = expect_key(work, &one, error);
    if (!kind)
        kind = oracle_run_problem(work, &one, error);
    if (kind)
        return kind;
    forgive_unwritten(work);
    snprintf(run_was, sizeof run_was, "where key %lld is all there is", (long long)key);
    oracle_expect(work, ORACLE_ONE_KEY, &work->expected, &work->allowed, run_was);
    return ERROR_NONE;
}

/* ---- each key ---------------------------------------------------------------------------------------------------- */

/*
 * k of a key is one of LEVELS numbers in all its elements, its v one of KINDS rows of eighths; both by a mix of key and
 * KV head. q is one number, and slopes are 0. So a key's logit is one of LEVELS, all between -1 and 1 where the scale
 * allows, and out is a sum over LEVELS x KINDS counts: known to 2^-44, and other where a key is left out, counted
 * twice, or has another's v or weight.
 */
enum { LEVELS = 8, KINDS = 64 };

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

/* Eighths that e5m2 holds: 1, 2, 3, 4, of either sign. */
static float element(int kind, int dim)
{
    uint64_t bits = trial_mix((uint64_t)kind, (uint64_t)dim + 1000);
    float magnitude = (float)(1 + bits % 4) / 8;
    return bits >> 8 & 1 ? -magnitude : magnitude;
}

/* The number in q: a power of two by which logits come to at most 1, as far as every dtype has one. */
static float query_of(const struct problem *problem)
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
        dtype_narrow(dtype, v + i * size, 0, 1, &(float){element((int)(i / dim), (int)(i % dim))});
}

static enum error_kind load_levels(struct trial *trial, struct error *error)
{
    const struct problem *problem = &trial->problem;
    enum dtype dtype = problem_kv_dtype(problem);
    size_t dim = (size_t)problem->head_dim, row = dim * dtypes[dtype].size_bytes;
    char *tables = malloc((LEVELS + KINDS) * row), *kinds = tables + LEVELS * row;
    if (!tables)
        return error_memory(error, "rows of k and v", (double)((LEVELS + KINDS) * row));
    fill_tables(tables, kinds, dtype, dim);
    char *k = trial_change(trial, TRIAL_K), *v = trial_change(trial, TRIAL_V);
    for (int64_t key = 0; key < problem->seq_len; key++)
        for (int head = 0; head < problem->num_kv_heads; head++, k += row, v += row) {
            memcpy(k, tables + (size_t)level_of(key, head) * row, row);
            memcpy(v, kinds + (size_t)kind_of(key, head) * row, row);
        }
    trial_fill(trial, TRIAL_Q, 0, (size_t)problem_elements(problem), query_of(problem));
    memset(trial_change(trial, TRIAL_SLOPES), 0, trial->tensors[TRIAL_SLOPES].size_bytes);
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
    double step = problem_logit_scale(problem) * problem->head_dim * (double)query_of(problem), max = -INFINITY,
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
            out[d] += weight / sum * (double)element(kind, d);
    }
    for (int d = 0; d < problem->head_dim; d++)
        out[d] *= problem_value_scale(problem);
}

static void expect_levels(struct trial_values *expected, const struct problem *problem)
{
    size_t dim = (size_t)problem->head_dim;
    int group = problem->num_heads / problem->num_kv_heads;
    for (int query = 0; query < problem_queries(problem); query++)
        for (int kv_head = 0; kv_head < problem->num_kv_heads; kv_head++) {
            struct key_counts keys = {0};
            int64_t end = problem->seq_len - (problem_queries(problem) - 1 - query);
            for (int64_t key = 0; key < end; key++)
                if (problem_visible(problem, key))
                    keys.counts[level_of(key, kv_head)][kind_of(key, kv_head)]++;
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
static void expect_common_factors(struct oracle_work *work)
{
    size_t dim = (size_t)work->trial.problem.head_dim;
    for (size_t row = 0; row < (size_t)problem_rows(&work->trial.problem); row++) {
        double *expected = work->expected.out + row * dim, *allowed = work->allowed.out + row * dim;
        const double *got = work->got.out + row * dim;
        double square = 0, off = 0, off_allowed = 0;
        for (size_t d = 0; d < dim; d++) {
            square += expected[d] * expected[d];
            off += expected[d] * (got[d] - expected[d]);
            off_allowed += fabs(expected[d]) * allowed[d];
        }
        if (!(square > 0) || !(fabs(off) <= COMMON_FACTOR * square) || isinf(off_allowed))
            continue;
        for (size_t d = 0; d < dim; d++) {
            allowed[d] += fabs(expected[d]) * off_allowed / square;
            expected[d] *= 1 + off / square;
        }
    }
}

enum error_kind check_each_key(struct oracle_work *work, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    const struct problem *problem = &work->trial.problem;
    bool near_sentinel = subject->least_logit > -1, none = visible_near(problem, 0) < 0;
    if (subject->own_slopes || near_sentinel || none || has_more(problem)) {
        oracle_conclude(work, ORACLE_EACH_KEY, ORACLE_NOT_APPLICABLE, "%s",
                        subject->own_slopes ? "the recipe makes its own slopes"
                        : none              ? "no key is visible"
                        : has_more(problem) ? more
                                            : "logits of 0 are too near the recipe's sentinel");
        return ERROR_NONE;
    }
    enum error_kind kind = oracle_need_repeat(work, error);
    if (kind)
        return kind;
    trial_reload(&work->trial);
    kind = load_levels(&work->trial, error);
    if (kind)
        return kind;
    expect_levels(&work->expected, problem);
    kind = trial_bound_at(&work->allowed, &work->expected, problem, subject, work->inquiry->threads, error);
    for (int64_t i = 0; i < problem_elements(problem); i++)
        work->allowed.out[i] += slack(fabs(problem_value_scale(problem)));
    for (int row = 0; row < problem_rows(problem); row++)
        work->allowed.lse[row] = INFINITY; /* one_key's */
    if (!kind)
        kind = oracle_run(work, TRIAL_POISON_NAN, subject, error);
    if (kind)
        return kind;
    forgive_unwritten(work);
    expect_common_factors(work);
    oracle_expect(work, ORACLE_EACH_KEY, &work->expected, &work->allowed, "where k and v tell keys apart");
    return ERROR_NONE;
}
