#include "reference/like_heads.h"

#include <string.h>

static bool same(const void *numbers, size_t bytes, int a, int b)
{
    return memcmp((const char *)numbers + (size_t)a * bytes, (const char *)numbers + (size_t)b * bytes, bytes) == 0;
}

/* Of the tensors that a KV head reads. */
static bool same_keys(const struct problem *problem, const struct tensor_bounds *bounds, int a, int b)
{
    const size_t dim = (size_t)problem->head_dim, bytes = dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    bool is_same = a == b || (same(bounds->k, dim * sizeof(float), a, b) && same(bounds->v, dim * sizeof(float), a, b));
    for (int64_t key = 0; key < problem->seq_len && is_same && a != b; key++) {
        const size_t first = (size_t)key * (size_t)problem->num_kv_heads * bytes;
        is_same =
            same((const char *)problem->k + first, bytes, a, b) && same((const char *)problem->v + first, bytes, a, b);
    }
    return is_same;
}

static bool same_heads(const struct problem *problem, const struct truth *truth, const struct tensor_bounds *bounds,
                       int a, int b)
{
    const size_t dim = (size_t)problem->head_dim;
    return same(problem->q, dim * dtypes[problem->dtype].size_bytes, a, b) &&
           same(problem->slopes, sizeof *problem->slopes, a, b) &&
           (!problem->sink_logits || same(problem->sink_logits, sizeof *problem->sink_logits, a, b)) &&
           same(truth->value, dim * sizeof *truth->value, a, b) && same(truth->lse, sizeof *truth->lse, a, b) &&
           same_keys(problem, bounds, problem_kv_head(problem, a), problem_kv_head(problem, b));
}

void like_heads_find(int *like, const struct problem *problem, const struct truth *truth,
                     const struct tensor_bounds *bounds)
{
    /* The formula has a slope for each head's number; and of keys that are not here nothing is known. */
    const bool may_be = truth->contract.of != TRUTH_OF_FORMULA && !problem->recent;
    for (int head = 0; head < problem->num_heads; head++)
        like[head] = may_be && head > 0 && same_heads(problem, truth, bounds, head - 1, head) ? like[head - 1] : head;
}
