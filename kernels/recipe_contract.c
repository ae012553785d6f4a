#include "kernels/recipe_contract.h"

const char *const lse_base_names[LSE_BASE_COUNT] = {
    [LSE_BASE_E] = "e",
    [LSE_BASE_2] = "2",
};

const char *const merge_lse_base_names[MERGE_LSE_BASE_COUNT] = {
    [MERGE_LSE_BASE_SAME] = "same",
    [MERGE_LSE_BASE_2_AS_E] = "2_as_e",
    [MERGE_LSE_BASE_E_AS_2] = "e_as_2",
    [MERGE_LSE_BASE_MIXED] = "mixed",
};

const char *const merge_guards_names[MERGE_GUARDS_COUNT] = {
    [MERGE_GUARDS_AS_GUARDS] = "as_guards",
    [MERGE_GUARDS_NONE] = "false",
};

const char *const empty_row_lse_names[EMPTY_ROW_LSE_COUNT] = {
    [EMPTY_ROW_LSE_BELOW] = "-inf",
    [EMPTY_ROW_LSE_ABOVE] = "+inf",
};

const char *const page_id_bits_names[PAGE_ID_BITS_COUNT] = {
    [PAGE_ID_32] = "32",
    [PAGE_ID_16] = "16",
};

const char *const page_table_row_names[PAGE_TABLE_ROW_COUNT] = {
    [PAGE_ROW_OWN] = "own",
    [PAGE_ROW_FIRST] = "first",
    [PAGE_ROW_NEXT] = "next",
};

const char *const removal_names[REMOVAL_COUNT] = {
    [REMOVAL_KEY] = "key",
    [REMOVAL_TILE_ANY] = "tile_any",
    [REMOVAL_TILE_ALL] = "tile_all",
    [REMOVAL_NONE] = "none",
};

const char *const query_keys_names[QUERY_KEYS_COUNT] = {
    [QUERY_KEYS_OWN] = "own",
    [QUERY_KEYS_NEXT] = "next",
    [QUERY_KEYS_ALL] = "all",
    [QUERY_KEYS_TOP_LEFT] = "top_left",
};

const char *const query_positions_names[QUERY_POSITIONS_COUNT] = {
    [QUERY_AT_OWN] = "own",
    [QUERY_AT_LAST] = "last",
    [QUERY_AT_TOP_LEFT] = "top_left",
};

const char *const cache_scale_names[CACHE_SCALE_COUNT] = {
    [CACHE_SCALE_APPLIED] = "applied",
    [CACHE_SCALE_IGNORED] = "ignored",
    [CACHE_SCALE_TWICE] = "twice",
};

const char *const kv_head_map_names[KV_HEAD_MAP_COUNT] = {
    [KV_HEAD_GROUPED] = "grouped",
    [KV_HEAD_MODULO] = "modulo",
    [KV_HEAD_OFF_BY_ONE] = "off_by_one",
    [KV_HEAD_BY_COUNT] = "by_count",
};

static float cache_scale_taken(enum cache_scale taken, float scale)
{
    switch (taken) {
    case CACHE_SCALE_IGNORED:
        return 1;
    case CACHE_SCALE_TWICE:
        return scale * scale;
    default:
        return scale;
    }
}

struct problem contract_scales(const struct recipe_contract *contract, const struct problem *problem)
{
    struct problem taken = *problem;
    if (contract->scale_factor != 0)
        taken.scale *= contract->scale_factor;
    taken.k_scale = cache_scale_taken(contract->k_scale, problem->k_scale);
    taken.v_scale = cache_scale_taken(contract->v_scale, problem->v_scale);
    return taken;
}

/* Keys from the first on that a query sees; below 1: none. */
static int64_t keys_seen(enum query_keys by, const struct problem *problem, int query)
{
    int64_t keys = problem->seq_len, later = problem_queries(problem) - 1 - query;
    switch (by) {
    case QUERY_KEYS_NEXT:
        return later > 0 ? keys - later + 1 : keys;
    case QUERY_KEYS_ALL:
        return keys;
    case QUERY_KEYS_TOP_LEFT:
        return query + 1 < keys ? query + 1 : keys;
    default:
        return keys - later;
    }
}

struct problem contract_query(const struct recipe_contract *contract, const struct problem *problem, int query)
{
    struct problem one = problem_query(problem, query);
    int64_t keys = keys_seen(contract->query_keys, problem, query);
    if (problem_queries(problem) == 1)
        return one;
    if (contract->query_keys != QUERY_KEYS_OWN && keys > 0) {
        one.seq_len = keys;
        one.kv_slots = problem->kv_slots + problem->seq_len - keys;
        one.visible = problem->visible;
    }
    if (contract->query_positions == QUERY_AT_LAST)
        one.q_position = problem->q_position;
    if (contract->query_positions == QUERY_AT_TOP_LEFT)
        one.q_position = problem->kv_offset + query;
    return one;
}

void contract_slopes(const struct recipe_contract *contract, const float *from, int num_heads, float *slopes)
{
    for (int head = 0; head < num_heads; head++) {
        int other = (head + contract->slope_head_shift % num_heads + num_heads) % num_heads;
        slopes[head] = from[other] * (contract->slope_factor != 0 ? contract->slope_factor : 1);
    }
}
