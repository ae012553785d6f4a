/*
 * Two outputs of one problem, compared bit for bit.
 *
 * Every NaN counts as the same: which sign and payload an operation gives it is no part of its result
 * (output_unite_nans, which is to be called on both before).
 */
#ifndef HARNESS_JUDGE_PARTING_BITS_H
#define HARNESS_JUDGE_PARTING_BITS_H

#include "reference/problem.h"

struct bits_apart {
    int64_t elements, differing; /* of out */
    int64_t rows, lse_differing;
    bool has_lse;
    double max_ulp, max_lse_ulp; /* the largest distances, in steps from one number of the dtype to the next;
                                  * infinite where one of two is not finite */
    int64_t first_row;           /* of the whole, query * H + head; -1: no bit differs */
    int first_dim;               /* -1: in that row lse alone differs */
    double first[2];             /* what stands there, in out, or in lse */
    uint32_t first_bits[2];
};

/* Of no rows. */
void bits_begin(struct bits_apart *bits);

/* Adds the rows of a part: its heads are those from first_head on, of whole_heads. An lse that one of both lacks is not
 * compared. */
void bits_take(struct bits_apart *bits, const struct problem *part, const struct output outputs[2], int first_head,
               int whole_heads);

/* Whether anything differs. */
static inline bool bits_differ(const struct bits_apart *bits)
{
    return bits->differing > 0 || bits->lse_differing > 0;
}

/* Whether the row of a head of the first query does: in out, in lse. */
bool bits_row_out_differs(const struct problem *problem, const struct output outputs[2], int head);
bool bits_row_lse_differs(const struct output outputs[2], int head);

/* Steps between two numbers of a dtype of outputs, whose bits are given. */
double bits_steps(enum dtype dtype, uint32_t a, uint32_t b);

#endif
