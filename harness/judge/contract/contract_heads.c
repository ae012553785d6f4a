#include "harness/judge/contract/contract_makers.h"

#include <string.h>

/* Heads that have changed places, and rows written or read across. */

enum { HEADS_MAX = 4096 };

/* Query heads put in the order in which a kernel would have had them: head h reads the KV head of place h. */
bool contract_make_kv_heads(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const char *const what[] = {
        "query head h reads KV head h mod Hkv, not h / (H / Hkv)",
        "query heads read the next KV head",
        "query heads read the KV head before",
        "KV heads in reversed order",
    };
    const struct problem *problem = &trial->problem;
    int heads = problem->num_heads, kv_heads = problem->num_kv_heads, group = heads / kv_heads, source[HEADS_MAX];
    if (heads > HEADS_MAX || kv_heads < 2 || (variant == 0 && group == 1) || (variant == 2 && kv_heads == 2) ||
        (variant == 3 && kv_heads < 3))
        return false;
    for (int place = 0; place < heads; place++) {
        int kv = place / group, i = place % group;
        switch (variant) {
        case 0:
            source[place] = i * kv_heads + kv;
            break;
        case 1:
            source[place] = (kv + kv_heads - 1) % kv_heads * group + i;
            break;
        case 2:
            source[place] = (kv + 1) % kv_heads * group + i;
            break;
        default:
            source[place] = (kv_heads - 1 - kv) * group + i;
        }
    }
    return contract_move_heads(trial, source, MOVE_ALL_OF_HEADS) && contract_say(trial, "%s", what[variant]);
}

/* Rows of the output, or of q, in another order. */
bool contract_make_heads(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const struct {
        unsigned which;
        const char *what;
    } of[] = {
        {MOVE_OUT | MOVE_LSE, "out and lse"},
        {MOVE_OUT, "out alone"},
        {MOVE_QUERIES, "q"},
    };
    static const char *const orders[] = {"one head later", "one head earlier", "in reversed order",
                                         "as [heads of a group, KV heads], not [KV heads, heads of a group]",
                                         "as [KV heads, heads of a group], not [heads of a group, KV heads]"};
    const struct problem *problem = &trial->problem;
    int heads = problem->num_heads, kv_heads = problem->num_kv_heads, group = heads / kv_heads, source[HEADS_MAX];
    int which = variant / 5, order = variant % 5;
    if (heads < 2 || heads > HEADS_MAX || (which == 1 && !trial->output.lse) || (order == 1 && heads == 2) ||
        (order == 2 && heads < 3) || (order > 2 && (kv_heads == 1 || group == 1)) || (order == 4 && group == kv_heads))
        return false;
    for (int h = 0; h < heads; h++) {
        int in_order[] = {(h + 1) % heads, (h + heads - 1) % heads, heads - 1 - h, h % group * kv_heads + h / group,
                          h % kv_heads * group + h / kv_heads};
        source[h] = in_order[order];
    }
    return contract_move_heads(trial, source, of[which].which) &&
           contract_say(trial, "%s %s", of[which].what, orders[order]);
}

/* q or out as [head_dim, heads]. */
bool contract_make_transposed(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    const struct problem *problem = &trial->problem;
    size_t heads = (size_t)problem->num_heads, dim = (size_t)problem->head_dim,
           size = dtypes[problem->dtype].size_bytes;
    (void)clue;
    char *to = heads > 1 && dim > 1 ? contract_own_out(trial) : NULL;
    const char *from = variant ? trial->before.q : trial->output_before.out;
    if (!to)
        return false;
    for (size_t at = 0; at < (size_t)problem_elements(problem); at++) {
        size_t query = at / (heads * dim), h = at / dim % heads, d = at % dim;
        memcpy(to + at * size, from + (query * heads * dim + d * heads + h) * size, size);
    }
    if (variant) {
        trial->problem.q = to;
        trial->output.out = trial->output_before.out;
    }
    return contract_say(trial, "%s as [head_dim, heads], not [heads, head_dim]", variant ? "q" : "out");
}
