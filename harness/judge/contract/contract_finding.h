/*
 * The contracts under which an output is right that is wrong as it was stated.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_FINDING_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_FINDING_H

#include "harness/judge/class/class_find.h"
#include "harness/judge/judgement.h"

enum { CONTRACT_FITS_MAX = 4, CONTRACT_TEXT_SIZE = 256 };

struct contract_fit {
    const char *name, *remedy;
    const char *remedy_too; /* of the second of a pair; NULL: it is none */
    enum signature seen_as; /* contract_table.h; of a pair unknown, unless both have the same */
    unsigned seen_too;      /* of a pair: of either */
    bool of_bits;           /* the output has other bits than those of what was meant: so has what is seen in it */
    char text[CONTRACT_TEXT_SIZE];
    int num_roundings;                /* beyond f32's own, under it; -1: nothing but the output's */
    class_set set;                    /* of the output under it, */
    char class_name[CLASS_NAME_SIZE]; /* and that in words */
};

struct contract_finding {
    struct contract_fit fits[CONTRACT_FITS_MAX];
    int num_fits; /* all that fit, those that have no room too */
    bool named;   /* fits[0] is what the kernel took */
};

/* Whether the contract that the kernel took, which all rows are right under, speaks against a name that a few rows have
 * given the failure: `seen` is another cause. */
bool contract_speaks_against(const struct contract_finding *finding, enum signature seen);

/* Whether contracts that fit alike are of different causes, of which the name is one: another one is as good. */
bool contract_leaves_open(const struct contract_finding *finding, enum signature seen);

/* Whether what fits, though none is the one that the kernel took, speaks against a name as well: none of them is of
 * that cause. Rounding is no less of a cause where it takes no more roundings of the output as it was stated
 * (class_find.h) than under what fits; what is seen in the output itself is so under any contract. */
bool contract_contradicts(const struct contract_finding *finding, enum signature seen,
                          const struct class_whole *stated);

#endif
