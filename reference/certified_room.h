/*
 * Memory for a head of the certified truth, and how exact it has to be.
 */
#ifndef REFERENCE_CERTIFIED_ROOM_H
#define REFERENCE_CERTIFIED_ROOM_H

#include <stddef.h>
#include <stdint.h>

#define RADIUS_GOAL 0x1p-64 /* of sum w|v| / l, for every element */

/* One thread's memory. Arrays are padded to a multiple of DOT_LANES with zeros. */
struct certified_room {
    size_t padded;                   /* head_dim rounded up */
    double *memory;                  /* the arrays of doubles below */
    double *query;                   /* [padded] */
    double *hi, *lo;                 /* [padded] heavy sum of w v */
    double *block_hi, *block_lo;     /* [padded] the same of the block at hand */
    double *magnitude;               /* [padded] heavy sum of w |v| */
    double *light, *light_magnitude; /* [padded] */
    float *row;                      /* [padded] of k or v */
    int64_t *keys;                   /* [capacity] the keys that were looked at */
    double *logits;                  /* [capacity] */
    size_t count, capacity;
};

#endif
