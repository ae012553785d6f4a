/*
 * Contracts that a kernel may have taken in place of the stated one, a row of contract_table.c each: how many variants
 * it has, how a trial becomes one of them, and what is to be done about it.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_TABLE_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_TABLE_H

#include "harness/judge/contract/contract_screen.h"

/* What a variant with a parameter of its own is fitted to. */
struct contract_clue {
    struct contract_screen *screen;
    int row; /* the furthest off */
};

struct contract_row {
    const char *name;   /* "scale" */
    const char *remedy; /* a sentence */
    int num_variants;
    bool fitted; /* its variants have a parameter of their own, which takes longer to find */
    /* Changes the trial into a variant, and says in its text which. False: there is no such variant, or it is what was
     * stated, or memory is short. */
    bool (*make)(struct contract_trial *trial, int variant, const struct contract_clue *clue);
};

/* Variants whose parameter is fitted to the row of the clue (contract_fit.c). */
bool contract_fit_scale(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_slopes(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_soft_cap(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_sink(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_window(struct contract_trial *trial, int variant, const struct contract_clue *clue);
bool contract_fit_chunk(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* Puts a sentence into the trial's text, behind what is there; true. */
bool contract_say(struct contract_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

extern const struct contract_row contract_rows[];
extern const int num_contract_rows;

#endif
