#include "harness/judge/contract/contract_makers.h"

#include <string.h>

/* A term that was left out or was added elsewhere: soft cap, sinks, mask, keys at the ends. */

bool contract_make_soft_cap(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    struct problem *problem = &trial->problem;
    if (variant == 0) {
        if (problem->soft_cap == SOFT_CAP_NONE)
            return false;
        problem->soft_cap = SOFT_CAP_NONE;
        return contract_say(trial, "no soft cap");
    }
    if (problem->soft_cap == SOFT_CAP_NONE)
        return false;
    bool before = problem->soft_cap == SOFT_CAP_BEFORE_BIAS;
    problem->soft_cap = before ? SOFT_CAP_AFTER_BIAS : SOFT_CAP_BEFORE_BIAS;
    return contract_say(trial, "the soft cap %s the bias", before ? "after" : "before");
}

bool contract_make_no_sinks(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    if (!trial->problem.sink_logits)
        return false;
    trial->problem.sink_logits = NULL;
    return contract_say(trial, "no learned sinks");
}

bool contract_make_no_mask(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    if (!trial->problem.visible)
        return false;
    trial->problem.visible = NULL;
    return contract_say(trial, "no mask: every key visible");
}

/* 1 for a key that is removed, as of PyTorch's key_padding_mask, where of its scaled_dot_product_attention's attn_mask
 * it is one that is seen. */
bool contract_make_turned_mask(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    int64_t keys = trial->problem.seq_len, removed = 0;
    uint8_t *visible = trial->problem.visible ? contract_own_mask(trial) : NULL;
    for (int64_t key = 0; key < keys && visible; key++) {
        removed += !visible[key];
        visible[key] = !visible[key];
    }
    return removed > 0 && removed < keys &&
           contract_say(trial, "the mask the other way round: its visible keys removed, the others visible");
}

/* Keys at the ends of a cache. */
bool contract_make_ends(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    int64_t keys = trial->problem.seq_len, count = variant == 1 ? 2 : 1;
    bool newest = variant < 2;
    uint8_t *visible = keys > count ? contract_own_mask(trial) : NULL;
    if (!visible)
        return false;
    memset(visible + (newest ? keys - count : 0), 0, (size_t)count);
    return contract_say(trial, "the %s %s missing", newest ? "newest" : "oldest", count == 1 ? "key" : "two keys");
}
