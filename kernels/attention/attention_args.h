/*
 * What a kernel is launched with: one struct for all of them, filled by plan_launches() and the device. A launch works
 * on B sequences of their own lengths; blockIdx.z says which (sequence.h).
 * `real` is what the kernel was compiled for (real.h): float, or struct replayed.
 */
#ifndef KERNELS_ATTENTION_ATTENTION_ARGS_H
#define KERNELS_ATTENTION_ATTENTION_ARGS_H

#include "kernels/descriptor.h"
#include "kernels/recipe.h"

/* One sequence: where its elements lie in what all of them share, and its numbers. */
struct sequence_args {
    int64_t seq_len;      /* N */
    int64_t first_query;  /* heads before its first in q, out and lse */
    int64_t first_row;    /* of k and v; not read where there are pages */
    int64_t first_page;   /* of page_table */
    int64_t first_key;    /* of visible */
    int64_t first_chunk;  /* of workspaces of chunks, of all heads */
    int64_t first_logit;  /* of workspaces of keys, of all heads */
    int num_chunks;       /* of chunk_len keys */
    int has_mask;         /* else all its keys are visible, and it has no part of visible */
    float masked_logit;   /* in the logits' units; -inf where the policy has no value */
    float initial_max;    /* the same */
    int64_t key_distance; /* the slope is multiplied by key + key_distance */
    int64_t lse_distance; /* slope times this is subtracted from lse: what all biases have too much */
};

struct attention_args {
    const void *q;             /* [B, H, D] */
    const void *k;             /* [rows, Hkv, D] */
    const void *v;             /* [rows, Hkv, D] */
    const int32_t *page_table; /* [pages]: key j is row page_table[first_page + j / page_size] page_size + j %
                                * page_size; NULL: row first_row + j */
    const float *slopes;       /* [H] */
    const float *sink_logits;  /* [H] natural; NULL: there are none */
    const uint8_t *visible;    /* [sum of N] or NULL; of MASKED_ADD_EACH bit 0, and above it the masks beyond the first
                                * that remove the key */
    const struct sequence_args *sequences; /* [B] */
    void *out;                             /* [B, H, D] in dtype; of a replay: real */
    void *lse;                             /* [B, H] real */

    void *workspace[MAX_WORKSPACE_BUFFERS]; /* of the kernel's descriptor: real, [sequence][head][chunk or key] or of
                                             * that [D] */
    uint32_t *arrivals; /* [B, H] 0 before and after a launch whose last blocks merge chunks (last_of_blocks); NULL: a
                         * launch of its own does */
    int64_t chunk_len;

    struct sequence_args sequence; /* the block's; set by attention_args_here() */

    int num_heads, num_kv_heads, head_dim;
    int dtype; /* enum dtype, of q and out */
    int page_size;
    float scale;        /* k_scale included */
    float value_scale;  /* v_scale */
    int soft_cap_entry; /* enum soft_cap */
    float soft_cap;     /* C, natural */

    struct recipe recipe; /* as kernels read it: resolve_recipe() */
};

#endif
