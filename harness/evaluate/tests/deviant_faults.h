/*
 * Faults of single keys, tiles, dims and rows, which mostly have no name.
 */
#ifndef HARNESS_EVALUATE_TESTS_DEVIANT_FAULTS_H
#define HARNESS_EVALUATE_TESTS_DEVIANT_FAULTS_H

#include "harness/evaluate/tests/fault_problem.h"

static inline void deviate(struct drawn_fault *fault, uint64_t *state, enum deviation deviation, int64_t some,
                           double size)
{
    uint64_t seed = draw_bits(state);
    int tiles = some > 0 ? (int)(fault->seq_len / some) : 0;
    plant(fault, PLANT_DEVIANT, some, size);
    fault->deviant = (struct deviant_keys){
        .deviation = deviation, .some = some, .at = 1 + draw_below(state, tiles + 1), .size = size, .seed = seed};
}

static inline void draw_nothing(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_NOTHING, 0, 0);
}

static inline void draw_made_up(struct drawn_fault *fault, uint64_t *state)
{
    int some = (int)exp2(draw_between(state, 0, 6));
    deviate(fault, state, DEVIANT_MADE_UP, some, 0);
}

static inline void draw_empty_slots(struct drawn_fault *fault, uint64_t *state)
{
    int some = (int)exp2(draw_between(state, 0, 6));
    deviate(fault, state, DEVIANT_EMPTY_SLOTS, some, 0);
}

static inline void draw_heaviest(struct drawn_fault *fault, uint64_t *state)
{
    static const double sizes[] = {0.02, 0.1, 0.3, 0.9, 0.98, 1.02, 1.5, 3};
    int some = 1 + draw_below(state, 3);
    deviate(fault, state, DEVIANT_HEAVIEST, some, sizes[draw_below(state, 8)]);
}

static inline int64_t draw_tile(struct drawn_fault *fault, uint64_t *state)
{
    int tile = 4 << draw_below(state, 6);
    return tile < fault->seq_len ? tile : (fault->seq_len + 1) / 2;
}

static inline void draw_stale_k(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_STALE_K, draw_tile(fault, state), 0);
}

static inline void draw_stale_v(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_STALE_V, draw_tile(fault, state), 0);
}

static inline void draw_local(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_LOCAL, draw_tile(fault, state), 0);
}

static inline void draw_tail_bias(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_TAIL_BIAS, draw_tile(fault, state), 0);
}

static inline void draw_tail_scale(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_TAIL_SCALE, draw_tile(fault, state), 0);
}

static inline void draw_few_dims(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_FEW_DIMS, INT64_C(1) << draw_below(state, 5), 0);
}

static inline void draw_dot(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_DOT, 0, 0);
    fault->deviant.dtype = fault_chance(state, 0.5) ? DTYPE_F16 : DTYPE_BF16;
}

static inline void draw_head_scale(struct drawn_fault *fault, uint64_t *state)
{
    static const double sizes[] = {1.01, 0.99, 1.1, 2, 0.5, 1.4142};
    deviate(fault, state, DEVIANT_HEAD_SCALE, 0, sizes[draw_below(state, 6)]);
}

static inline void draw_other_query(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_OTHER_QUERY, 0, 0);
}

static inline void draw_lost_dims(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_LOST_DIMS, INT64_C(1) << draw_below(state, 6), 0);
}

static inline void draw_turned(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_TURNED, INT64_C(1) << draw_below(state, 6), 0);
}

static inline void draw_undivided(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_UNDIVIDED, 0, 0);
}

static inline void draw_value_dims(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_VALUE_DIMS, INT64_C(1) << draw_below(state, 6), 0);
}

static inline void draw_one_v(struct drawn_fault *fault, uint64_t *state)
{
    deviate(fault, state, DEVIANT_ONE_V, 0, 0);
}

#endif
