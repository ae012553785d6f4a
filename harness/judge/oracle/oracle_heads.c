/* The oracle of heads: in another order, with their slopes, they give the same bits, and each row is its own, whatever
 * others score. */
#include <string.h>

#include "harness/judge/oracle/loud_query.h"
#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"
#include "harness/judge/oracle/oracle_together.h"

static void swap_rows(char *a, char *b, size_t size_bytes)
{
    char held[256];
    for (size_t at = 0; at < size_bytes; at += sizeof held) {
        size_t count = size_bytes - at < sizeof held ? size_bytes - at : sizeof held;
        memcpy(held, a + at, count);
        memcpy(a + at, b + at, count);
        memcpy(b + at, held, count);
    }
}

/* Reverses `count` rows. */
static void reverse_rows(char *rows, int count, size_t row_bytes)
{
    for (int i = 0; i < count / 2; i++)
        swap_rows(rows + (size_t)i * row_bytes, rows + (size_t)(count - 1 - i) * row_bytes, row_bytes);
}

/*
 * Another order of `count` groups of `group` rows: groups in reverse, and of every second one the rows too; of the
 * others the first row stays the first, and those behind it are in reverse. With all heads in reverse, or each in its
 * place within the group, a kernel that counts h modulo the KV heads would see a KV head's own query heads again.
 */
static void reorder_rows(char *rows, int count, int group, size_t row_bytes)
{
    reverse_rows(rows, count * group, row_bytes);
    for (int i = 1; i < count; i += 2) {
        char *moved = rows + (size_t)((count - 1 - i) * group) * row_bytes;
        reverse_rows(moved, group, row_bytes);
        reverse_rows(moved + row_bytes, group - 1, row_bytes);
    }
}

/* KV heads with their query heads, and those within each KV head. */
void heads_reorder(struct trial *trial)
{
    const struct problem *problem = &trial->problem;
    int kv_heads = problem->num_kv_heads, group = problem->num_heads / kv_heads;
    size_t query = (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
    size_t row = (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    char *k = trial_change(trial, TRIAL_K), *v = trial_change(trial, TRIAL_V);
    char *q = trial_change(trial, TRIAL_Q);
    for (int i = 0; i < problem_queries(problem); i++)
        reorder_rows(q + (size_t)(i * problem->num_heads) * query, kv_heads, group, query);
    reorder_rows(trial_change(trial, TRIAL_SLOPES), kv_heads, group, sizeof(float));
    if (problem->sink_logits)
        reorder_rows(trial_change(trial, TRIAL_SINKS), kv_heads, group, sizeof(float));
    for (int64_t key = 0; key < problem->seq_len; key++) {
        size_t at = (size_t)key * (size_t)kv_heads * row;
        reverse_rows(k + at, kv_heads, row);
        reverse_rows(v + at, kv_heads, row);
    }
}

void heads_reorder_values(struct trial_values *values, const struct problem *problem)
{
    int kv_heads = problem->num_kv_heads, group = problem->num_heads / kv_heads;
    for (int query = 0; query < problem_queries(problem); query++) {
        size_t row = (size_t)(query * problem->num_heads);
        reorder_rows((char *)(values->out + row * (size_t)problem->head_dim), kv_heads, group,
                     (size_t)problem->head_dim * sizeof(double));
        reorder_rows((char *)(values->lse + row), kv_heads, group, sizeof(double));
    }
}

const char *heads_have_no_order(const struct oracle_work *work)
{
    if (work->inquiry->subject->own_slopes)
        return "the recipe makes its own slopes";
    return work->trial.problem.num_heads == 1 ? "there is one head" : NULL;
}

static enum error_kind check_order(struct oracle_work *work, struct error *error)
{
    const struct trial_values *allowed;
    bool hold;
    enum error_kind kind = oracle_hold_together(work, ORACLE_HEAD_PERMUTATION, &hold, error);
    if (!kind && !hold)
        kind = oracle_allow_no_difference(work, &allowed, error);
    if (kind || hold)
        return kind;
    oracle_copy_values(work, &work->expected, &work->base);
    heads_reorder_values(&work->expected, &work->trial.problem);
    if (allowed) {
        heads_reorder_values(&work->allowed, &work->trial.problem);
        heads_reorder_values(&work->tolerated, &work->trial.problem);
    }
    trial_reload(&work->trial);
    heads_reorder(&work->trial);
    kind = oracle_run(work, TRIAL_POISON_NAN, work->inquiry->subject, error);
    if (!kind)
        oracle_expect(work, ORACLE_HEAD_PERMUTATION, &work->expected, allowed, "with the heads in another order");
    return kind;
}

/* Every second row, of queries and of heads, is loud. */
static bool is_loud(const struct oracle_work *work, int row)
{
    int heads = work->trial.problem.num_heads;
    return (uint64_t)(row / heads + row % heads) % 2 == trial_mix(work->inquiry->choice, 43) % 2;
}

/* What loud rows themselves come to is nothing of this oracle's. */
static void take_quiet_rows(struct oracle_work *work)
{
    size_t dim = (size_t)work->trial.problem.head_dim;
    for (int row = 0; row < problem_rows(&work->trial.problem); row++) {
        if (!is_loud(work, row))
            continue;
        memcpy(work->got.out + (size_t)row * dim, work->base.out + (size_t)row * dim, dim * sizeof(double));
        work->got.lse[row] = work->base.lse[row];
    }
}

/* A kernel may do the same for all rows of a tile, such as to rescale them, and so round a row otherwise. */
static enum error_kind check_beside_loud(struct oracle_work *work, struct error *error)
{
    double logit = oracle_loud_logit(work);
    trial_reload(&work->trial);
    void *q = trial_change(&work->trial, TRIAL_Q);
    for (int row = 0; row < problem_rows(&work->trial.problem); row++)
        if (is_loud(work, row))
            loud_query_make(q, &work->trial.problem, row, logit);
    enum error_kind kind = oracle_run(work, TRIAL_POISON_NAN, work->inquiry->subject, error);
    if (kind)
        return kind;
    take_quiet_rows(work);
    const bool same = oracle_first_difference(work, &work->base, NULL) < 0;
    if (!same)
        kind = oracle_allow_both_bounds(work, work->inquiry->subject, 0, error);
    if (!kind)
        oracle_expect(work, ORACLE_HEAD_PERMUTATION, &work->base, same ? NULL : &work->allowed,
                      "where every second row scores far more");
    return kind;
}

enum error_kind check_head_permutation(struct oracle_work *work, struct error *error)
{
    const char *why = heads_have_no_order(work);
    const bool beside = problem_rows(&work->trial.problem) > 1 && work->trial.problem.soft_cap == SOFT_CAP_NONE;
    enum error_kind kind = beside || !why ? oracle_need_base(work, error) : ERROR_NONE;
    if (!kind && !why)
        kind = check_order(work, error);
    if (!kind && beside && work->report->outcome[ORACLE_HEAD_PERMUTATION] != ORACLE_VIOLATED)
        kind = check_beside_loud(work, error);
    if (!kind && why && work->report->outcome[ORACLE_HEAD_PERMUTATION] != ORACLE_VIOLATED)
        oracle_conclude(work, ORACLE_HEAD_PERMUTATION, ORACLE_NOT_APPLICABLE, "%s", why);
    return kind;
}
