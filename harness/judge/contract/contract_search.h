/*
 * The contract detective: if an output is wrong as its contract was stated, under which other one is it right?
 *
 * Each variant of contract_table.h is a problem (and an output) of its own. It is screened on a few of the rows that
 * are furthest off, in double precision; what is left is held against its own truth and against the classes of
 * arithmetic (arithmetic_class.h), on all rows. What a class covers fits. A contract is named if it alone fits and the
 * output as stated is far off: at least 64 elements of 2 rows by more than 8 times what the class allows there, or,
 * where out is as stated, the lse of 2 rows. Without that what fits is listed and nothing is named.
 *
 * Where no single contract explains the output, or one does with more roundings than f32 has, pairs of them are tried:
 * one on top of another, of two that are about different things (contract_rows_pair). A sample of one row is to speak
 * for a pair (contract_pair.h), then the rows that are furthest off, then all. It is named by the same rule, and only
 * if the output is as far off, too, where each of the two is assumed alone, and no more than two roundings are needed.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_SEARCH_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_SEARCH_H

#include "harness/judge/contract/contract_finding.h"
#include "harness/judge/exhibit.h"
#include "harness/judge/verdict.h"
#include "reference/progress.h"

/* Searches for the contract of an output that fails, under which it is in the class that is asked for, if one is.
 * finding is overwritten. Where k and v are NULL their parts are opened, and trials of all rows go through them
 * (contract_parts.h). Without parts nothing is looked for, and of more than 2^20 keys no pair. At most 16 pairs are
 * held against a truth: where the screen lets more pass, the rows do not tell one from another, and none is said.
 * Beside these, pairs cost what contract_pairs_find says. ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED. */
enum error_kind contract_search(struct contract_finding *finding, const struct exhibit *exhibit,
                                const struct verdict *verdict, const struct class_demand *demand, int threads,
                                struct progress *progress, struct error *error);

#endif
