/*
 * A problem as a kernel is told it, with a fault planted in its slopes, mask, keys or values.
 */
#ifndef HARNESS_EVALUATE_TESTS_TOLD_PROBLEM_H
#define HARNESS_EVALUATE_TESTS_TOLD_PROBLEM_H

#include <stdlib.h>

#include "harness/evaluate/tests/fault_kind.h"
#include "reference/problem.h"

/* A problem as a kernel is told it. */
struct told {
    struct problem problem;
    float *slopes;
    uint8_t *visible;
    void *q, *k, *v;
};

static inline void *fault_copy(const void *from, size_t size_bytes)
{
    void *to = malloc(size_bytes);
    if (to)
        memcpy(to, from, size_bytes);
    return to;
}

static inline void told_clear(struct told *told)
{
    free(told->slopes);
    free(told->visible);
    free(told->k);
    free(told->v);
}

static inline bool told_init(struct told *told, const struct problem *problem)
{
    size_t cache = (size_t)(problem->seq_len + problem->kv_slots) * (size_t)problem->num_kv_heads *
                   (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    *told = (struct told){
        .problem = *problem,
        .slopes = fault_copy(problem->slopes, (size_t)problem->num_heads * sizeof(float)),
        .visible = malloc((size_t)problem->seq_len),
        .k = fault_copy(problem->k, cache),
        .v = fault_copy(problem->v, cache),
    };
    if (!told->slopes || !told->visible || !told->k || !told->v)
        return false;
    for (int64_t key = 0; key < problem->seq_len; key++)
        told->visible[key] = problem_visible(problem, key);
    told->problem.slopes = told->slopes;
    told->problem.visible = told->visible;
    told->problem.k = told->k;
    told->problem.v = told->v;
    told->problem.bounds = NULL;
    return true;
}

/* The key at or before `at`, counted round, that is visible, or masked; -1: there is none. */
static inline int64_t fault_key(const struct problem *problem, int64_t at, bool visible)
{
    for (int64_t i = 0; i < problem->seq_len; i++) {
        int64_t key = ((at - i) % problem->seq_len + problem->seq_len) % problem->seq_len;
        if (problem_visible(problem, key) == visible)
            return key;
    }
    return -1;
}

static inline int64_t fault_visible(const struct problem *problem)
{
    int64_t count = 0;
    for (int64_t key = 0; key < problem->seq_len; key++)
        count += problem_visible(problem, key);
    return count;
}

static inline void plant_slopes(struct told *told, const struct drawn_fault *fault)
{
    int heads = told->problem.num_heads;
    const float *from = fault->plant == PLANT_SLOPE_OF_HEAD ? fault_copy(told->slopes, (size_t)heads * 4) : NULL;
    for (int h = 0; h < heads; h++) {
        float *slope = &told->slopes[h];
        if (fault->plant == PLANT_SLOPE_FACTOR)
            *slope = (float)((double)*slope * fault->size);
        if (fault->plant == PLANT_SLOPE_POWER)
            *slope = (float)pow((double)*slope, fault->size);
        if (fault->plant == PLANT_SLOPE_ROUNDED)
            *slope = dtype_round(fault->at ? DTYPE_F16 : DTYPE_BF16, *slope);
        if (from)
            *slope = from[(h + (int)fault->at + heads) % heads];
    }
    free((void *)from);
}

static inline bool plant_mask(struct told *told, const struct problem *problem, const struct drawn_fault *fault)
{
    int64_t keys = problem->seq_len, at = fault->at;
    if (fault->plant == PLANT_MASK_IGNORED)
        told->problem.visible = NULL;
    if (fault->plant == PLANT_KEY_LET_IN || fault->plant == PLANT_KEY_DROPPED) {
        bool dropped = fault->plant == PLANT_KEY_DROPPED;
        int64_t key = fault_key(problem, at, dropped);
        if (key < 0)
            return false;
        told->visible[key] = !dropped;
    }
    for (int64_t first = 0; first < keys && fault->plant == PLANT_TILES_LET_IN; first += at) {
        bool any = false;
        for (int64_t key = first; key < keys && key < first + at; key++)
            any |= problem_visible(problem, key);
        for (int64_t key = first; key < keys && key < first + at; key++)
            told->visible[key] = any;
    }
    int64_t left = at;
    for (int64_t i = 0; i < keys && left > 0; i++) {
        int64_t key = fault->plant == PLANT_NEWEST_DROPPED ? keys - 1 - i : i;
        if (fault->plant != PLANT_NEWEST_DROPPED && fault->plant != PLANT_OLDEST_DROPPED)
            break;
        left -= told->visible[key];
        told->visible[key] = 0;
    }
    if (fault->plant == PLANT_TILE_DROPPED) {
        int64_t first = (int64_t)(fault->size * (double)((keys + at - 1) / at)) * at;
        for (int64_t key = first; key < keys && key < first + at; key++)
            told->visible[key] = 0;
    }
    return fault_visible(&told->problem) > 0; /* all keys dropped is another fault */
}

static inline void swap_fault_rows(const struct problem *problem, void *tensor, int64_t a, int64_t b)
{
    size_t bytes =
        (size_t)problem->num_kv_heads * (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    char *rows = tensor, held[4096];
    memcpy(held, rows + (size_t)a * bytes, bytes);
    memcpy(rows + (size_t)a * bytes, rows + (size_t)b * bytes, bytes);
    memcpy(rows + (size_t)b * bytes, held, bytes);
}

/* Moves the logit of a key, in the first head of each group, by size nats: along its query. */
static inline void plant_weight(struct told *told, const struct problem *problem, int64_t key, double size)
{
    int dims = problem->head_dim, group = problem->num_heads / problem->num_kv_heads;
    for (int head = 0; head < problem->num_heads; head += group) {
        size_t from = (size_t)head * (size_t)dims, to = problem_row(problem, key, head / group);
        double squares = 0;
        float query, element;
        for (int d = 0; d < dims; d++) {
            dtype_widen(problem->dtype, problem->q, from + (size_t)d, 1, &query);
            squares += (double)query * (double)query;
        }
        for (int d = 0; d < dims; d++) {
            dtype_widen(problem->dtype, problem->q, from + (size_t)d, 1, &query);
            dtype_widen(problem_kv_dtype(problem), told->k, to + (size_t)d, 1, &element);
            element += (float)(size * (double)query / (squares * problem_logit_scale(problem)));
            dtype_narrow(problem_kv_dtype(problem), told->k, to + (size_t)d, 1, &element);
        }
    }
}

static inline bool plant_rows(struct told *told, const struct problem *problem, const struct drawn_fault *fault)
{
    int64_t keys = problem->seq_len, a = fault_key(problem, fault->at, true),
            b = fault_key(problem, (int64_t)(fault->size * (double)keys), true);
    size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    enum dtype dtype = problem_kv_dtype(problem);
    if (a < 0 || b < 0)
        return false;
    if (fault->plant == PLANT_VALUES_SWAPPED || fault->plant == PLANT_KEYS_SWAPPED)
        swap_fault_rows(problem, told->v, a, b);
    if (fault->plant == PLANT_KEYS_SWAPPED)
        swap_fault_rows(problem, told->k, a, b);
    for (int64_t key = 0; key + 1 < keys && fault->plant == PLANT_VALUES_MISPLACED; key++)
        swap_fault_rows(problem, told->v, key, key + 1);
    if (fault->plant == PLANT_WEIGHT)
        plant_weight(told, problem, a, fault->size);
    for (int64_t key = 0; key < keys && fault->plant == PLANT_KV_HEAD && problem->num_kv_heads > 1; key++) {
        size_t bytes = (size_t)problem->head_dim * dtypes[dtype].size_bytes, all = row * dtypes[dtype].size_bytes;
        char *rows[2] = {(char *)told->k + (size_t)key * all, (char *)told->v + (size_t)key * all}, held[1024];
        for (int t = 0; t < 2; t++) {
            memcpy(held, rows[t], bytes);
            memmove(rows[t], rows[t] + bytes, all - bytes);
            memcpy(rows[t] + all - bytes, held, bytes);
        }
    }
    return true;
}

/* False where there is nothing to be done. */
static inline bool plant_fault(struct told *told, const struct problem *problem, const struct drawn_fault *fault)
{
    told->problem.q_position += fault->plant == PLANT_POSITION ? fault->at : 0;
    told->problem.scale *= fault->plant == PLANT_SCALE ? (float)fault->size : 1;
    plant_slopes(told, fault);
    double steepest = 0;
    for (int h = 0; h < problem->num_heads; h++)
        steepest = fmax(steepest, fabs((double)told->slopes[h]));
    if (fault->plant == PLANT_SLOPE_POWER && steepest * (double)problem->seq_len < 0x1p-20)
        return false; /* no logit moves: a bias that is dropped */
    return plant_mask(told, problem, fault) && plant_rows(told, problem, fault);
}

#endif
