/*
 * Contracts that a kernel may have taken in place of the stated one, a row of contract_table.c each: how many variants
 * it has, how a trial becomes one of them, and what is to be done about it.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_TABLE_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_TABLE_H

#include "harness/judge/contract/contract_makers.h"

/* In which order the contracts of a pair are taken, the same for all variants of a row. */
enum contract_stage {
    STAGE_KEYS,     /* k or v is copied, whole: no two in a pair */
    STAGE_PLAIN,    /* a head keeps its place */
    STAGE_ROWS,     /* heads move with all that is theirs: what is said of a head is said before */
    STAGE_FITTED,   /* a parameter, which one look at the keys gives */
    STAGE_SEARCHED, /* a parameter, which many looks give: in a pair with lse alone, which it does not look at */
    STAGE_LSE,      /* what lse is, or what it gives */
    STAGE_ALONE     /* in no pair: k or v is copied, and there are many */
};

struct contract_row {
    const char *name;   /* "scale": what it is about. A pair is about two things: of two about which keys are seen, one
                         * would make good what the other says too much */
    const char *remedy; /* a sentence */
    int num_variants;
    enum contract_stage stage;
    enum signature seen_as; /* what a failure by it is called; SIGNATURE_UNKNOWN: it has no name of its own */
    unsigned seen_too;      /* bit s: that, or by its looks, signature s */
    /* Changes the trial into a variant, and says in its text which. False: there is no such variant, or it is what was
     * stated, or memory is short. */
    bool (*make)(struct contract_trial *trial, int variant, const struct contract_clue *clue);
};

static inline bool contract_is_fitted(const struct contract_row *row)
{
    return row->stage == STAGE_FITTED || row->stage == STAGE_SEARCHED;
}

/* Whether there is a number that is looked for, in the keys or in lse. */
static inline bool contract_has_number(const struct contract_row *row)
{
    return contract_is_fitted(row) || row->make == contract_make_origin;
}

/* Makes a variant of a trial, which may be one whose keys wait to be moved: what looks at them reads them there. */
static inline bool contract_make(const struct contract_row *row, struct contract_trial *trial, int variant,
                                 const struct contract_clue *clue)
{
    clue->screen->moved = trial;
    bool made = row->make(trial, variant, clue);
    clue->screen->moved = NULL;
    return made;
}

extern const struct contract_row contract_rows[];
extern const int num_contract_rows;

#endif
