/*
 * Where the error of a point's output comes from: figures by stage of the kernel's arithmetic, from its replay.
 *
 * A stage's error at an element is what its roundings, as the kernel made them, do to the output while everything else
 * is exact (kernels/device/replay.h). STAGE_NONE stands for what no rounding explains: recipe and kernel in exact
 * arithmetic against the truth. Elements whose truth is not finite do not enter.
 */
#ifndef HARNESS_COMMAND_EXPLANATION_H
#define HARNESS_COMMAND_EXPLANATION_H

#include "harness/evaluate/evaluate.h"
#include "kernels/device/replay.h"

struct stage_error {
    double max_abs_err; /* NaN if one is */
    int64_t worst;      /* the element that has it, h * D + d */
    double rms_err;     /* over all elements */
    double err;         /* at the element in question, signed */
    double share;       /* |err| in the sum of |err| of all stages there; 0 if that is 0 */
};

/* A head whose error is among the largest, and the stage that has most of it at its worst element. */
struct head_error {
    int head, dim;
    double max_abs_err, share;
    enum stage stage;
};

enum { EXPLAINED_HEADS = 3 };

struct explanation {
    int64_t element; /* the one in question, h * D + d */
    double output, truth, bound;
    double unexplained;                              /* |error| of STAGE_NONE that double's own rounding may make */
    struct stage_error stages[ROUNDING_STAGE_COUNT]; /* up to STAGE_OUTPUT */
    struct stage_error together;                     /* their sum */
    struct stage_error kernel;                       /* output - truth */
    int64_t differing;                               /* elements that the kernel and its replay do not have in common */
    struct head_error heads[EXPLAINED_HEADS];
    int num_heads; /* of those */
};

/* Explains `element`; -1: the worst one. The truth is finite there. */
void explanation_make(struct explanation *explanation, const struct evaluation *evaluation, const struct replay *replay,
                      int64_t element);

#endif
