/*
 * Faults of where keys are cut into tiles, chunks and parts, and of keys that count twice or not at all.
 */
#ifndef HARNESS_EVALUATE_TESTS_PART_FAULTS_H
#define HARNESS_EVALUATE_TESTS_PART_FAULTS_H

#include "harness/evaluate/tests/fault_problem.h"

/* Tiles, or chunks, of lengths in use; what is left out, of the output or of the sum or of both. */
static inline void draw_merge_of(struct drawn_fault *fault, uint64_t *state, bool merged)
{
    static const int chunks[] = {32, 64, 128, 256, 512, 1024};
    int tile = 1 << draw_below(state, 9), owners = 1 << draw_below(state, 4), chunk = chunks[draw_below(state, 6)];
    bool alone = fault_chance(state, 0.6), whole = fault_chance(state, 0.6), backward = fault_chance(state, 0.2);
    int left_out = 1 + draw_below(state, 3);
    bool split = merged ? alone : !whole && !backward && chunk >= 2 * tile;
    plant(fault, PLANT_MERGE, tile, left_out);
    fault->online = (struct online_softmax){
        .tile = tile,
        .chunk = split ? chunk : 0,
        .owners = alone || (backward && !merged) ? 1 : owners,
        .backward = backward && !merged,
        .sum_stays = left_out & 1,
        .out_stays = left_out >> 1,
        .merged = merged,
    };
}

static inline void draw_tiles_unscaled(struct drawn_fault *fault, uint64_t *state)
{
    draw_merge_of(fault, state, false);
}

static inline void draw_chunks_unscaled(struct drawn_fault *fault, uint64_t *state)
{
    draw_merge_of(fault, state, true);
}

/* A merge in tiles and parts that real kernels have, of a length that is no power of two. */
static inline void draw_odd_merge(struct drawn_fault *fault, uint64_t *state)
{
    static const int tiles[] = {24, 48, 80, 96, 112, 144, 176, 192, 224, 576}, wholes[] = {1, 16, 32, 64};
    int tile = tiles[draw_below(state, 10)], round = 16 << draw_below(state, 4), parts = 2 + draw_below(state, 15);
    int whole = wholes[draw_below(state, 4)], left_out = 1 + draw_below(state, 3);
    bool merged = fault_chance(state, 0.5), split = fault_chance(state, 0.5);
    int64_t chunk = (fault->seq_len + parts - 1) / parts;
    plant(fault, PLANT_MERGE, tile, left_out);
    fault->online = (struct online_softmax){
        .tile = split ? round : tile,
        .chunk = split    ? (chunk + whole - 1) / whole * whole
                 : merged ? tile
                          : 0,
        .owners = 1,
        .sum_stays = left_out & 1,
        .out_stays = left_out >> 1,
        .merged = merged,
    };
}

/* Parts of a length in use, or some of them in whole tiles. */
static inline int64_t draw_part_len(const struct drawn_fault *fault, uint64_t *state)
{
    static const int lens[] = {32, 48, 64, 96, 128, 192, 256, 512, 1024}, wholes[] = {1, 16, 32, 64};
    int len = lens[draw_below(state, 9)], parts = 2 + draw_below(state, 15), whole = wholes[draw_below(state, 4)];
    int64_t of_parts = (fault->seq_len + parts - 1) / parts;
    return fault_chance(state, 0.5) ? len : (of_parts + whole - 1) / whole * whole;
}

static inline void draw_counted(struct drawn_fault *fault, uint64_t *state, enum counting counting)
{
    int64_t part = draw_part_len(fault, state);
    int some = 1 << draw_below(state, 7);
    plant(fault, PLANT_COUNT, part, some);
    fault->counted = (struct counted_keys){counting, part, 2 * some <= part ? some : 1, 0};
}

static inline void draw_keys_doubled(struct drawn_fault *fault, uint64_t *state)
{
    draw_counted(fault, state, fault_chance(state, 0.5) ? COUNT_BEYOND_END : COUNT_BEFORE_BEGIN);
}

static inline void draw_keys_lost(struct drawn_fault *fault, uint64_t *state)
{
    draw_counted(fault, state, fault_chance(state, 0.5) ? COUNT_SHORT_OF_END : COUNT_LATE);
}

static inline void draw_pages_of_parts(struct drawn_fault *fault, uint64_t *state)
{
    static const int pages[] = {12, 20, 24, 40, 48, 80, 96};
    int page = pages[draw_below(state, 7)], part = 64 << draw_below(state, 5), padded = 1;
    enum counting counting = fault_chance(state, 0.5) ? COUNT_WHOLE_PAGES : COUNT_PAGES_OF_PART;
    while (padded < page)
        padded *= 2;
    bool slots = counting == COUNT_PAGES_OF_PART && fault_chance(state, 0.5);
    plant(fault, PLANT_COUNT, part, page);
    fault->counted = (struct counted_keys){counting, part > page ? part : 128, page, slots ? padded : 0};
}

static inline void draw_end_twice(struct drawn_fault *fault, uint64_t *state)
{
    int some = 1 + draw_below(state, 16), least = fault->seq_len > 16 ? some : 1;
    enum counting counting = fault_chance(state, 0.5) ? COUNT_OLDEST_TWICE : COUNT_NEWEST_TWICE;
    plant(fault, PLANT_COUNT, fault->seq_len, least);
    fault->counted = (struct counted_keys){counting, fault->seq_len, least, 0};
}

/* In the first head, or in all; one key to some dozens. */
static inline void draw_scattered(struct drawn_fault *fault, uint64_t *state, double times)
{
    uint64_t seed = draw_bits(state) >> 16;
    int some = (int)exp2(draw_between(state, 0, 5)), most = (int)(fault->seq_len / 4) + 1, heads = draw_below(state, 2);
    plant(fault, PLANT_SCATTERED, some, times);
    fault->scattered = (struct scattered_keys){seed, some < most ? some : most, heads, (float)times};
}

static inline void draw_some_twice(struct drawn_fault *fault, uint64_t *state)
{
    draw_scattered(fault, state, 2);
}

static inline void draw_some_lost(struct drawn_fault *fault, uint64_t *state)
{
    draw_scattered(fault, state, 0);
}

static inline void draw_some_weights(struct drawn_fault *fault, uint64_t *state)
{
    static const double times[] = {0.25, 0.5, 0.8, 1.25, 1.5, 1.75, 2.25, 2.5};
    int which = draw_below(state, 8);
    draw_scattered(fault, state, times[which]);
}

#endif
