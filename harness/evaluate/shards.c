#include "harness/evaluate/shards.h"

#include <stdlib.h>

#include "harness/evaluate/cost.h"

/* Points [first, first + count) with the same inputs. */
struct group {
    size_t first, count;
    double cost_s;
};

static size_t make_groups(struct group *groups, const struct point *points, size_t count)
{
    size_t num_groups = 0;
    for (size_t i = 0; i < count; i++) {
        const struct point *before = i > 0 ? &points[i - 1] : NULL;
        bool same = before && problem_spec_equal(&before->problem, &points[i].problem);
        const struct work_units units = work_units(&points[i], same ? before : NULL);
        if (!same)
            groups[num_groups++] = (struct group){.first = i};
        groups[num_groups - 1].count++;
        groups[num_groups - 1].cost_s += work_seconds(&units, points[i].kernel);
    }
    return num_groups;
}

/* The most expensive first, of equal ones the first. */
static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    int order = (x->cost_s < y->cost_s) - (x->cost_s > y->cost_s);
    return order ? order : (x->first > y->first) - (x->first < y->first);
}

enum error_kind shards_assign(int *shards, const struct point *points, size_t count, int num_shards,
                              struct error *error)
{
    struct group *groups = calloc(count + 1, sizeof *groups);
    double *load_s = calloc((size_t)num_shards, sizeof *load_s);
    if (!groups || !load_s) {
        free(groups);
        free(load_s);
        return error_memory(error, "shards", (double)(count * sizeof *groups));
    }
    size_t num_groups = make_groups(groups, points, count);
    qsort(groups, num_groups, sizeof *groups, compare_groups);
    for (size_t g = 0; g < num_groups; g++) {
        int least = 0;
        for (int s = 1; s < num_shards; s++)
            if (load_s[s] < load_s[least])
                least = s;
        load_s[least] += groups[g].cost_s;
        for (size_t i = 0; i < groups[g].count; i++)
            shards[groups[g].first + i] = least;
    }
    free(groups);
    free(load_s);
    return ERROR_NONE;
}
