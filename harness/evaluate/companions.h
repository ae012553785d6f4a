/*
 * The other sequences of a point's launch: where a case has `batch: together`, the lengths of seq_len are the sequences
 * of one launch, each a point of its own with inputs of its own. A point is judged on its sequence; the others are made
 * and run beside it.
 */
#ifndef HARNESS_EVALUATE_COMPANIONS_H
#define HARNESS_EVALUATE_COMPANIONS_H

#include "harness/case/case.h"
#include "harness/problem/generate.h"

/* Zeroed: none. */
struct companions {
    int count;                /* of all sequences, the point's included */
    struct inputs *inputs;    /* [count]; zeroed for the point's own */
    struct problem *problems; /* [count] */
    struct output *outputs;   /* [count] */
    void *memory;             /* of the outputs */
    struct point of;          /* the point that they are the companions of */
};

/* Makes those of a point, unless they are at hand. ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED. companions_clear
 * frees, whatever the result. */
enum error_kind companions_make(struct companions *companions, const struct point *point, int threads,
                                struct progress *progress, struct error *error);
void companions_clear(struct companions *companions);

/* Bytes that a point's companions and a launch with them take beyond the point itself. */
double companions_bytes(const struct point *point);

#endif
