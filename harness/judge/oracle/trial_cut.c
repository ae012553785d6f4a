#include "harness/judge/oracle/trial_cut.h"

/* splitmix64's (Steele, Lea and Flood, 2014). */
uint64_t trial_mix(uint64_t a, uint64_t b)
{
    uint64_t z = a * 0x9e3779b97f4a7c15u + b * 0xd1342543de82ef95u + 0x632be59bd9b4e019u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int at_least_two(double count, int all)
{
    if (count >= all || all <= 2)
        return all;
    return count > 2 ? (int)count : 2;
}

/* The most of them that fit into count and divide all, two at least: kernels have forms for the groups in use, and for
 * parts of them. Where none does it is as many as fit. */
static int at_least_two_that_divide(double count, int all)
{
    const int most = at_least_two(count, all);
    for (int heads = most; heads >= 2; heads--)
        if (all % heads == 0)
            return heads;
    return most;
}

struct trial_cut trial_cut_shape(const struct problem *shape, int64_t max_elements)
{
    int group = shape->num_heads / shape->num_kv_heads;
    int64_t queries = problem_queries(shape);
    double head = (double)shape->seq_len * shape->head_dim * (double)queries, limit = (double)max_elements;
    struct trial_cut cut = {.num_keys = shape->seq_len, .q_position = shape->q_position};
    cut.num_kv_heads = at_least_two(limit / (head * group), shape->num_kv_heads);
    cut.heads_a_kv_head = at_least_two_that_divide(limit / (head * cut.num_kv_heads), group);
    int64_t keys = max_elements / (queries * cut.num_kv_heads * cut.heads_a_kv_head * shape->head_dim);
    if (keys < shape->seq_len)
        cut.num_keys = keys < 1 ? 1 : keys;
    return cut;
}

/* The newest visible key of [first, end); -1 if there is none. */
static int64_t newest_visible(const struct problem *problem, int64_t first, int64_t end)
{
    while (end > first && !problem_visible(problem, end - 1))
        end--;
    return end > first ? end - 1 : -1;
}

/* One of 0 .. count - 1. */
static int64_t chosen(uint64_t choice, uint64_t of, int64_t count)
{
    return choice ? (int64_t)(trial_mix(choice, of) % (uint64_t)count) : 0;
}

static void cut_keys(struct trial_cut *cut, const struct problem *problem, uint64_t choice)
{
    int64_t keys = cut->num_keys, newest = newest_visible(problem, 0, problem->seq_len);
    int64_t end = (newest < 0 ? 0 : newest) + 1 + keys / 2, first;
    end = end > problem->seq_len ? problem->seq_len : end < keys ? keys : end;
    cut->first_key = end - keys;
    cut->q_position = problem->q_position - cut->first_key;
    if (chosen(choice, 1, 2) == 0)
        return;
    first = chosen(choice, 2, problem->seq_len - keys + 1);
    int64_t newest_here = newest_visible(problem, first, first + keys);
    if (newest_here < 0)
        return;
    cut->first_key = first;
    cut->q_position = problem->q_position - newest + newest_here - first;
}

struct trial_cut trial_cut(const struct problem *problem, int64_t max_elements, uint64_t choice)
{
    struct trial_cut cut = trial_cut_shape(problem, max_elements);
    int group = problem->num_heads / problem->num_kv_heads;
    cut.kv_head = (int)chosen(choice, 3, problem->num_kv_heads - cut.num_kv_heads + 1);
    cut.head_of_group = (int)chosen(choice, 4, group - cut.heads_a_kv_head + 1);
    if (cut.num_keys < problem->seq_len)
        cut_keys(&cut, problem, choice);
    return cut;
}
