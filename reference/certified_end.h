/*
 * The end of a certified head: what its sums come to, and how far that may be off. Lemmas 5 to 7 of truth_certified.md.
 */
#ifndef REFERENCE_CERTIFIED_END_H
#define REFERENCE_CERTIFIED_END_H

#include "reference/certified_room.h"
#include "reference/double_double.h"
#include "reference/key_rows.h"
#include "reference/truth.h"

enum { BLOCK = KEY_ROWS }; /* keys at once */

#define UNIT 0x1p-53 /* u */

/* A head while it is worked on. */
struct head {
    const struct problem *problem;
    int index, kv_head;
    const float *v_bounds; /* [D] >= |v| of every visible key; NaN or infinite if one of them is */
    const float *v_beyond; /* [D] the sum of those that are NaN or infinite; NULL: there are none */
    double slope, scale;
    double cap;        /* C of a soft cap; 0: there is none */
    double sink;       /* a learned sink; -INFINITY: there is none */
    double reach;      /* B: |scale| sum_i |q_i| max_j |k_ij|, rounded up: no logit is further from its bias */
    double largest;    /* A: reach plus the largest |bias| in the window */
    double look_error; /* of a logit in double */
    double max;        /* largest logit looked at */
    double shift;      /* of all weights: that or the sink */
    bool sunk;         /* the sink is so far above all keys that shift is max, and no sum has it */
    bool lacks_keys;   /* one of them is not there, and what comes of it means nothing (recent_keys.h) */
    double unseen;     /* bound on the weight of keys that were not looked at or dropped, relative to exp(max), and from
                        * add_up() on to exp(shift) */
};

/* What the keys looked at add up to, beside the sums over v in the room. */
struct sums {
    struct double_double heavy; /* sum of weights */
    double light;
    size_t num_heavy, num_light;
};

/* Values and radii. False if a radius misses the goal. */
bool certified_end(struct truth *truth, const struct head *head, const struct certified_room *room,
                   const struct sums *sums);

/* Those of a head of whose visible keys one has a logit that is NaN or +inf: NaN, all of them. */
void certified_end_nan(struct truth *truth, const struct head *head);

#endif
