/*
 * Faults of slopes, biases, masks, sums, single keys and steps that round: of a recipe, or of a sound kernel that has
 * been told the problem wrongly.
 */
#ifndef HARNESS_EVALUATE_TESTS_TOLD_FAULTS_H
#define HARNESS_EVALUATE_TESTS_TOLD_FAULTS_H

#include "harness/evaluate/tests/fault_problem.h"

static const char *const narrow_dtypes[] = {"bf16", "f16"};

static inline void draw_other_convention(struct drawn_fault *fault, uint64_t *state)
{
    static const int biases[] = {8, 8, 16, 4, 12};
    const char *convention = fault_chance(state, 0.5) ? "geometric" : "bloom";
    int max_bias = biases[draw_below(state, 5)];
    FAULT_RECIPE(fault, ", slopes: %s, slopes_max_bias: %d", convention, max_bias);
}

static inline void draw_slope_rounded(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_SLOPE_ROUNDED, draw_below(state, 2), 0);
}

static inline void draw_slope_declared(struct drawn_fault *fault, uint64_t *state)
{
    FAULT_RECIPE(fault, ", slope_dtype: %s", narrow_dtypes[draw_below(state, 2)]);
}

static inline void draw_slope_factor(struct drawn_fault *fault, uint64_t *state)
{
    static const double factors[] = {2, 0.5, 0x1.715476p+0, 0x1.62e43p-1, 0.125, 8, 1.01, 0.9};
    plant(fault, PLANT_SLOPE_FACTOR, 0, factors[draw_below(state, 8)]);
}

static inline void draw_slope_sign(struct drawn_fault *fault, uint64_t *state)
{
    (void)state;
    plant(fault, PLANT_SLOPE_FACTOR, 0, -1);
}

static inline void draw_slope_power(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_SLOPE_POWER, 0, fault_chance(state, 0.5) ? 2 : 0.5);
}

static inline void draw_slope_of_head(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_SLOPE_OF_HEAD, fault_chance(state, 0.5) ? 1 : -1, 0);
}

static inline void draw_bias_dropped(struct drawn_fault *fault, uint64_t *state)
{
    if (fault_chance(state, 0.5))
        plant(fault, PLANT_SLOPE_FACTOR, 0, 0);
    else
        FAULT_RECIPE(fault, ", bias: none");
}

static inline void draw_bias_shifted(struct drawn_fault *fault, uint64_t *state)
{
    int most = fault_chance(state, 0.5) ? 3 : 300;
    int keys = 1 + draw_below(state, most), towards = fault_chance(state, 0.5) ? -1 : 1;
    if (fault_chance(state, 0.5))
        plant(fault, PLANT_POSITION, keys * towards, 0);
    else
        FAULT_RECIPE(fault, ", key_shift: %d", keys * towards);
}

static inline void draw_chunk_without_offset(struct drawn_fault *fault, uint64_t *state)
{
    FAULT_SAY(fault, "kv_offset: %d\n", 1 + draw_below(state, 5000));
    FAULT_RECIPE(fault, ", positions: local");
}

static inline void draw_top_left(struct drawn_fault *fault, uint64_t *state)
{
    (void)state;
    FAULT_RECIPE(fault, ", positions: top_left");
}

/* Values near the logits, so that masked keys have some of the weight or all of it. */
static inline void draw_sentinel(struct drawn_fault *fault, uint64_t *state)
{
    double size = exp2(draw_between(state, 1, 9));
    fault_mask(fault, state, true);
    FAULT_RECIPE(fault, ", sentinel: -%.4g, initial_max: -inf", size);
}

static inline void draw_sentinel_added(struct drawn_fault *fault, uint64_t *state)
{
    double size = exp2(draw_between(state, 1, 7));
    fault_mask(fault, state, true);
    FAULT_RECIPE(fault, ", sentinel: -%.4g, initial_max: -inf, masked_entry: add", size);
}

/* The same value as the maximum before the first key. */
static inline void draw_floor(struct drawn_fault *fault, uint64_t *state)
{
    double size = exp2(draw_between(state, 3, 9));
    fault_mask(fault, state, true);
    FAULT_RECIPE(fault, ", sentinel: -%.4g", size);
}

static inline void draw_mask_ignored(struct drawn_fault *fault, uint64_t *state)
{
    fault_mask(fault, state, true);
    plant(fault, PLANT_MASK_IGNORED, 0, 0);
}

static inline void draw_key_let_in(struct drawn_fault *fault, uint64_t *state)
{
    fault_mask(fault, state, true);
    plant(fault, PLANT_KEY_LET_IN, draw_below(state, (int)fault->seq_len), 0);
}

static inline void draw_tiles_let_in(struct drawn_fault *fault, uint64_t *state)
{
    fault_mask(fault, state, true);
    plant(fault, PLANT_TILES_LET_IN, 8 << draw_below(state, 5), 0);
}

static inline void draw_epsilon(struct drawn_fault *fault, uint64_t *state)
{
    double epsilon = exp2(draw_between(state, -24, -1));
    FAULT_RECIPE(fault, ", epsilon: %.4g", epsilon);
}

static inline void draw_initial_sum(struct drawn_fault *fault, uint64_t *state)
{
    double max = draw_between(state, -6, 0);
    FAULT_RECIPE(fault, ", initial_sum: 1, initial_max: %.4g", max);
}

/* A maximum that is never left behind: weights far below it underflow. */
static inline void draw_initial_max(struct drawn_fault *fault, uint64_t *state)
{
    double value = draw_between(state, 40, 110);
    FAULT_SAY(fault, "input: {distribution: logit_floor, value: -%.4g, spread: 2}\n", value);
    FAULT_RECIPE(fault, ", initial_max: 0");
}

static inline void draw_key_dropped(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_KEY_DROPPED, draw_below(state, (int)fault->seq_len), 0);
}

static inline int64_t some_keys(struct drawn_fault *fault, uint64_t *state)
{
    int few = 1 + draw_below(state, 4), many = 1 + draw_below(state, (int)fault->seq_len / 2);
    return fault_chance(state, 0.5) ? few : many;
}

static inline void draw_newest_dropped(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_NEWEST_DROPPED, some_keys(fault, state), 0);
}

static inline void draw_oldest_dropped(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_OLDEST_DROPPED, some_keys(fault, state), 0);
}

static inline void draw_tile_dropped(struct drawn_fault *fault, uint64_t *state)
{
    int len = 16 << draw_below(state, 4);
    plant(fault, PLANT_TILE_DROPPED, len, draw_between(state, 0, 1));
}

static inline void draw_values_swapped(struct drawn_fault *fault, uint64_t *state)
{
    int key = draw_below(state, (int)fault->seq_len);
    plant(fault, PLANT_VALUES_SWAPPED, key, draw_between(state, 0, 1));
}

static inline void draw_keys_swapped(struct drawn_fault *fault, uint64_t *state)
{
    int key = draw_below(state, (int)fault->seq_len);
    plant(fault, PLANT_KEYS_SWAPPED, key, draw_between(state, 0, 1));
}

static inline void draw_values_misplaced(struct drawn_fault *fault, uint64_t *state)
{
    (void)state;
    plant(fault, PLANT_VALUES_MISPLACED, 0, 0);
}

static inline void draw_weight(struct drawn_fault *fault, uint64_t *state)
{
    double octaves = draw_between(state, -8, 1);
    double sign = fault_chance(state, 0.5) ? 1 : -1;
    int near = draw_below(state, 8), any = draw_below(state, (int)fault->seq_len);
    plant(fault, PLANT_WEIGHT, fault_chance(state, 0.5) ? fault->seq_len - 1 - near : any, sign * exp2(octaves));
}

static inline void draw_softmax_scale(struct drawn_fault *fault, uint64_t *state)
{
    static const double factors[] = {1.001, 0.99, 1.05, 2, 0.5, 0.125, 8, 1.4142};
    plant(fault, PLANT_SCALE, 0, factors[draw_below(state, 8)]);
}

static inline void draw_kv_head(struct drawn_fault *fault, uint64_t *state)
{
    (void)state;
    plant(fault, PLANT_KV_HEAD, 1, 0);
}

static inline void draw_lse_constant(struct drawn_fault *fault, uint64_t *state)
{
    double size = exp2(draw_between(state, -14, 4));
    plant(fault, PLANT_LSE_CONSTANT, 0, fault_chance(state, 0.5) ? size : -size);
}

static inline void draw_lse_factor(struct drawn_fault *fault, uint64_t *state)
{
    plant(fault, PLANT_LSE_FACTOR, 0, fault_chance(state, 0.5) ? 0x1.715476p+0 : 0x1.62e43p-1);
}

/* A step in a narrow dtype. */
static inline void draw_rounding(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const steps[] = {"position_dtype", "bias_dtype",   "dot_dtype",
                                        "logit_dtype",    "weight_dtype", "partial_dtype"};
    const char *step = steps[draw_below(state, 6)], *dtype = narrow_dtypes[draw_below(state, 2)];
    FAULT_RECIPE(fault, ", %s: %s", step, dtype);
}

static inline void draw_undeclared_rounding(struct drawn_fault *fault, uint64_t *state)
{
    draw_rounding(fault, state);
    plant(fault, PLANT_RECIPE, 0, 0);
}

#endif
