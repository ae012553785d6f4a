#include "harness/judge/judgement.h"

#include <string.h>

const char *const signature_names[SIGNATURE_COUNT] = {
    [SIGNATURE_NONE] = "none",
    [SIGNATURE_LEAK] = "leak",
    [SIGNATURE_SILENT_ZERO] = "silent-zero",
    [SIGNATURE_NAN] = "nan",
    [SIGNATURE_UNIFORM] = "uniform",
    [SIGNATURE_EPS_BIAS] = "eps-bias",
    [SIGNATURE_PRECISION_LOSS] = "precision-loss",
    [SIGNATURE_DROPPED_KEYS] = "dropped-keys",
    [SIGNATURE_WRONG_SLOPE] = "wrong-slope",
    [SIGNATURE_DROPPED_BIAS] = "dropped-bias",
    [SIGNATURE_BIAS_SHIFT] = "bias-shift",
    [SIGNATURE_WRONG_SOFT_CAP] = "wrong-soft-cap",
    [SIGNATURE_WRONG_SINK] = "wrong-sink",
    [SIGNATURE_WRONG_SCALE] = "wrong-scale",
    [SIGNATURE_WRONG_KV_HEAD] = "wrong-kv-head",
    [SIGNATURE_WRONG_LSE] = "wrong-lse",
    [SIGNATURE_MISPLACED_KEYS] = "misplaced-keys",
    [SIGNATURE_WRONG_MERGE] = "wrong-merge",
    [SIGNATURE_DOUBLED_KEYS] = "doubled-keys",
    [SIGNATURE_UNWRITTEN] = "unwritten",
    [SIGNATURE_STALE] = "stale",
    [SIGNATURE_NO_ANSWER] = "no-answer",
    [SIGNATURE_UNKNOWN] = "unknown",
};

const char *const oracle_names[ORACLE_COUNT] = {
    [ORACLE_POISON] = "poison",           [ORACLE_INPUTS] = "inputs",
    [ORACLE_DETERMINISM] = "determinism", [ORACLE_MASKED_SLOTS] = "masked_slots",
    [ORACLE_PARTITION] = "partition",     [ORACLE_CONSTANT_V] = "constant_v",
    [ORACLE_BIAS_SHIFT] = "bias_shift",   [ORACLE_HEAD_PERMUTATION] = "head_permutation",
    [ORACLE_GUARDS] = "guards",           [ORACLE_BATCH] = "batch",
    [ORACLE_SCHEDULE] = "schedule",       [ORACLE_PLACEMENT] = "placement",
    [ORACLE_OFFSETS] = "offsets",         [ORACLE_ONE_KEY] = "one_key",
    [ORACLE_EACH_KEY] = "each_key",       [ORACLE_LENGTHS] = "lengths",
    [ORACLE_HISTORY] = "history",         [ORACLE_STRIDES] = "strides",
    [ORACLE_QUIET_KEYS] = "quiet_keys",
};

enum signature signature_from_name(const char *name)
{
    int signature = 0;
    while (signature < SIGNATURE_COUNT && strcmp(signature_names[signature], name) != 0)
        signature++;
    return (enum signature)signature;
}
