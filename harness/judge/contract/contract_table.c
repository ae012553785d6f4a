#include "harness/judge/contract/contract_table.h"

#include "reference/slopes.h"

#define ROW(called, variants, in_order, function, sentence)    \
    {                                                          \
        called, sentence, variants, STAGE_##in_order, function \
    }

const struct contract_row contract_rows[] = {
    ROW("scale", CONTRACT_SCALES, PLAIN, contract_make_scale,
        "Give the kernel the scale that is stated, or state the one that it has."),
    ROW("scale", 1, SEARCHED, contract_fit_scale,
        "Give the kernel the scale that is stated, or state the one that it has."),
    ROW("slopes", 1, PLAIN, contract_make_no_bias, "Give the kernel its slopes, or state that there are none."),
    ROW("slopes", SLOPES_COUNT *CONTRACT_MAX_BIASES, PLAIN, contract_make_convention,
        "Take the slopes that the model defines, or state those that the kernel has."),
    ROW("slopes", 7, PLAIN, contract_make_slope_factor,
        "Add slope * (j - position) to the scaled product, once, in natural units."),
    ROW("slopes", 3, PLAIN, contract_make_slope_heads, "Give each head its own slope."),
    ROW("slopes", 1, SEARCHED, contract_fit_slopes,
        "Add slope * (j - position) to the scaled product, once, in natural units."),
    ROW("layout", 6, KEYS, contract_make_layout,
        "State the layout that the kernel reads, or bring k and v into the one that is stated."),
    ROW("layout", 1, PLAIN, contract_make_exchange, "Pass k for k and v for v."),
    ROW("places", 8, ALONE, contract_make_shifted, "Read k and v of a key at one place."),
    ROW("places", 3 * CONTRACT_PAGE_SIZES, ALONE, contract_make_pages,
        "Look up each page in its place of the sequence's table."),
    ROW("kv-heads", 4, ROWS, contract_make_kv_heads,
        "Let query head h read KV head h / (H / Hkv), or repeat KV heads that way."),
    ROW("kv-heads", 4, KEYS, contract_make_one_kv_head, "Read k and v of one KV head."),
    ROW("keys", 6, ROWS, contract_make_queries,
        "Let query i of Q see the keys up to its own, which is key N - Q + i, and count its biases from there."),
    ROW("keys", 1, KEYS, contract_make_next_key,
        "Let query i of Q see the keys up to its own, which is key N - Q + i."),
    ROW("heads", 15, PLAIN, contract_make_heads, "Write each head's row to its own place."),
    ROW("heads", 2, PLAIN, contract_make_transposed, "Read q and write out as [heads, head_dim]."),
    ROW("kv-scales", 8, PLAIN, contract_make_kv_scales,
        "Multiply q.k by k_scale once, and the output by v_scale once."),
    ROW("kv-scales", 4, PLAIN, contract_make_output_scale, "Multiply the output by v_scale once, and by nothing else."),
    ROW("kv-scales", 1, SEARCHED, contract_fit_output_factor,
        "Multiply the output by v_scale once, and by nothing else."),
    ROW("offset", 1, SEARCHED, contract_fit_output_offset,
        "Add nothing to v or to the output, such as a zero point that is not taken off again."),
    ROW("soft-cap", 2, PLAIN, contract_make_soft_cap, "State the soft cap that the kernel applies, or none."),
    ROW("soft-cap", 2, SEARCHED, contract_fit_soft_cap, "State the soft cap that the kernel applies, or none."),
    ROW("sinks", 1, PLAIN, contract_make_no_sinks, "Count the learned sinks among the weights."),
    ROW("sinks", 1, FITTED, contract_fit_sink,
        "Begin the sum of weights with 0 and count no slot without a key, or state it as a learned sink."),
    ROW("keys", 1, PLAIN, contract_make_no_mask, "Let the mask remove keys, or state none."),
    ROW("keys", 3, PLAIN, contract_make_ends, "Look at every visible key."),
    ROW("keys", 1, FITTED, contract_fit_window, "State the window as a mask, or look at every visible key."),
    ROW("keys", 1, FITTED, contract_fit_masked_key, "Let the mask remove every key that it masks."),
    ROW("keys", 6, FITTED, contract_fit_chunk, "Look at every page and chunk of keys, once."),
    ROW("position", 1, KEYS, contract_make_counted,
        "Count positions in all keys of the cache, masked ones too, or remove those before it is judged."),
    ROW("lse", 2, LSE, contract_make_lse_base, "State the base that lse has."),
    ROW("position", 1, LSE, contract_make_origin,
        "State the position that biases are counted from, or count them from the stated one."),
};

const int num_contract_rows = sizeof contract_rows / sizeof *contract_rows;
