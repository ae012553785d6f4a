/*
 * The random draws of a hunt: the same from the same seed, one after the other (Steele, Lea and Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014: SplitMix64).
 */
#ifndef HARNESS_HUNT_DRAW_H
#define HARNESS_HUNT_DRAW_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct draws {
    uint64_t state;
};

static inline uint64_t draw_word(struct draws *draws)
{
    uint64_t word = draws->state += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

/* In [0, 1). */
static inline double draw_unit(struct draws *draws)
{
    return ldexp((double)(draw_word(draws) >> 11), -53);
}

static inline bool draw_chance(struct draws *draws, double probability)
{
    return draw_unit(draws) < probability;
}

/* From least to greatest, each as likely; least <= greatest, less than 2^52 apart. */
static inline int64_t draw_whole(struct draws *draws, int64_t least, int64_t greatest)
{
    int64_t drawn = least + (int64_t)floor(draw_unit(draws) * (double)(greatest - least + 1));
    return drawn > greatest ? greatest : drawn;
}

/* The same with each octave above least as likely. */
static inline int64_t draw_octave(struct draws *draws, int64_t least, int64_t greatest)
{
    int64_t drawn = least - 1 + (int64_t)floor(exp2(draw_unit(draws) * log2((double)(greatest - least + 2))));
    return drawn > greatest ? greatest : drawn < least ? least : drawn;
}

#endif
