/*
 * The softmax of a row's keys chunk by chunk: of 16 keys at first, then of twice as many.
 */
#ifndef HARNESS_JUDGE_CAUSE_KEY_CHUNKS_H
#define HARNESS_JUDGE_CAUSE_KEY_CHUNKS_H

#include <math.h>

#include "harness/judge/cause/suspect.h"

/* The softmax of each chunk relative to its own maximum; a chunk without a visible key has maximum -inf, sum 0. */
struct key_chunks {
    int64_t count, len;
    double *max, *sum; /* [count] */
    double *out;       /* [count, D] not divided */
    int64_t *order;    /* [count] room to sort them */
    double *total;     /* [D] sum over chunks, relative to suspect->max */
    double *scratch;   /* [D] */
};

/* Reads the keys of a suspect, which has some that are visible, in chunks of SUSPECT_CHUNK_LEN_MIN. key_chunks_clear
 * frees it, and accepts a zeroed one. */
enum error_kind key_chunks_init(struct key_chunks *chunks, struct suspect *suspect, struct error *error);
void key_chunks_clear(struct key_chunks *chunks);

/* Pairs of neighbours become chunks of twice the length. */
void key_chunks_double(struct key_chunks *chunks, int dims);

/* exp(from - to), 0 from -inf. */
static inline double factor_between(double from, double to)
{
    return from == -INFINITY ? 0 : exp(from - to);
}

#endif
