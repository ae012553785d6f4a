/*
 * The contracts under which an output is right that is wrong as it was stated.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_FINDING_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_FINDING_H

#include "harness/judge/class/class_find.h"

enum { CONTRACT_FITS_MAX = 4, CONTRACT_TEXT_SIZE = 256 };

struct contract_fit {
    const char *name, *remedy;
    const char *remedy_too; /* of the second of a pair; NULL: it is none */
    char text[CONTRACT_TEXT_SIZE];
    class_set set;                    /* of the output under it, */
    char class_name[CLASS_NAME_SIZE]; /* and that in words */
};

struct contract_finding {
    struct contract_fit fits[CONTRACT_FITS_MAX];
    int num_fits; /* all that fit, those that have no room too */
    bool named;   /* fits[0] is what the kernel took */
};

#endif
