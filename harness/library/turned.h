/*
 * A problem and its output with the elements of every head in another order and with other signs, for whoever may see
 * how an output is wrong and not what it was made of.
 *
 * With P and R matrices that have one entry of 1 or -1 in each row and column, q and k become P q and P k, v and out R
 * v and R out, of all heads alike. So q.k, each logit and weight, lse, and every error are what they were, an element
 * of out in another place, and no number is rounded in any type: the problem is another one with the same answer. Signs
 * of NaN are left as they are, and those of zeros where a type has but one.
 *
 * It hides which element of a head is which, and its sign, and nothing else: magnitudes stay, and so does the product
 * of any two rows. Status, errors and class are those of the problem before. A cause that shows in the order or the
 * signs of a head's elements, a constant, errors of one sign, axes exchanged, is not to be seen in it.
 */
#ifndef HARNESS_LIBRARY_TURNED_H
#define HARNESS_LIBRARY_TURNED_H

#include "reference/problem.h"

/* Element d of a row is element from[d] of the row before, with the other sign where flipped[d]. */
struct turning_map {
    uint16_t from[PROBLEM_MAX_DIM];
    bool flipped[PROBLEM_MAX_DIM];
};

/* P and R. */
struct turning {
    int head_dim; /* up to PROBLEM_MAX_DIM */
    struct turning_map keys, values;
};

/* Draws one from the system's random numbers: it is written nowhere, and nobody can draw it again. ERROR_SYSTEM. */
enum error_kind turning_draw(struct turning *turning, int head_dim, struct error *error);

struct turned {
    struct problem problem; /* slopes, sinks and mask are those of the problem before */
    struct output output;   /* lse as well */
    void *q, *k, *v, *out;
};

/* q, k and v of the problem are in memory, of all heads. turned is overwritten and, whatever the result, to be cleared.
 * ERROR_SYSTEM if memory is short. */
enum error_kind turned_make(struct turned *turned, const struct turning *turning, const struct problem *problem,
                            const struct output *output, struct error *error);
void turned_clear(struct turned *turned);

#endif
