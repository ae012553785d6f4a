/* Attention in f32 in which some keys, wherever they are, count by a factor: twice, not at all, or otherwise. */
#ifndef HARNESS_JUDGE_CAUSE_TESTS_SCATTERED_KEYS_H
#define HARNESS_JUDGE_CAUSE_TESTS_SCATTERED_KEYS_H

#include "harness/judge/cause/tests/online_softmax.h"

struct scattered_keys {
    uint64_t seed;
    int some;    /* keys, of which two may be the same */
    int heads;   /* the first ones, of which that is so; 0: all */
    float times; /* how often they count */
};

static inline bool scattered_has(const struct scattered_keys *scattered, int64_t keys, int64_t key)
{
    for (int i = 0; i < scattered->some; i++) {
        uint64_t mixed = (scattered->seed + (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15);
        if ((int64_t)((mixed ^ mixed >> 32) % (uint64_t)keys) == key)
            return true;
    }
    return false;
}

/* out[D], divided; lse. */
static inline float scattered_attend(const struct problem *problem, int head, const struct scattered_keys *scattered,
                                     float *out)
{
    bool concerned = scattered->heads == 0 || head < scattered->heads;
    struct online_state state = {.max = -INFINITY};
    for (int64_t key = 0; key < problem->seq_len; key++) {
        bool some = concerned && scattered_has(scattered, problem->seq_len, key);
        struct online_state one = {.max = online_logit(problem, head, key), .sum = some ? scattered->times : 1};
        size_t row = problem_row(problem, key, problem_kv_head(problem, head));
        for (int d = 0; d < problem->head_dim; d++)
            one.out[d] = one.sum * online_element(problem->v, problem_kv_dtype(problem), row + (size_t)d);
        if (one.max > -INFINITY && one.sum > 0)
            online_merge(&state, &one, problem->head_dim, false, false);
    }
    return online_finish(&state, problem, head, out);
}

#endif
