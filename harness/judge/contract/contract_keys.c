#include "harness/judge/contract/contract_makers.h"

/* k and v read in another place. */

/* [Hkv, N, D] where [N, Hkv, D] was stated, and the other way round. */
static void read_heads_first(const struct key_map *map, int64_t *key, int *kv_head)
{
    int64_t at = *kv_head * map->seq_len + *key;
    *key = at / map->num_kv_heads;
    *kv_head = (int)(at % map->num_kv_heads);
}

static void read_keys_first(const struct key_map *map, int64_t *key, int *kv_head)
{
    int64_t at = *key * map->num_kv_heads + *kv_head;
    *kv_head = (int)(at / map->seq_len);
    *key = at % map->seq_len;
}

bool contract_make_layout(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const struct {
        unsigned which;
        bool keys_first;
        const char *what;
    } variants[] = {
        {MOVE_K | MOVE_V, false, "k and v as [KV heads, keys, head_dim], not [keys, KV heads, head_dim]"},
        {MOVE_K | MOVE_V, true, "k and v as [keys, KV heads, head_dim], not [KV heads, keys, head_dim]"},
        {MOVE_K, false, "k alone as [KV heads, keys, head_dim]"},
        {MOVE_V, false, "v alone as [KV heads, keys, head_dim]"},
        {MOVE_K, true, "k alone as [keys, KV heads, head_dim]"},
        {MOVE_V, true, "v alone as [keys, KV heads, head_dim]"},
    };
    if (trial->problem.num_kv_heads < 2 || trial->problem.seq_len < 2)
        return false;
    return contract_move_keys(trial, variants[variant].which,
                              variants[variant].keys_first ? read_keys_first : read_heads_first, 0) &&
           contract_say(trial, "%s", variants[variant].what);
}

static unsigned exchanged(unsigned tensors)
{
    return (tensors & MOVE_K ? MOVE_V : 0) | (tensors & MOVE_V ? MOVE_K : 0);
}

bool contract_make_exchange(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    struct problem *problem = &trial->problem;
    const void *k = problem->k;
    (void)variant;
    problem->k = problem->v;
    problem->v = k;
    problem->bounds = NULL;
    trial->waiting = exchanged(trial->waiting);
    trial->crossing = exchanged(trial->crossing);
    const struct key_map of_k = trial->map[0];
    trial->map[0] = trial->map[1];
    trial->map[1] = of_k;
    const void *of = trial->of[0];
    trial->of[0] = trial->of[1];
    trial->of[1] = of;
    return contract_say(trial, "k and v exchanged");
}

/* by keys later, as far as there are any. */
static void shifted(const struct key_map *map, int64_t *key, int *kv_head)
{
    int64_t of = *key + map->by;
    (void)kv_head;
    *key = of < 0 ? 0 : of < map->seq_len ? of : map->seq_len - 1;
}

/* k or v alone a key off, or two. */
bool contract_make_shifted(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const int64_t by[] = {1, -1, 2, -2};
    bool of_v = variant / 4;
    int64_t shift = by[variant % 4];
    if (trial->problem.seq_len < 4)
        return false;
    return contract_move_keys(trial, of_v ? MOVE_V : MOVE_K, shifted, shift) &&
           contract_say(trial, "%s of the key %s%s", of_v ? "v" : "k", shift * shift > 1 ? "two places " : "",
                        shift > 0 ? "after" : "before");
}

/* Whole pages of so many keys in reversed order; what is left over stays. */
static void pages_reversed(const struct key_map *map, int64_t *key, int *kv_head)
{
    int64_t pages = map->seq_len / map->by, page = *key / map->by;
    (void)kv_head;
    if (page < pages)
        *key = (pages - 1 - page) * map->by + *key % map->by;
}

/* Each two pages the one in the other's place. */
static void pages_in_pairs(const struct key_map *map, int64_t *key, int *kv_head)
{
    int64_t pages = map->seq_len / map->by / 2 * 2, page = *key / map->by;
    (void)kv_head;
    if (page < pages)
        *key = (page ^ 1) * map->by + *key % map->by;
}

/* Each page the one behind it, the last one the first. */
static void pages_later(const struct key_map *map, int64_t *key, int *kv_head)
{
    int64_t pages = map->seq_len / map->by, page = *key / map->by;
    (void)kv_head;
    if (page < pages)
        *key = (page + 1) % pages * map->by + *key % map->by;
}

bool contract_make_pages(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static key_place *const orders[] = {pages_reversed, pages_in_pairs, pages_later};
    static const char *const what[] = {"in reversed order", "exchanged two by two", "one page late"};
    int order = variant / CONTRACT_PAGE_SIZES;
    int64_t size = INT64_C(16) << variant % CONTRACT_PAGE_SIZES, pages = trial->problem.seq_len / size;
    if (pages < 2 || (order > 0 && pages == 2) || (order > 1 && pages < 4)) /* which are one order */
        return false;
    return contract_move_keys(trial, MOVE_K | MOVE_V, orders[order], size) &&
           contract_say(trial, "pages of %lld keys %s", (long long)size, what[order]);
}

static void next_head(const struct key_map *map, int64_t *key, int *kv_head)
{
    (void)key;
    *kv_head = (*kv_head + 1) % map->num_kv_heads;
}

static void head_before(const struct key_map *map, int64_t *key, int *kv_head)
{
    (void)key;
    *kv_head = (*kv_head + map->num_kv_heads - 1) % map->num_kv_heads;
}

/* k or v alone of another KV head. */
bool contract_make_one_kv_head(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    unsigned which = variant / 2 ? MOVE_V : MOVE_K;
    bool next = variant % 2 == 0;
    if (trial->problem.num_kv_heads < 2 || (!next && trial->problem.num_kv_heads == 2))
        return false;
    return contract_move_keys(trial, which, next ? next_head : head_before, 0) &&
           contract_say(trial, "%s alone of the %s", variant / 2 ? "v" : "k", next ? "next KV head" : "KV head before");
}

/* transformers' build_alibi_tensor (models/bloom/modeling_bloom.py) makes biases of the mask's cumulative sum. */
bool contract_make_counted(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    const struct problem *problem = &trial->problem;
    bool biased = false;
    for (int h = 0; h < problem->num_heads; h++)
        biased |= problem->slopes[h] != 0;
    return biased && contract_leave_masked_keys(trial) &&
           contract_say(trial, "positions counted in visible keys alone");
}
