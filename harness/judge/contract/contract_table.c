#include "harness/judge/contract/contract_table.h"

#include "reference/slopes.h"

/* seen: the signature that stands for it, and in bits those that it may have, too. */
#define SEEN(signature) (1u << SIGNATURE_##signature)
#define ROW(called, variants, in_order, function, seen, too, sentence)                                         \
    {                                                                                                          \
        called, sentence, variants, STAGE_##in_order, SIGNATURE_##seen, SEEN(seen) | (unsigned)(too), function \
    }

const struct contract_row contract_rows[] = {
    ROW("scale", CONTRACT_SCALES, PLAIN, contract_make_scale, WRONG_SCALE, 0,
        "Give the kernel the scale that is stated, or state the one that it has."),
    ROW("scale", 1, SEARCHED, contract_fit_scale, WRONG_SCALE, 0,
        "Give the kernel the scale that is stated, or state the one that it has."),
    ROW("scale", 2, ALONE, contract_make_base, WRONG_SCALE, 0,
        "Raise e to natural logits, or 2 to logits that are multiplied by log2(e), biases too."),
    ROW("slopes", 1, PLAIN, contract_make_no_bias, DROPPED_BIAS, SEEN(WRONG_SLOPE),
        "Give the kernel its slopes, or state that there are none."),
    ROW("slopes", SLOPES_COUNT *CONTRACT_MAX_BIASES, PLAIN, contract_make_convention, WRONG_SLOPE, SEEN(DROPPED_BIAS),
        "Take the slopes that the model defines, or state those that the kernel has."),
    ROW("slopes", 8, PLAIN, contract_make_slope_factor, WRONG_SLOPE, SEEN(DROPPED_BIAS),
        "Add slope * (j - position) to the scaled product, once, in natural units."),
    ROW("slopes", 3, PLAIN, contract_make_slope_heads, WRONG_SLOPE, SEEN(DROPPED_BIAS),
        "Give each head its own slope."),
    ROW("slopes", 1, SEARCHED, contract_fit_slopes, WRONG_SLOPE, SEEN(DROPPED_BIAS),
        "Add slope * (j - position) to the scaled product, once, in natural units."),
    ROW("layout", 6, KEYS, contract_make_layout, UNKNOWN, SEEN(MISPLACED_KEYS),
        "State the layout that the kernel reads, or bring k and v into the one that is stated."),
    ROW("layout", 1, PLAIN, contract_make_exchange, UNKNOWN, 0, "Pass k for k and v for v."),
    ROW("places", 8, ALONE, contract_make_shifted, MISPLACED_KEYS, 0, "Read k and v of a key at one place."),
    ROW("places", 3 * CONTRACT_PAGE_SIZES, ALONE, contract_make_pages, MISPLACED_KEYS, 0,
        "Look up each page in its place of the sequence's table."),
    ROW("kv-heads", 4, ROWS, contract_make_kv_heads, WRONG_KV_HEAD, 0,
        "Let query head h read KV head h / (H / Hkv), or repeat KV heads that way."),
    ROW("kv-heads", 4, KEYS, contract_make_one_kv_head, WRONG_KV_HEAD, 0, "Read k and v of one KV head."),
    ROW("keys", 6, ROWS, contract_make_queries, UNKNOWN, SEEN(LEAK) | SEEN(DROPPED_KEYS) | SEEN(BIAS_SHIFT),
        "Let query i of Q see the keys up to its own, which is key N - Q + i, and count its biases from there."),
    ROW("keys", 1, KEYS, contract_make_next_key, UNKNOWN, SEEN(LEAK) | SEEN(DROPPED_KEYS) | SEEN(BIAS_SHIFT),
        "Let query i of Q see the keys up to its own, which is key N - Q + i."),
    ROW("heads", 15, PLAIN, contract_make_heads, UNKNOWN, 0, "Write each head's row to its own place."),
    ROW("heads", 2, PLAIN, contract_make_transposed, UNKNOWN, 0, "Read q and write out as [heads, head_dim]."),
    ROW("kv-scales", 8, PLAIN, contract_make_kv_scales, WRONG_SCALE, 0,
        "Multiply q.k by k_scale once, and the output by v_scale once."),
    ROW("kv-scales", 4, PLAIN, contract_make_output_scale, WRONG_SCALE, 0,
        "Multiply the output by v_scale once, and by nothing else."),
    ROW("kv-scales", 1, SEARCHED, contract_fit_output_factor, WRONG_SCALE, SEEN(EPS_BIAS),
        "Multiply the output by v_scale once, and by nothing else."),
    ROW("offset", 1, SEARCHED, contract_fit_output_offset, UNKNOWN, 0,
        "Add nothing to v or to the output, such as a zero point that is not taken off again."),
    ROW("soft-cap", 2, PLAIN, contract_make_soft_cap, WRONG_SOFT_CAP, 0,
        "State the soft cap that the kernel applies, or none."),
    ROW("soft-cap", 2, SEARCHED, contract_fit_soft_cap, WRONG_SOFT_CAP, 0,
        "State the soft cap that the kernel applies, or none."),
    ROW("sinks", 1, PLAIN, contract_make_no_sinks, WRONG_SINK, 0, "Count the learned sinks among the weights."),
    ROW("sinks", 2, FITTED, contract_fit_slots, LEAK, SEEN(EPS_BIAS),
        "Give slots behind the last key a logit of -inf: one that is read as zeros weighs as much as a key whose logit "
        "is 0."),
    ROW("sinks", 1, FITTED, contract_fit_sink, UNKNOWN, SEEN(EPS_BIAS) | SEEN(WRONG_SINK) | SEEN(LEAK),
        "Begin the sum of weights with 0 and count no slot without a key, or state it as a learned sink."),
    ROW("keys", 1, PLAIN, contract_make_no_mask, LEAK, 0, "Let the mask remove keys, or state none."),
    ROW("keys", 1, PLAIN, contract_make_turned_mask, LEAK, SEEN(DROPPED_KEYS),
        "Take 1 or true in the mask for what it is said to stand for, or state the mask the other way round."),
    ROW("keys", 3, PLAIN, contract_make_ends, DROPPED_KEYS, 0, "Look at every visible key."),
    ROW("keys", 1, FITTED, contract_fit_window, DROPPED_KEYS, SEEN(LEAK),
        "State the window as a mask, or look at every visible key."),
    ROW("keys", 1, FITTED, contract_fit_masked_key, LEAK, 0, "Let the mask remove every key that it masks."),
    ROW("keys", 6, FITTED, contract_fit_chunk, DROPPED_KEYS, SEEN(MISPLACED_KEYS),
        "Look at every page and chunk of keys, once."),
    ROW("position", 1, KEYS, contract_make_counted, UNKNOWN, SEEN(BIAS_SHIFT) | SEEN(WRONG_SLOPE),
        "Count positions in all keys of the cache, masked ones too, or remove those before it is judged."),
    ROW("lse", 2, LSE, contract_make_lse_base, WRONG_LSE, 0, "State the base that lse has."),
    ROW("position", 1, LSE, contract_make_origin, BIAS_SHIFT, 0,
        "State the position that biases are counted from, or count them from the stated one."),
};

const int num_contract_rows = sizeof contract_rows / sizeof *contract_rows;

/* Causes: each makes the output that of other inputs; so do zeros and roundings that are right under the contract. What
 * else has a name is seen in the output itself, and right under none. */
static const unsigned causes = SEEN(SILENT_ZERO) | SEEN(PRECISION_LOSS) | SEEN(LEAK) | SEEN(UNIFORM) | SEEN(EPS_BIAS) |
                               SEEN(DROPPED_KEYS) | SEEN(WRONG_SLOPE) | SEEN(DROPPED_BIAS) | SEEN(BIAS_SHIFT) |
                               SEEN(WRONG_SOFT_CAP) | SEEN(WRONG_SINK) | SEEN(WRONG_SCALE) | SEEN(WRONG_KV_HEAD) |
                               SEEN(WRONG_LSE) | SEEN(MISPLACED_KEYS) | SEEN(WRONG_MERGE) | SEEN(DOUBLED_KEYS) |
                               SEEN(UNKNOWN);

bool contract_speaks_against(const struct contract_finding *finding, enum signature seen)
{
    unsigned of_bits = finding->fits[0].of_bits ? SEEN(NAN) : 0;
    return finding->named && ((causes | of_bits) & ~finding->fits[0].seen_too) >> seen & 1;
}

bool contract_leaves_open(const struct contract_finding *finding, enum signature seen)
{
    unsigned some = 0, all = causes;
    for (int i = 0; i < finding->num_fits && i < CONTRACT_FITS_MAX; i++) {
        some |= finding->fits[i].seen_too;
        all &= finding->fits[i].seen_too;
    }
    return finding->num_fits > 1 && seen != SIGNATURE_UNKNOWN && (some & ~all) >> seen & 1;
}

/* What an output shows by itself, whatever it comes from. */
static const unsigned sights = SEEN(SILENT_ZERO) | SEEN(UNIFORM) | SEEN(UNKNOWN);

bool contract_contradicts(const struct contract_finding *finding, enum signature seen, const struct class_whole *stated)
{
    bool contradicts = finding->num_fits > 0 && !finding->named && (causes & ~sights) >> seen & 1;
    for (int i = 0; i < finding->num_fits && i < CONTRACT_FITS_MAX; i++) {
        const struct contract_fit *fit = &finding->fits[i];
        bool plain = seen == SIGNATURE_PRECISION_LOSS ? fit->num_roundings < class_fewest_roundings(stated)
                                                      : fit->num_roundings <= (fit->remedy_too ? 0 : 1);
        contradicts = contradicts && plain && !(fit->seen_too >> seen & 1);
    }
    return contradicts;
}
