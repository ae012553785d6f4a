/*
 * The time that judging an output took, and the clock that tells it.
 */
#ifndef HARNESS_LIBRARY_SECONDS_H
#define HARNESS_LIBRARY_SECONDS_H

#include <stdbool.h>

/* Of an output that was there already nothing is run: kernel, reference and oracles are 0. */
struct seconds {
    double inputs, kernel, truth, judge, reference, oracles;
    bool truth_shared; /* all of the truth was computed for an earlier point; its seconds are 0 */
};

/* All that a point took. */
double seconds_sum(const struct seconds *seconds);

/* Seconds on a clock that only goes forward. */
double seconds_now(void);

#endif
