/*
 * Keys that weigh little alone and something together: a few loud keys outweigh each of the others by so much that all
 * of these have a 32nd of the loud ones' weight or, of every second choice, the share that the type of out just shows.
 * A kernel that passes over keys, or tiles of keys, that score so far below the maximum so far loses that weight.
 *
 * Slopes are 0, q is one number, k is 0 but in the loud keys, and v is one row in these and another in the others. With
 * L loud keys of logit G and n others, out = v_scale (loud + r quiet) / (1 + r), where r = n exp(-G) / L.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"
#include "harness/judge/oracle/oracle_levels.h"

enum {
    SHARE = 32,     /* the loud keys' weight in units of the others' */
    FINEST = 4096,  /* the most of these, where what rounds out is less than a quarter of their share: */
    SHOWN = 4,      /* v differs by up to 1 */
    APART = 512,    /* keys from one loud key to the next, where there are more than two */
    KIND_QUIET = 0, /* of levels_element */
    KIND_LOUD = 1
};

/* Which keys are loud: the oldest and the newest that are visible, since kernels go either way, and in every second
 * choice more between them, since what has its keys in parts has a maximum for each. */
struct loud_keys {
    int64_t first, last, offset; /* offset < 0: none between */
    float element;               /* of their k, all of it */
    double logit;
};

static bool is_loud(const struct loud_keys *loud, int64_t key)
{
    return key == loud->first || key == loud->last || (loud->offset >= 0 && key % APART == loud->offset);
}

/* The loud keys' weight in units of the others'. The smaller the share of these is, the further below the maximum each
 * of them lies, whatever their number. */
static double share_of(const struct oracle_work *work)
{
    const double shown = ldexp(1, dtypes[work->trial.problem.dtype].significand_bits) / SHOWN;
    return trial_mix(work->inquiry->choice, 61) % 2 ? fmin(shown, FINEST) : SHARE;
}

/* Visible keys of a query. */
static void count_keys(int64_t counts[2], const struct loud_keys *loud, const struct problem *problem, int query)
{
    counts[false] = counts[true] = 0;
    for (int64_t key = 0; key < problem->seq_len - (problem_queries(problem) - 1 - query); key++)
        if (problem_visible(problem, key))
            counts[is_loud(loud, key)]++;
}

/* Chooses them for the last query, which sees all keys. What keeps the oracle from being tried, or NULL. */
static const char *choose(struct loud_keys *loud, const struct oracle_work *work)
{
    const struct problem *problem = &work->trial.problem;
    const uint64_t mix = trial_mix(work->inquiry->choice, 41);
    const double step = problem_logit_scale(problem) * problem->head_dim * (double)levels_query(problem);
    *loud = (struct loud_keys){.first = -1, .last = -1, .offset = mix % 2 ? (int64_t)(mix / 2 % APART) : -1};
    for (int64_t key = 0; key < problem->seq_len; key++)
        if (problem_visible(problem, key)) {
            loud->last = key;
            loud->first = loud->first < 0 ? key : loud->first;
        }
    int64_t counts[2];
    count_keys(counts, loud, problem, problem_queries(problem) - 1);
    if (counts[false] == 0)
        return loud->first < 0 ? "no key is visible" : "there are no keys between the oldest and the newest";
    const double wanted = log((double)counts[false] * share_of(work) / (double)counts[true]);
    float element = (float)(rint(4 * wanted / step) / 4); /* so that f32 adds up products without rounding */
    if (!(fabsf(element) <= dtypes[problem_kv_dtype(problem)].max))
        return "the scale leaves k no room for a loud key";
    loud->element = dtype_round(problem_kv_dtype(problem), element);
    loud->logit = step * (double)loud->element;
    return fabs(loud->logit - wanted) <= 1 ? NULL : "the scale leaves k no room for a loud key";
}

static enum error_kind load(struct oracle_work *work, const struct loud_keys *loud, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    const enum dtype dtype = problem_kv_dtype(problem);
    const size_t dim = (size_t)problem->head_dim, row = dim * dtypes[dtype].size_bytes;
    char *k = trial_change(&work->trial, TRIAL_K), *v = trial_change(&work->trial, TRIAL_V), *rows = malloc(4 * row);
    if (!rows)
        return error_memory(error, "rows of k and v", (double)(4 * row));
    for (size_t i = 0; i < 2 * dim; i++) { /* those of quiet keys, then of loud ones */
        const float v_element = levels_element(i < dim ? KIND_QUIET : KIND_LOUD, (int)(i % dim));
        dtype_narrow(dtype, rows, i, 1, &(float){i < dim ? 0 : loud->element});
        dtype_narrow(dtype, rows, 2 * dim + i, 1, &v_element);
    }
    for (int64_t key = 0; key < problem->seq_len; key++)
        for (int head = 0; head < problem->num_kv_heads; head++, k += row, v += row) {
            memcpy(k, rows + (is_loud(loud, key) ? row : 0), row);
            memcpy(v, rows + (is_loud(loud, key) ? 3 * row : 2 * row), row);
        }
    free(rows);
    levels_load_query(trial_change(&work->trial, TRIAL_Q), problem);
    memset(trial_change(&work->trial, TRIAL_SLOPES), 0, work->trial.tensors[TRIAL_SLOPES].size_bytes);
    return ERROR_NONE;
}

/* All heads of a query have one result. */
static void expect(struct trial_values *expected, const struct loud_keys *loud, const struct problem *problem)
{
    const size_t heads = (size_t)problem->num_heads, dim = (size_t)problem->head_dim;
    for (int query = 0; query < problem_queries(problem); query++) {
        int64_t counts[2];
        count_keys(counts, loud, problem, query);
        const double n = (double)counts[false], loud_ones = (double)counts[true], g = loud->logit,
                     all = loud_ones + n * exp(-g); /* in units of a loud one's weight */
        for (size_t head = 0; head < heads; head++) {
            const size_t r = (size_t)query * heads + head;
            expected->lse[r] = all > 0 ? g + log(all) : -INFINITY;
            for (size_t d = 0; d < dim; d++) {
                const double sum = loud_ones * (double)levels_element(KIND_LOUD, (int)d) +
                                   n * exp(-g) * (double)levels_element(KIND_QUIET, (int)d);
                expected->out[r * dim + d] = all > 0 ? sum / all * problem_value_scale(problem) : 0;
            }
        }
    }
}

/* Weights that are off by less than an eighth have not been left out: another scale is one_key's to tell. */
static void allow_eighth(struct oracle_work *work, const struct problem *problem)
{
    for (int64_t i = 0; i < problem_elements(problem); i++) {
        const double of_loud_ones =
            (double)levels_element(KIND_LOUD, (int)(i % problem->head_dim)) * problem_value_scale(problem);
        const double eighth = fabs(work->expected.out[i] - of_loud_ones) / 8;
        work->allowed.out[i] += eighth;
        work->tolerated.out[i] += eighth;
    }
}

static bool told_by_others(const struct oracle_report *report)
{
    return report->outcome[ORACLE_ONE_KEY] == ORACLE_VIOLATED || report->outcome[ORACLE_EACH_KEY] == ORACLE_VIOLATED;
}

enum error_kind check_quiet_keys(struct oracle_work *work, struct error *error)
{
    const struct problem *problem = &work->trial.problem;
    struct loud_keys loud;
    const char *why = choose(&loud, work);
    if (!why)
        why = levels_do_not_apply(work);
    if (!why && told_by_others(work->report))
        why = "one_key or each_key is violated: weights are wrong without it";
    if (why) {
        oracle_conclude(work, ORACLE_QUIET_KEYS, ORACLE_NOT_APPLICABLE, "%s", why);
        return ERROR_NONE;
    }
    enum error_kind kind = oracle_need_repeat(work, error);
    if (!kind)
        kind = oracle_need_usual(work, error);
    if (kind)
        return kind;
    trial_reload(&work->trial);
    kind = load(work, &loud, error);
    if (kind)
        return kind;
    expect(&work->expected, &loud, problem);
    kind = levels_allow(work, problem, fabs((double)loud.element), error);
    if (!kind)
        allow_eighth(work, problem);
    if (!kind)
        kind = oracle_run(work, TRIAL_POISON_NAN, work->inquiry->subject, error);
    char run_was[96];
    int64_t counts[2];
    count_keys(counts, &loud, problem, problem_queries(problem) - 1);
    snprintf(run_was, sizeof run_was, "where %lld keys outweigh each of %lld others by exp(%.3g)",
             (long long)counts[true], (long long)counts[false], loud.logit);
    if (!kind)
        levels_judge(work, ORACLE_QUIET_KEYS, problem, run_was);
    return kind;
}
