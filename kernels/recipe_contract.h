/*
 * The contract that a kernel keeps: what it takes a problem to be, and what it says of one, where a recipe has that
 * otherwise than the problem does. These choices round nothing by themselves: a kernel with one of them computes
 * another problem's answer, or gives the right one in other words.
 *
 * Zero is the sound choice of every field.
 */
#ifndef KERNELS_RECIPE_CONTRACT_H
#define KERNELS_RECIPE_CONTRACT_H

#include "reference/problem.h"

/* The base of the logarithm in the lse that is returned. */
enum lse_base { LSE_BASE_E, LSE_BASE_2, LSE_BASE_COUNT };

/* What a merge by lse takes the lse of chunks for: with l the natural lse of a chunk, its weight is e to this. */
enum merge_lse_base {
    MERGE_LSE_BASE_SAME,   /* l */
    MERGE_LSE_BASE_2_AS_E, /* l log2(e): the chunks' are in base 2, and the merge raises e to them */
    MERGE_LSE_BASE_E_AS_2, /* l ln(2): the chunks' are natural, and the merge raises 2 to them */
    MERGE_LSE_BASE_MIXED,  /* l log2(e) of the first chunk and l of the others: two kernels made them */
    MERGE_LSE_BASE_COUNT
};

/* A difference of two -inf where chunks are merged, whatever `guards` does elsewhere. */
enum merge_guards {
    MERGE_GUARDS_AS_GUARDS,
    MERGE_GUARDS_NONE, /* inf - inf is formed: NaN where no chunk has a key */
    MERGE_GUARDS_COUNT
};

/* The lse of an empty row. */
enum empty_row_lse { EMPTY_ROW_LSE_BELOW /* -inf */, EMPTY_ROW_LSE_ABOVE /* +inf */, EMPTY_ROW_LSE_COUNT };

/* What a page table's entry is read into. */
enum page_id_bits {
    PAGE_ID_32,
    PAGE_ID_16, /* unsigned: pages from 65536 on are taken for others */
    PAGE_ID_BITS_COUNT
};

/* Whose row of the page table a sequence reads. Where that one has fewer pages, the table goes on with the rows behind
 * it, and behind the last with page 0. */
enum page_table_row {
    PAGE_ROW_OWN,
    PAGE_ROW_FIRST, /* the first sequence's of the launch */
    PAGE_ROW_NEXT,  /* the next one's, the first one's for the last */
    PAGE_TABLE_ROW_COUNT
};

/* How a mask or a window removes keys. Tiles are CONTRACT_TILE keys, counted from the first key. */
enum removal {
    REMOVAL_KEY,      /* key by key */
    REMOVAL_TILE_ANY, /* a tile is let in as a whole if any of its keys is */
    REMOVAL_TILE_ALL, /* a tile is let in as a whole if all of its keys are, else left out */
    REMOVAL_NONE,     /* none: the mask is not read */
    REMOVAL_COUNT
};

enum { CONTRACT_TILE = 32 };

/* The keys that query i of Q sees. */
enum query_keys {
    QUERY_KEYS_OWN,      /* those up to its own, which is key N - Q + i */
    QUERY_KEYS_NEXT,     /* and the next query's */
    QUERY_KEYS_ALL,      /* all, those of later queries too: there is no causal mask */
    QUERY_KEYS_TOP_LEFT, /* the first i + 1: the causal mask begins with the cache */
    QUERY_KEYS_COUNT
};

/* Where query i of Q stands, from which its biases are counted. */
enum query_positions {
    QUERY_AT_OWN,
    QUERY_AT_LAST,     /* where the last one does */
    QUERY_AT_TOP_LEFT, /* at key i */
    QUERY_POSITIONS_COUNT
};

/* k_scale or v_scale of an fp8 cache. */
enum cache_scale { CACHE_SCALE_APPLIED, CACHE_SCALE_IGNORED, CACHE_SCALE_TWICE, CACHE_SCALE_COUNT };

/* The KV head of query head h, of H and Hkv, with group = H / Hkv. */
enum kv_head_map {
    KV_HEAD_GROUPED,    /* h / group */
    KV_HEAD_MODULO,     /* h % Hkv: KV heads are tiled where they are to be repeated */
    KV_HEAD_OFF_BY_ONE, /* (h / group + 1) % Hkv */
    KV_HEAD_BY_COUNT,   /* h / Hkv, the last one at most: the number of KV heads for that of heads in a group */
    KV_HEAD_MAP_COUNT
};

struct recipe_contract {
    /* What is returned, and merged. */
    enum lse_base lse_base;
    enum merge_lse_base merge_lse_base;
    enum merge_guards merge_guards;
    enum empty_row_lse empty_row_lse;

    /* Where keys are. */
    enum page_id_bits page_id_bits;
    enum page_table_row page_table_row;
    enum kv_head_map kv_head_map;

    /* Which keys there are. */
    int window; /* the newest keys, which alone take part; 0: all do */
    enum removal window_by, mask_by;
    int keys_past_end; /* slots behind the last key that are taken for keys, whatever lies there; 0: none */
    enum query_keys query_keys;
    enum query_positions query_positions;

    /* Numbers. */
    float scale_factor; /* of the scale of q.k; 0: 1 */
    enum cache_scale k_scale, v_scale;
    float slope_factor;   /* of every slope; 0: 1 */
    int slope_head_shift; /* head h has the slope of head (h + this) mod H */
};

extern const char *const lse_base_names[LSE_BASE_COUNT];
extern const char *const merge_lse_base_names[MERGE_LSE_BASE_COUNT];
extern const char *const merge_guards_names[MERGE_GUARDS_COUNT];
extern const char *const empty_row_lse_names[EMPTY_ROW_LSE_COUNT];
extern const char *const page_id_bits_names[PAGE_ID_BITS_COUNT];
extern const char *const page_table_row_names[PAGE_TABLE_ROW_COUNT];
extern const char *const removal_names[REMOVAL_COUNT];
extern const char *const query_keys_names[QUERY_KEYS_COUNT];
extern const char *const query_positions_names[QUERY_POSITIONS_COUNT];
extern const char *const cache_scale_names[CACHE_SCALE_COUNT];
extern const char *const kv_head_map_names[KV_HEAD_MAP_COUNT];

/* The contract asks for keys or slopes of other heads, which a problem that is worked on in parts does not have. */
static inline bool contract_needs_all_heads(const struct recipe_contract *contract)
{
    return contract->kv_head_map != KV_HEAD_GROUPED || contract->slope_head_shift != 0;
}

/* The contract makes slopes other than those given. */
static inline bool contract_changes_slopes(const struct recipe_contract *contract)
{
    return contract->slope_factor != 0 || contract->slope_head_shift != 0;
}

/* The problem with the scales that the contract takes, products rounded to f32. Tensors and slopes stay. */
struct problem contract_scales(const struct recipe_contract *contract, const struct problem *problem);

/* The problem that a kernel is launched with for one query (problem_query), with the keys and the position that the
 * contract gives it. A query that it has no key for sees none. */
struct problem contract_query(const struct recipe_contract *contract, const struct problem *problem, int query);

/* slopes[num_heads]: those of `from`, of all heads, as the contract takes them, in f32. */
void contract_slopes(const struct recipe_contract *contract, const float *from, int num_heads, float *slopes);

#endif
