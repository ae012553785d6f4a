/*
 * What is asked of two subjects to find the step in which they part: rows of few keys, and other keys to compare with.
 */
#ifndef HARNESS_JUDGE_PARTING_ASKING_H
#define HARNESS_JUDGE_PARTING_ASKING_H

#include "harness/judge/parting/parting_found.h"
#include "harness/judge/parting/row_runs.h"

enum { PARTNERS = 3 };

struct asking {
    struct parting *parting;
    struct row_runs *runs;
    const int64_t *keys; /* with which the row differs */
    size_t num_keys;
    int64_t *all; /* every visible one */
    size_t num_all;
    int64_t partners[PARTNERS + 1]; /* the heaviest visible keys that are not among them */
    int num_partners;
};

/* keys are ascending, and outlive it. ERROR_SYSTEM if memory is short; asking_end frees. */
enum error_kind asking_begin(struct asking *asking, struct parting *parting, struct row_runs *runs, const int64_t *keys,
                             size_t num_keys, struct error *error);
void asking_end(struct asking *asking);

/* What is known: the step, and its key, or -1; or why the step is not, and the key nevertheless. */
void name_step(struct asking *asking, enum parting_step step, int64_t key);
void name_key(struct asking *asking, int64_t key, const char *why);

/* Runs a copy of the row with some keys alone. */
enum error_kind ask(struct asking *asking, struct row_change change, const int64_t *keys, size_t num_keys,
                    struct row_seen *seen, struct error *error);

/* Some other keys alone, evenly spread: whether the key that differs is the only one. */
enum error_kind ask_others(struct asking *asking, struct error *error);

/* With how many of its partners, some of `tried`, out differs of the pair of a key and each. */
enum error_kind ask_pairs(struct asking *asking, int64_t key, int *tried, int *differ, struct error *error);

/* Whether the weights of pairs with a key differ, and of pairs of the others do not. */
enum error_kind ask_weight_of(struct asking *asking, int64_t key, bool *its_own, struct error *error);

#endif
