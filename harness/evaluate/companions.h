/*
 * The other sequences of a point's launch: where a case has `batch: together`, the lengths of seq_len are the sequences
 * of one launch, each a point of its own with inputs of its own. A point is judged on its sequence; the others are made
 * and run beside it.
 */
#ifndef HARNESS_EVALUATE_COMPANIONS_H
#define HARNESS_EVALUATE_COMPANIONS_H

#include "harness/case/case.h"
#include "harness/problem/generate.h"

enum { COMPANIONS_KEPT_BYTES = 32 << 20 }; /* of inputs; beyond it those of the oldest batches go */

/* The inputs of a batch's sequences, each made when it is wanted first: the batch is that of as many points as it has
 * sequences, and points of its case in another dtype, say, stand between them. */
struct batch_inputs {
    struct batch_inputs *older;
    const struct test_case *test_case;
    int count;
    struct problem_spec *specs; /* [count] */
    struct inputs *inputs;      /* [count] */
    bool *made;                 /* [count] */
    double size_bytes;          /* of all */
};

/* Zeroed: none. */
struct companions {
    int count;                   /* of all sequences, the point's included */
    struct problem *problems;    /* [count]; zeroed for the point's own */
    struct output *outputs;      /* [count] */
    void *memory;                /* of the outputs */
    struct point of;             /* the point that they are the companions of */
    struct batch_inputs *newest; /* of one case; the first one's are the companions' */
    double most_bytes;           /* that are kept, if the newest do not take more; 0: COMPANIONS_KEPT_BYTES */
};

/* Makes those of a point, unless they are at hand. ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED. companions_clear
 * frees, whatever the result. */
enum error_kind companions_make(struct companions *companions, const struct point *point, int threads,
                                struct progress *progress, struct error *error);
void companions_clear(struct companions *companions);

/* Drops those of another case than the point's. */
void companions_leave(struct companions *companions, const struct point *point);

/* Bytes that a point's companions, what is kept beside them, and a launch with them take beyond the point itself. */
double companions_bytes(const struct point *point);

#endif
