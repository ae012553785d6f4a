/*
 * Pairs of contracts that a sample does not speak against: one row, of which a few elements are looked at.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_PAIR_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_PAIR_H

#include "harness/judge/contract/contract_table.h"
#include "reference/progress.h"

/* Rows of contract_rows and variants of them, in the order in which they are taken. */
struct contract_pair {
    const struct contract_row *row[2];
    int variant[2];
};

enum { CONTRACT_PAIRS_MAX = 256 };

struct contract_pairs {
    struct contract_pair pairs[CONTRACT_PAIRS_MAX];
    int count; /* all of them, those that have no room too */
};

/* Whether two rows are tried together, in this order. */
bool contract_rows_pair(const struct contract_row *first, const struct contract_row *second);

/* Looks at every pair, in the row of the problem that tells most. Costs some 5000 sums over its keys, each of a few
 * nanoseconds a key, and a copy of k and v for each contract that moves them. pairs is overwritten. ERROR_SYSTEM if
 * memory is short, ERROR_INTERRUPTED. */
enum error_kind contract_pairs_find(struct contract_pairs *pairs, const struct exhibit *stated, int row, int threads,
                                    const struct progress *progress, struct error *error);

#endif
