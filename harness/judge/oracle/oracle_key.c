/*
 * Oracles whose problems show single keys, and whose results are known without a truth: one of a single key, one where
 * no key is lost among the others.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"
#include "harness/judge/oracle/oracle_levels.h"

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
        lost[head] = levels_slack(absolute * fabs(scale));
    }
    free(q);
    return ERROR_NONE;
}

/* work->expected and work->allowed for it; what nothing is promised of is allowed anything. */
static enum error_kind expect_key(struct oracle_work *work, const struct problem *one, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    size_t dim = (size_t)one->head_dim, rows = (size_t)problem_rows(&work->trial.problem);
    struct trial_values *expected = &work->expected, *allowed = &work->allowed, *tolerated = &work->tolerated;
    double *lost = work->bound.lse;
    enum error_kind kind = solve_key(expected, lost, one, error);
    if (!kind)
        kind = trial_bound_at(allowed, expected, one, subject, work->inquiry->threads, error);
    if (!kind)
        oracle_tolerate_known(work, one, work->usual.reach);
    for (size_t row = 0; row < rows && !kind; row++) {
        bool promised = row < (size_t)one->num_heads && expected->lse[row] >= subject->least_logit;
        allowed->lse[row] = promised ? allowed->lse[row] + lost[row] : INFINITY;
        tolerated->lse[row] = promised ? oracle_tolerated_lse(work, expected->lse[row]) : INFINITY;
        for (size_t i = row * dim; i < (row + 1) * dim; i++) {
            allowed->out[i] = promised ? allowed->out[i] + LEVELS_COMMON_FACTOR * fabs(expected->out[i]) : INFINITY;
            tolerated->out[i] = promised ? tolerated->out[i] : INFINITY;
        }
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
    if (key < 0 || levels_know_less(problem)) {
        oracle_conclude(work, ORACLE_ONE_KEY, ORACLE_NOT_APPLICABLE, "%s",
                        key < 0 ? "no key is visible" : levels_know_less(problem));
        return ERROR_NONE;
    }
    enum error_kind kind = oracle_need_repeat(work, error);
    if (!kind)
        kind = oracle_need_usual(work, error);
    if (kind)
        return kind;
    trial_reload(&work->trial);
    const struct problem one = problem_of_key(problem, key);
    kind = expect_key(work, &one, error);
    if (!kind)
        kind = oracle_run_problem(work, &one, error);
    if (kind)
        return kind;
    levels_forgive_unwritten(work, problem);
    snprintf(run_was, sizeof run_was, "where key %lld is all there is", (long long)key);
    oracle_expect(work, ORACLE_ONE_KEY, &work->expected, &work->allowed, run_was);
    return ERROR_NONE;
}

/* ---- each key ---------------------------------------------------------------------------------------------------- */

enum error_kind check_each_key(struct oracle_work *work, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    const struct problem *problem = &work->trial.problem;
    const char *why = visible_near(problem, 0) < 0 ? "no key is visible" : levels_do_not_apply(work);
    if (why) {
        oracle_conclude(work, ORACLE_EACH_KEY, ORACLE_NOT_APPLICABLE, "%s", why);
        return ERROR_NONE;
    }
    enum error_kind kind = oracle_need_repeat(work, error);
    if (!kind)
        kind = oracle_need_usual(work, error);
    if (kind)
        return kind;
    trial_reload(&work->trial);
    kind =
        levels_load(&(struct levels_tensors){trial_change(&work->trial, TRIAL_Q), trial_change(&work->trial, TRIAL_K),
                                             trial_change(&work->trial, TRIAL_V)},
                    problem, problem->seq_len, error);
    if (kind)
        return kind;
    memset(trial_change(&work->trial, TRIAL_SLOPES), 0, work->trial.tensors[TRIAL_SLOPES].size_bytes);
    kind = levels_expect(work, problem, 0, error);
    if (!kind)
        kind = oracle_run(work, TRIAL_POISON_NAN, subject, error);
    if (!kind)
        levels_judge(work, ORACLE_EACH_KEY, problem, "where k and v tell keys apart");
    return kind;
}
