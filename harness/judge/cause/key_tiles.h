/*
 * The softmax of a row's keys tile by tile, of any length, and what each tile adds along the error of the row.
 */
#ifndef HARNESS_JUDGE_CAUSE_KEY_TILES_H
#define HARNESS_JUDGE_CAUSE_KEY_TILES_H

#include "harness/judge/cause/suspect.h"

/* The softmax of each tile relative to its own maximum; a tile without a visible key has maximum -inf, sum 0. Tiles
 * begin at key 0 and, where there is a restart, anew at each multiple of it. */
struct key_tiles {
    int64_t count, len;
    int64_t restart;     /* keys; 0: there is none */
    int64_t per_restart; /* tiles of that many keys; all of them where there is none */
    double *max, *sum;   /* [count] */
    double *along;       /* [count] v along the error of the row, of length 1, not divided; 0 where lse decides */
    double *raise;       /* [count] nats that a hypothesis takes their keys for higher */
    const double *out;   /* [count, D] not divided; NULL: not at hand */
    double *logits; /* [N] of keys, -INFINITY where they are masked; of those that are gathered, what they are of */
    double *room;   /* its own */
};

/* Kernels cut keys by multiples of 4 up to 64, of 8 up to 128, of 16 up to 512, and of 64 beyond: how far the next
 * length is that tiles, parts and pages are tried with. */
static inline int64_t key_tiles_step(int64_t len)
{
    return len < 64 ? 4 : len < 128 ? 8 : len < 512 ? 16 : 64;
}

/* Tiles of one key of a suspect whose keys are at hand. key_tiles_clear frees them, and accepts zeroed ones. */
enum error_kind key_tiles_init(struct key_tiles *tiles, struct suspect *suspect, struct error *error);
void key_tiles_clear(struct key_tiles *tiles);

/* Pairs of neighbours become tiles of twice the length; out is for the caller to set. There is no restart. */
void key_tiles_double(struct key_tiles *tiles);

/* Tiles put together of others: len is a multiple of their length, and so is restart, or they have the same. No out. */
enum error_kind key_tiles_gather(struct key_tiles *tiles, const struct key_tiles *from, int64_t len, int64_t restart,
                                 struct error *error);

/* The logits of all keys, each raised as its tile is, into [N]. */
void key_tiles_raise(const struct key_tiles *tiles, int64_t keys, double *logits);

/*
 * Whether what a prediction has along the error, of length 1, comes near to out: what explains a row leaves a quarter
 * of its error and half of out at most, and so of what lies along that, or next to rounding (suspect_match.h). Where
 * lse decides, nothing does.
 */
bool key_tiles_is_near(const struct suspect *suspect, double along);

/* The larger of two that are numbers; fmax is a call. */
static inline double larger_of(double a, double b)
{
    return a > b ? a : b;
}

#endif
