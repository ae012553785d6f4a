/*
 * The keys of a case file: one table row says what a key is called, what it may hold, what it defaults to, where its
 * value goes in a point, and what it means. The table parses, names points and documents the format.
 */
#ifndef HARNESS_CASE_CASE_KEYS_H
#define HARNESS_CASE_CASE_KEYS_H

#include "harness/case/key.h"

enum key_id {
    KEY_CASE,
    KEY_ABOUT,
    KEY_KERNEL,
    KEY_SEQ_LEN,
    KEY_NUM_HEADS,
    KEY_NUM_KV_HEADS,
    KEY_HEAD_DIM,
    KEY_NUM_QUERIES,
    KEY_DTYPE,
    KEY_KV_DTYPE,
    KEY_K_SCALE,
    KEY_V_SCALE,
    KEY_RECIPE,
    KEY_SENTINEL,
    KEY_BIAS,
    KEY_EXPONENTIAL,
    KEY_CHUNK_LEN,
    KEY_PAGE_SIZE,
    KEY_PAGE_SEED,
    KEY_POOL_PAGES,
    KEY_BATCH,
    KEY_SHARED_PREFIX,
    KEY_SCALE,
    KEY_MAX_BIAS,
    KEY_SLOPES,
    KEY_HEAD_OFFSET,
    KEY_TOTAL_HEADS,
    KEY_SOFT_CAP,
    KEY_SINK_LOGITS,
    KEY_KV_OFFSET,
    KEY_Q_POSITION,
    KEY_INPUT,
    KEY_MASK,
    KEY_SEED,
    KEY_TRUTH,
    KEY_TRUTH_PRECISION,
    KEY_TRUTH_OF,
    KEY_REFERENCE,
    KEY_JUDGE,
    KEY_TOLERANCE,
    KEY_BUDGET,
    KEY_CLASS,
    KEY_FIND_CLASS,
    KEY_ORACLES,
    KEY_EXPECT,
    KEY_SIGNATURE,
    KEY_BECAUSE,
    KEY_KNOWN_BUGS,
    KEY_COUNT
};

extern const struct key keys[KEY_COUNT];

#endif
