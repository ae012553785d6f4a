/*
 * What makes a trial into each variant of contract_table.c's rows, a file for each thing that contracts are about.
 * Variants are counted from 0; what `make` of struct contract_row says holds of each.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_MAKERS_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_MAKERS_H

#include "harness/judge/contract/contract_screen.h"

/* What a variant with a parameter of its own is fitted to. */
struct contract_clue {
    struct contract_screen *screen;
    int row; /* the furthest off */
};

/* How many variants there are where the table would have to count. */
enum { CONTRACT_SCALES = 11, CONTRACT_MAX_BIASES = 3, CONTRACT_PAGE_SIZES = 5 };

/* contract_scale.c */
bool contract_make_scale(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_kv_scales(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_output_scale(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* contract_slopes.c */
bool contract_make_no_bias(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_convention(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_slope_factor(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_base(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_slope_heads(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* contract_keys.c */
bool contract_make_layout(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_exchange(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_shifted(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_pages(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_counted(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_one_kv_head(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* contract_heads.c */
bool contract_make_kv_heads(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_heads(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_transposed(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* contract_queries.c */
bool contract_make_queries(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_next_key(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* contract_terms.c */
bool contract_make_soft_cap(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_no_sinks(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_no_mask(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_turned_mask(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_ends(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* contract_lse.c */
bool contract_make_lse_base(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_make_origin(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* contract_output.c: a number that is fitted to all rows. */
bool contract_fit_output_factor(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_output_offset(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* contract_sink.c: fitted to the row of the clue, as those of contract_fit.c are. */
bool contract_fit_slots(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_sink(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* Variants whose parameter is fitted to the row of the clue (contract_fit.c). */
bool contract_fit_scale(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_slopes(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_soft_cap(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_window(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_masked_key(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_chunk(struct contract_trial *trial, int variant, const struct contract_clue *clue);

#endif
