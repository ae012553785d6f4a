/*
 * A problem and an output as another contract takes them: what caller and kernel must agree on, and tensors do not say.
 *
 * A trial begins as what was stated, or, of a pair of contracts, as what the first of them has made of it. A contract
 * is a step that changes it. What a step changes is copied first; the rest stays the memory of what it began with.
 * Changes of heads that concern q, slopes, sinks and the output alike are made by moving those, so that k and v stay
 * where they are.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_TRIAL_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_TRIAL_H

#include "harness/judge/contract/contract_finding.h"
#include "harness/judge/exhibit.h"
#include "harness/judge/key_map.h"

enum { CONTRACT_OWNED_MAX = 16 };

struct contract_trial {
    const struct exhibit *stated;
    struct problem before; /* what the step at work begins with */
    struct output output_before;
    struct problem problem;
    struct output output;
    double factor, offset; /* the output is the problem's exact result times factor, plus offset; 1 and 0 */
    const void *of[2];     /* which of the stated k and v its k and v are made of, */
    struct key_map map[2]; /* and by which they were moved last; zeroed: they were not */
    unsigned waiting;      /* of MOVE_K and MOVE_V: not moved yet, so that the problem has them where they were */
    unsigned crossing; /* the same, of a problem in parts: their rows may be of other KV heads, and so other parts */
    void *owned[CONTRACT_OWNED_MAX];
    int num_owned;
    bool is_short;                 /* of memory: that a step is refused then says nothing about the contract */
    char text[CONTRACT_TEXT_SIZE]; /* what is assumed: "scale 1 in place of 0.125" */
};

struct contract_trial contract_trial_begin(const struct exhibit *stated);

/* One that begins as another has become, whose memory it has no part in and which is to outlive it. */
struct contract_trial contract_trial_on(const struct contract_trial *first);
void contract_trial_clear(struct contract_trial *trial);

/* Whether its k and v are other memory than those that were stated. */
static inline bool contract_moved(const struct contract_trial *trial)
{
    return trial->stated &&
           (trial->problem.k != trial->stated->problem->k || trial->problem.v != trial->stated->problem->v);
}

/* Copies for a trial to change; NULL if memory is short, which the trial then knows, or there is nothing to copy. They
 * become the trial's. */
float *contract_own_slopes(struct contract_trial *trial); /* [H] */
uint8_t *contract_own_mask(struct contract_trial *trial); /* [N], 1 where every key is visible */
float *contract_own_lse(struct contract_trial *trial);    /* [R]; NULL: the output has none */
void *contract_own_out(struct contract_trial *trial);     /* [R, D] */

/* Head h of the trial is what was head source[h]; of each with a bit in which. False if memory is short. */
enum { MOVE_QUERIES = 1 << 0, MOVE_SLOPES = 1 << 1, MOVE_OUT = 1 << 2, MOVE_LSE = 1 << 3, MOVE_SINKS = 1 << 4 };
enum { MOVE_ALL_OF_HEADS = MOVE_QUERIES | MOVE_SLOPES | MOVE_OUT | MOVE_LSE | MOVE_SINKS };
bool contract_move_heads(struct contract_trial *trial, const int *source, unsigned which);

/* Row (key, KV head) of k or v is what was row place(map, key, KV head), map->by of it: which has bits of these.
 * Nothing is copied before contract_place_keys: a screen looks at a few rows, and most trials go no further. False if
 * memory is short. */
enum { MOVE_K = 1 << 0, MOVE_V = 1 << 1 };
bool contract_move_keys(struct contract_trial *trial, unsigned which, key_place *place, int64_t by);

/* Makes k and v of the trial's problem what it says of them: for all but contract_screen_row. False if memory is short.
 * Of a problem in parts they go on waiting: whoever opens a part has its rows read where they are
 * (contract_key_maps). */
bool contract_place_keys(struct contract_trial *trial);

/* By which rows of the stated k and v are read for the trial, where they wait and have a bit in which. */
void contract_key_maps(struct key_map moved[2], const struct contract_trial *trial, unsigned which);

/* Appends a key that is masked, so that each query but the last sees one key more. */
bool contract_append_key(struct contract_trial *trial);

/* Leaves out the masked keys, so that each key stands at its place among the visible ones, the query where it is from
 * the end. False where no key is masked, or all are. */
bool contract_leave_masked_keys(struct contract_trial *trial);

/* Makes one query of several, whose rows become heads of it: all of them see every key. lse becomes what it would be at
 * the last query's position; with_positions: each query's was counted from its own. Nothing may be said of heads any
 * more. */
bool contract_join_queries(struct contract_trial *trial, bool with_positions);

/* What the trial's output would be of an exact result of its problem. */
static inline double contract_made_of(const struct contract_trial *trial, double exact)
{
    return trial->factor * exact + trial->offset;
}

/* Makes the truth of a trial's problem into that of its output. */
void contract_change_truth(const struct contract_trial *trial, struct truth *truth);

/* Puts a sentence into the trial's text, behind what is there; true. */
bool contract_say(struct contract_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
