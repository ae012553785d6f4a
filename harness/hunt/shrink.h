/*
 * A find made small: fewer heads, keys and channels, no mask, a plain input, round numbers, as long as it stays what it
 * is: with the same failure, or, where it passes, with a value that is not much smaller.
 */
#ifndef HARNESS_HUNT_SHRINK_H
#define HARNESS_HUNT_SHRINK_H

#include "harness/hunt/change.h"
#include "harness/hunt/hunt_log.h"

struct find {
    struct candidate candidate;
    struct trial trial;
};

struct shrinking {
    const struct space *space;
    const struct point_kernel *kernel;
    double keep;      /* of the value of a find that passes */
    long evaluations; /* at most, of this find */
    /* Evaluates a point, unless *taken becomes false: the kernel does not take it, and nothing was spent. */
    enum error_kind (*evaluate)(void *context, const struct candidate *candidate, const struct hunted_point *read,
                                bool *taken, struct trial *trial, struct error *error);
    void *context;
};

/* Shrinks, greedily: of the first reduction that keeps the find one goes on, until none does. ERROR_INTERRUPTED leaves
 * it as small as it had become. */
enum error_kind shrink(struct find *find, const struct shrinking *shrinking, struct error *error);

#endif
