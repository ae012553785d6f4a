#include "harness/judge/class/class_bounds.h"

#include <stdlib.h>
#include <string.h>

/* Room for `capacity`; what is there stays. */
static bool resize(struct class_bounds *bounds, size_t capacity)
{
    size_t dim = (size_t)bounds->head_dim;
    int32_t *row = realloc(bounds->row, capacity * sizeof *row);
    bounds->row = row ? row : bounds->row;
    uint32_t *set = realloc(bounds->set, capacity * sizeof *set);
    bounds->set = set ? set : bounds->set;
    double *bound = realloc(bounds->bound, capacity * dim * sizeof *bound);
    bounds->bound = bound ? bound : bounds->bound;
    double *lse_bound = realloc(bounds->lse_bound, capacity * sizeof *lse_bound);
    bounds->lse_bound = lse_bound ? lse_bound : bounds->lse_bound;
    return row && set && bound && lse_bound;
}

static void put(struct class_bounds *bounds, size_t at, int32_t row, uint32_t set, const double *bound,
                double lse_bound)
{
    size_t dim = (size_t)bounds->head_dim;
    bounds->row[at] = row;
    bounds->set[at] = set;
    memcpy(bounds->bound + at * dim, bound, dim * sizeof *bound);
    bounds->lse_bound[at] = lse_bound;
}

static enum error_kind no_memory(const struct class_bounds *bounds, size_t count, struct error *error)
{
    return error_memory(error, "the bounds of classes", (double)count * (bounds->head_dim + 2.0) * sizeof(double));
}

enum error_kind class_bounds_add(struct class_bounds *bounds, int row, class_set set, const double *bound,
                                 double lse_bound, struct error *error)
{
    if (bounds->count == bounds->capacity) {
        size_t capacity = bounds->capacity ? 2 * bounds->capacity : 64;
        if (!resize(bounds, capacity))
            return no_memory(bounds, capacity, error);
        bounds->capacity = capacity;
    }
    put(bounds, bounds->count++, row, set, bound, lse_bound);
    return ERROR_NONE;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

struct key {
    int32_t row;
    uint32_t set;
    size_t at;
};

static int compare_places(const struct key *a, const struct key *b)
{
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return a->set == b->set ? 0 : a->set < b->set ? -1 : 1;
}

/* What was looked at twice has the same bounds: which comes first does not matter, but is always the same. */
static int compare_keys(const void *left, const void *right)
{
    const struct key *a = left, *b = right;
    int order = compare_places(a, b);
    return order ? order : a->at < b->at ? -1 : a->at > b->at;
}

enum error_kind class_bounds_sort(struct class_bounds *bounds, struct error *error)
{
    struct class_bounds sorted = {.head_dim = bounds->head_dim};
    struct key *keys = malloc((bounds->count + 1) * sizeof *keys);
    if (!keys || !resize(&sorted, bounds->count + 1)) {
        free(keys);
        class_bounds_clear(&sorted);
        return no_memory(bounds, bounds->count, error);
    }
    sorted.capacity = bounds->count + 1;
    for (size_t i = 0; i < bounds->count; i++)
        keys[i] = (struct key){bounds->row[i], bounds->set[i], i};
    qsort(keys, bounds->count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < bounds->count; i++) {
        if (i > 0 && compare_places(&keys[i - 1], &keys[i]) == 0)
            continue;
        size_t from = keys[i].at;
        put(&sorted, sorted.count++, bounds->row[from], bounds->set[from],
            bounds->bound + from * (size_t)bounds->head_dim, bounds->lse_bound[from]);
    }
    free(keys);
    class_bounds_clear(bounds);
    *bounds = sorted;
    return ERROR_NONE;
}

bool class_bounds_in_order(const struct class_bounds *bounds, int num_rows)
{
    for (size_t i = 0; i < bounds->count; i++) {
        const struct key here = {bounds->row[i], bounds->set[i], 0};
        if (here.row < 0 || here.row >= num_rows || here.set >= CLASS_SETS)
            return false;
        const struct key before = i > 0 ? (struct key){bounds->row[i - 1], bounds->set[i - 1], 0} : here;
        if (i > 0 && compare_places(&before, &here) >= 0)
            return false;
    }
    return true;
}

int64_t class_bounds_find(const struct class_bounds *bounds, int row, class_set set)
{
    const struct key sought = {row, set, 0};
    size_t first = 0, end = bounds->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        const struct key here = {bounds->row[middle], bounds->set[middle], 0};
        int order = compare_places(&here, &sought);
        if (order == 0)
            return (int64_t)middle;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return -1;
}

void class_bounds_clear(struct class_bounds *bounds)
{
    free(bounds->row);
    free(bounds->set);
    free(bounds->bound);
    free(bounds->lse_bound);
    *bounds = (struct class_bounds){.head_dim = 0};
}
