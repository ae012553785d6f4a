/*
 * Kernels with one fault each, drawn at random, and what their failures may be called.
 *
 * A fault that a recipe can express is one: the kernel runs with it, and all oracles look on. What none can is planted:
 * a sound kernel runs on a problem that it has been told wrongly, and what it answers is judged as an answer to the
 * right one. Roundings that a recipe declares are in its error bound, so to be beyond a bound they are planted too: the
 * kernel runs with the rounding, and is judged by a recipe without it.
 *
 * A draw is a pure function of a seed and its number, which from FAULT_MERGES on is that of a merge, and from
 * FAULT_BOUNDS on one of the bounds of parts, from FAULT_FEW on one of some keys, and from FAULT_FEATURES on one of any
 * kind on a problem with what problems may have beside keys and slopes, so that older numbers stay what they are. No
 * two draws in one expression.
 */
#ifndef HARNESS_EVALUATE_TESTS_DRAWN_FAULT_H
#define HARNESS_EVALUATE_TESTS_DRAWN_FAULT_H

#include "harness/evaluate/tests/deviant_faults.h"
#include "harness/evaluate/tests/part_faults.h"
#include "harness/evaluate/tests/told_faults.h"

#define FAULT_MERGES (UINT64_C(1) << 40)
#define FAULT_BOUNDS (UINT64_C(1) << 41)
#define FAULT_FEW (UINT64_C(1) << 42)
#define FAULT_FEATURES (UINT64_C(1) << 43)

/* Faults are drawn alike often within their families, and families alike often. */
static const struct fault_kind fault_kinds[] = {
    {"slopes of another convention", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_other_convention},
    {"slopes rounded, undeclared", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_rounded},
    {"slopes rounded, declared", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_declared},
    {"slopes times a factor", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_factor},
    {"slopes of the other sign", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_sign},
    {"max_bias doubled or halved", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_power},
    {"slopes one head off", FAMILY_SLOPES, NAME(WRONG_SLOPE), draw_slope_of_head},
    {"bias dropped", FAMILY_BIAS, NAME(DROPPED_BIAS), draw_bias_dropped},
    {"bias shifted", FAMILY_BIAS, NAME(BIAS_SHIFT), draw_bias_shifted},
    {"chunk without its offset", FAMILY_BIAS, NAME(BIAS_SHIFT), draw_chunk_without_offset},
    {"query at the top left", FAMILY_BIAS, NAME(WRONG_SLOPE), draw_top_left},
    {"sentinel", FAMILY_MASK, NAME(LEAK) | NAME(UNIFORM), draw_sentinel},
    {"sentinel added", FAMILY_MASK, NAME(LEAK) | NAME(UNIFORM), draw_sentinel_added},
    {"sentinel as initial maximum", FAMILY_MASK, NAME(LEAK) | NAME(UNIFORM) | NAME(SILENT_ZERO), draw_floor},
    {"mask ignored", FAMILY_MASK, NAME(LEAK), draw_mask_ignored},
    {"one masked key let in", FAMILY_MASK, NAME(LEAK), draw_key_let_in},
    {"mask by whole tiles", FAMILY_MASK, NAME(LEAK), draw_tiles_let_in},
    {"epsilon", FAMILY_SUM, NAME(EPS_BIAS), draw_epsilon},
    {"initial sum", FAMILY_SUM, NAME(SILENT_ZERO) | NAME(UNKNOWN), draw_initial_sum},
    {"initial maximum", FAMILY_SUM, NAME(SILENT_ZERO) | NAME(PRECISION_LOSS) | NAME(DROPPED_KEYS), draw_initial_max},
    {"one key dropped", FAMILY_KEYS, NAME(DROPPED_KEYS), draw_key_dropped},
    {"newest keys dropped", FAMILY_KEYS, NAME(DROPPED_KEYS), draw_newest_dropped},
    {"oldest keys dropped", FAMILY_KEYS, NAME(DROPPED_KEYS), draw_oldest_dropped},
    {"a tile dropped", FAMILY_KEYS, NAME(DROPPED_KEYS), draw_tile_dropped},
    {"values of two keys swapped", FAMILY_KEYS, NAME(UNKNOWN), draw_values_swapped},
    {"two keys swapped", FAMILY_KEYS, NAME(UNKNOWN), draw_keys_swapped},
    {"values misplaced by a key", FAMILY_KEYS, NAME(MISPLACED_KEYS), draw_values_misplaced},
    {"one weight wrong", FAMILY_KEYS, NAME(UNKNOWN), draw_weight},
    {"another softmax scale", FAMILY_KEYS, NAME(WRONG_SCALE), draw_softmax_scale},
    {"another KV head", FAMILY_KEYS, NAME(WRONG_KV_HEAD), draw_kv_head},
    {"constant in lse", FAMILY_KEYS, NAME(WRONG_LSE), draw_lse_constant},
    {"lse in base 2", FAMILY_KEYS, NAME(WRONG_LSE), draw_lse_factor},
    {"a step rounded, declared", FAMILY_KEYS, NAME(PRECISION_LOSS), draw_rounding},
    {"a step rounded, undeclared", FAMILY_KEYS, NAME(PRECISION_LOSS), draw_undeclared_rounding},
    {"tiles without their factor", FAMILY_MERGE, NAME(WRONG_MERGE), draw_tiles_unscaled},
    {"chunks without their factor", FAMILY_MERGE, NAME(WRONG_MERGE), draw_chunks_unscaled},
    {"merges of any length", FAMILY_BOUNDS, NAME(WRONG_MERGE), draw_odd_merge},
    {"keys doubled between parts", FAMILY_BOUNDS, NAME(DOUBLED_KEYS), draw_keys_doubled},
    {"keys lost between parts", FAMILY_BOUNDS, NAME(DROPPED_KEYS), draw_keys_lost},
    {"pages that divide no part", FAMILY_BOUNDS, NAME(DOUBLED_KEYS) | NAME(DROPPED_KEYS) | NAME(LEAK),
     draw_pages_of_parts},
    {"an end counted twice", FAMILY_BOUNDS, NAME(DOUBLED_KEYS), draw_end_twice},
    {"some keys counted twice", FAMILY_FEW, NAME(DOUBLED_KEYS), draw_some_twice},
    {"some keys lost", FAMILY_FEW, NAME(DROPPED_KEYS), draw_some_lost},
    {"some weights wrong", FAMILY_FEW, NAME(UNKNOWN), draw_some_weights},
    {"nothing", FAMILY_DEVIANT, 0, draw_nothing},
    {"keys made up", FAMILY_DEVIANT, NAME(UNKNOWN), draw_made_up},
    {"slots of 0", FAMILY_DEVIANT, NAME(LEAK) | NAME(EPS_BIAS) | NAME(UNKNOWN), draw_empty_slots},
    {"heaviest keys", FAMILY_DEVIANT, NAME(UNKNOWN), draw_heaviest},
    {"k of a tile stale", FAMILY_DEVIANT, NAME(MISPLACED_KEYS) | NAME(UNKNOWN), draw_stale_k},
    {"v of a tile stale", FAMILY_DEVIANT, NAME(MISPLACED_KEYS) | NAME(UNKNOWN), draw_stale_v},
    {"positions from a chunk's begin", FAMILY_DEVIANT, NAME(WRONG_SLOPE) | NAME(UNKNOWN), draw_local},
    {"a rest without bias", FAMILY_DEVIANT, NAME(UNKNOWN), draw_tail_bias},
    {"a rest without scale", FAMILY_DEVIANT, NAME(UNKNOWN), draw_tail_scale},
    {"q.k of fewer dims", FAMILY_DEVIANT, NAME(UNKNOWN), draw_few_dims},
    {"q.k summed in 16 bits", FAMILY_DEVIANT, NAME(PRECISION_LOSS) | NAME(UNKNOWN), draw_dot},
    {"scale of one head", FAMILY_DEVIANT, NAME(WRONG_SCALE) | NAME(UNKNOWN), draw_head_scale},
    {"query of one head", FAMILY_DEVIANT, NAME(UNKNOWN), draw_other_query},
    {"dims of out lost", FAMILY_DEVIANT, NAME(UNKNOWN), draw_lost_dims},
    {"dims of out turned", FAMILY_DEVIANT, NAME(UNKNOWN), draw_turned},
    {"out not divided", FAMILY_DEVIANT, NAME(UNKNOWN), draw_undivided},
    {"dims of v stale", FAMILY_DEVIANT, NAME(UNKNOWN), draw_value_dims},
    {"v of one KV head", FAMILY_DEVIANT, NAME(WRONG_KV_HEAD), draw_one_v},
};

enum { NUM_FAULT_KINDS = sizeof fault_kinds / sizeof fault_kinds[0] };

/* Whether two texts say something of the same key. */
static inline bool fault_contradicts(const char *a, const char *b)
{
    for (const char *key = a; (key = strchr(key, ',')) != NULL; key++) {
        char name[48] = "";
        if (sscanf(key, ", %46[a-z0-9_:]", name) == 1 && strstr(b, name))
            return true;
    }
    return false;
}

/* Whether it caps biases of absolute positions: those differ from the problem's by a number, which a cap does not leave
 * as it is, so that no such kernel is sound. */
static inline bool fault_caps_absolute(const struct drawn_fault *fault)
{
    return strstr(fault->problem, "after_bias") && strstr(fault->variant, "bias: absolute");
}

static inline const struct fault_kind *fault_kind_of_family(uint64_t *state, enum fault_family family)
{
    int count = 0;
    for (int i = 0; i < NUM_FAULT_KINDS; i++)
        count += fault_kinds[i].family == family;
    int left = draw_below(state, count);
    const struct fault_kind *kind = fault_kinds;
    while (kind->family != family || left-- > 0)
        kind++;
    return kind;
}

/* The fault of that number. */
static inline void fault_draw(struct drawn_fault *fault, uint64_t seed, uint64_t number)
{
    uint64_t mixed = seed, of_number = draw_bits(&mixed) + number, state = draw_bits(&of_number);
    *fault = (struct drawn_fault){.problem = ""};
    enum fault_family family = (enum fault_family)draw_below(&state, FAMILY_MERGE);
    fault->features = number >= FAULT_FEATURES;
    if (fault->features)
        family = (enum fault_family)draw_below(&state, FAMILY_COUNT + 4);
    else if (number >= FAULT_MERGES)
        family = number >= FAULT_FEW ? FAMILY_FEW : number >= FAULT_BOUNDS ? FAMILY_BOUNDS : FAMILY_MERGE;
    fault->kind = fault_kind_of_family(&state, family < FAMILY_COUNT ? family : FAMILY_DEVIANT);
    if (fault->features)
        fault_features(fault, &state);
    else
        fault_problem(fault, &state);
    fault_variant(fault, &state);
    fault->kind->draw(fault, &state);
    if (!strstr(fault->problem, "input:"))
        fault_input(fault, &state);
    if (!strstr(fault->problem, "mask:"))
        fault_mask(fault, &state, false);
    if (fault_contradicts(fault->variant, fault->recipe) || fault_caps_absolute(fault))
        fault->variant[0] = '\0';
    fault->state = state;
}

#endif
