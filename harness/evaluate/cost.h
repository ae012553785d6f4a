/*
 * What a point is expected to take, step by step, and how that is corrected by what points have taken.
 *
 * A step takes fixed_s and unit_s for each of its units, which count what it does: elements made, products formed, keys
 * looked at. The constants were measured on one machine (cost.c); another one is faster or slower, so what matters is
 * that they are right among each other: shards are balanced by them and need them to be the same everywhere.
 */
#ifndef HARNESS_EVALUATE_COST_H
#define HARNESS_EVALUATE_COST_H

#include "harness/evaluate/evaluation.h"

enum step { STEP_INPUTS, STEP_KERNEL, STEP_TRUTH, STEP_JUDGE, STEP_REFERENCE, STEP_ORACLES, STEP_COUNT };

/* What a point asks of each step; 0 where it does nothing. */
struct work_units {
    double units[STEP_COUNT];
};

/* The units of a point that is worked on after `before` (NULL: first), whose inputs, truth and references it may
 * share. */
struct work_units work_units(const struct point *point, const struct point *before);

/* Seconds that the units take on the machine of the constants. */
double work_seconds(const struct work_units *units, enum kernel kernel);

/* Of some points, step by step: seconds that were expected and measured, apart for those of which a step takes most of
 * its time for what it takes however little it does, and for those where its units matter. */
enum cost_part { COST_FIXED, COST_UNITS, COST_PART_COUNT };

struct cost_estimate {
    double expected_s[STEP_COUNT][COST_PART_COUNT], measured_s[STEP_COUNT][COST_PART_COUNT];
};

/* Adds what a point is expected to take, times times. */
void cost_expect(struct cost_estimate *estimate, const struct work_units *units, enum kernel kernel, double times);

/* The same, and what it took. */
void cost_learn(struct cost_estimate *estimate, const struct work_units *units, enum kernel kernel,
                const struct seconds *seconds);

/* Seconds that what is left will take here: each part of a step by what it took so far, one that was not seen yet by
 * the others. */
double cost_predict(const struct cost_estimate *seen, const struct cost_estimate *left);

#endif
