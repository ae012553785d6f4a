/*
 * What of a problem a trial works on, where all of it would cost too much.
 */
#ifndef HARNESS_JUDGE_ORACLE_TRIAL_CUT_H
#define HARNESS_JUDGE_ORACLE_TRIAL_CUT_H

#include "reference/problem.h"

struct trial_cut {
    int kv_head, num_kv_heads;          /* first, count */
    int head_of_group, heads_a_kv_head; /* of each KV head's query heads: first, count */
    int64_t first_key, num_keys;
    int64_t q_position; /* of the part */
};

/*
 * All of a problem if Q N H D is at most max_elements > 0; otherwise some of its KV heads, two at least; if that is too
 * much some query heads of each, two at least, a divisor of how many there are where one fits; and if that is still too
 * much a run of keys. Which ones is a matter of choice, any number; 0: the first heads, and the run that has the newest
 * visible key in its newer half. Of other numbers half take that run of keys, and half one that lies anywhere. A
 * visible key is in it, if there is one; masks and slopes are the original's, and so are distances, but that the query
 * stands as far from the newest visible key of the run as it does from that of the whole: logits come no nearer to a
 * sentinel than they were.
 */
struct trial_cut trial_cut(const struct problem *problem, int64_t max_elements, uint64_t choice);

/* Its counts, for a shape without tensors. */
struct trial_cut trial_cut_shape(const struct problem *shape, int64_t max_elements);

/* A mix of two numbers. */
uint64_t trial_mix(uint64_t a, uint64_t b);

#endif
