/*
 * The parts of a problem opened again, when all of them have been judged: for what is sought of a failure in k and v.
 *
 * There is memory for the k and v of one part, for whatever rows of all parts. It is lent by the inputs of what was
 * opened last, whose q, slopes and mask stay what they are and where they are: the whole problem points into them.
 */
#ifndef HARNESS_LIBRARY_OPENED_PARTS_H
#define HARNESS_LIBRARY_OPENED_PARTS_H

#include "harness/judge/exhibit.h"
#include "harness/problem/problem_source.h"

/* How parts are opened, and who is told. */
struct part_opening {
    int threads;
    struct progress *progress;
    /* A part is about to be opened: "signature, part 3 of 32", a text that ends with the call. NULL: nobody wants to
     * know. */
    void (*step)(void *context, const char *step, long work);
    void *context;
    const char *purpose; /* "signature" */
};

/* What the memory of k or v has. */
struct held_rows {
    int part; /* its number; -1: nothing */
    struct key_map map;
};

struct opened_parts {
    struct key_parts parts; /* whose context this is, so that it stays where it is */
    const struct problem_source *source;
    struct inputs *lender, inputs; /* of the part that was opened last with its keys as they are */
    int open;                      /* its number; -1: none is */
    struct held_rows held[2];      /* k, v */
    struct problem moved;          /* the part whose keys were moved last */
    struct part_opening how;
    double seconds; /* that opening took so far */
};

/* Lets the exhibit, which is of all of the source's problem, have the keys of its parts: from now on lender has no k
 * and v. Of a source with one part nothing changes. opened is overwritten and, whatever follows, to be ended. */
void opened_parts_offer(struct opened_parts *opened, struct exhibit *exhibit, const struct problem_source *source,
                        struct inputs *lender, const struct part_opening *how);

/* Closes what is open, and gives the memory back, with nothing in it. The seconds that opening took. */
double opened_parts_end(struct opened_parts *opened);

#endif
