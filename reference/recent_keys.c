#include "reference/recent_keys.h"

#include <math.h>

#include "reference/soft_cap.h"

/*
 * What must lie between the bias of the newest visible key and that of the newest one left out, beside what q.k may
 * come to: the logarithm of the weight that may be left unseen, 51.3 in certified_head.c and 32 in key_scores.c, and
 * something for what roundings do to weights. That q.k of the largest logit is at least -reach / 4 is a guess: of
 * numbers drawn at random it is positive, as some among any few are.
 */
static const double nats_apart = 51.3 + 12, lowest_of_reach = 0.25;

/* |scale| sum_i |q_i| max_j |k_ij| of a row */
static double reach_of_row(const struct problem *problem, const float *largest, int query, int head)
{
    size_t dim = (size_t)problem->head_dim;
    size_t row = ((size_t)query * (size_t)problem->num_heads + (size_t)head) * dim;
    const float *largest_of_head = largest + (size_t)problem_kv_head(problem, head) * dim;
    double reach = 0;
    for (size_t d = 0; d < dim; d++) {
        float element;
        dtype_widen(problem->dtype, problem->q, row + d, 1, &element);
        reach += fabs((double)element) * (double)largest_of_head[d];
    }
    return problem_reach(problem, reach * fabs(problem_logit_scale(problem)));
}

/* Older than `newest` by so many nats of bias, and a look's keys more. */
static int64_t key_before(const struct problem *problem, int64_t newest, double nats, double slope)
{
    double keys = ceil(nats / slope);
    int64_t key = keys < (double)newest ? newest - (int64_t)keys : 0;
    for (int more = 0; key > 0 && more < RECENT_KEYS_LEAST; key--)
        more += problem_visible(problem, key - 1);
    return key;
}

static int64_t key_of_row(const struct problem *problem, const float *largest, int query, int head)
{
    double slope = (double)problem->slopes[head], reach = reach_of_row(problem, largest, query, head);
    double nats = (1 + lowest_of_reach) * reach + nats_apart + log(1 + 1 / slope);
    int64_t newest = problem->seq_len - 1 - (problem_queries(problem) - 1 - query);
    while (newest > 0 && !problem_visible(problem, newest))
        newest--;
    if (!(slope > 0) || !isfinite(nats) || problem->soft_cap == SOFT_CAP_AFTER_BIAS || newest < 0)
        return 0;
    return key_before(problem, newest, nats, slope);
}

int64_t recent_keys_needed(const struct problem *problem, const float *largest, int kv_head)
{
    int group = problem->num_heads / problem->num_kv_heads;
    int64_t first = problem->seq_len;
    for (int query = 0; query < problem_queries(problem) && first > 0; query++)
        for (int head = kv_head * group; head < (kv_head + 1) * group && first > 0; head++) {
            int64_t key = key_of_row(problem, largest, query, head);
            first = key < first ? key : first;
        }
    return first;
}
