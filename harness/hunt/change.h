/*
 * The ways in which a hunt changes a candidate's free keys.
 */
#ifndef HARNESS_HUNT_CHANGE_H
#define HARNESS_HUNT_CHANGE_H

#include "harness/hunt/candidate.h"
#include "harness/hunt/draw.h"
#include "harness/hunt/space.h"

enum change {
    CHANGE_REDRAW, /* a new value, whatever it was */
    CHANGE_STEP,   /* one near it */
    CHANGE_EDGE,   /* one at an end: a limit, a power of two or a tile and what stands beside it; a mask without one of
                    * its kinds */
    CHANGE_COUNT
};

/* Whether a key can be changed so: of seeds and of lists none is near another one. */
bool change_is_of(enum change change, const struct free_key *key);

/* A candidate and the point that it is, as far as changes have to know it: numbers, input and mask. */
struct changing {
    struct candidate *candidate;
    struct point point;
};

/* Changes a key. ERROR_SYSTEM if memory is short. */
enum error_kind change_key(struct changing *changing, const struct free_key *key, enum change change,
                           struct draws *draws, struct error *error);

/* Cuts a free mask to the length that the candidate has come to. */
enum error_kind change_fit(struct changing *changing, const struct space *space, struct error *error);

/* Writes the point's value of a key into the candidate. */
enum error_kind change_write(struct changing *changing, enum key_id id, struct error *error);

/* number with so many significant digits. */
double change_round(double number, int digits);

#endif
