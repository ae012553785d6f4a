/*
 * The plain form of a kernel: its source compiled with constants for what the work on a key depends on, for the
 * launches that have these values. It makes the same operations in the same order as the generic form, which takes any
 * recipe and is its oracle: the bits are the same.
 */
#ifndef KERNELS_ATTENTION_PLAIN_H
#define KERNELS_ATTENTION_PLAIN_H

#include "kernels/attention/attention_args.h"
#include "kernels/dialect/intrinsics.h"

/* What the work on a key depends on of the contract; where there is a mask, how it is read is the generic form's. */
#define PLAIN_CONTRACT(X)                        \
    X(contract.page_id_bits, PAGE_ID_32)         \
    X(contract.page_offset_bits, PAGE_OFFSET_64) \
    X(contract.kv_head_map, KV_HEAD_GROUPED)     \
    X(contract.window, 0)

/* X(field of the recipe, its plain value) */
#define PLAIN_FIELDS(X)                    \
    X(log2e, LOG2E_FOLDED)                 \
    X(scale_entry, SCALE_DOT)              \
    X(exponential, EXPONENTIAL_POLYNOMIAL) \
    X(guards, GUARDS_SOUND)                \
    X(positive_bias, POSITIVE_BIAS_KEPT)   \
    X(positions, POSITIONS_GLOBAL)         \
    X(max_offset, 0)                       \
    X(position_dtype, ROUND_F32)           \
    X(bias_dtype, ROUND_F32)               \
    X(dot_dtype, ROUND_F32)                \
    X(logit_dtype, ROUND_F32)              \
    X(weight_dtype, ROUND_F32)             \
    X(dot_result_dtype, ROUND_F32)         \
    X(sum_dtype, ROUND_F32)                \
    X(weighted_sum_dtype, ROUND_F32)       \
    PLAIN_CONTRACT(X)

/* Keys that lie one after the other wherever such a run begins at a multiple of it: pages are multiples of it. */
enum { PLAIN_RUN_KEYS = 16 };

/* Shared memory that a block of a plain form takes beside its ring, at most: scripts/check-instructions holds it. */
enum { PLAIN_STATIC_BYTES_MAX = 16 << 10 };

#define PLAIN_FIELD_SET(field, value) args->recipe.field = value;
#define PLAIN_FIELD_EQUAL(field, value) &&args->recipe.field == (value)

SIMT_FUNCTION void plain_fields_set(struct attention_args *args)
{
    PLAIN_FIELDS(PLAIN_FIELD_SET)
    args->soft_cap_entry = SOFT_CAP_NONE;
}

#ifndef __CUDACC__
static inline bool plain_fields_hold(const struct attention_args *args)
{
    return args->soft_cap_entry == SOFT_CAP_NONE PLAIN_FIELDS(PLAIN_FIELD_EQUAL);
}
#endif

#endif
