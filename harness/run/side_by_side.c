#include "harness/run/side_by_side.h"

#include <math.h>

#include "harness/evaluate/cost.h"
#include "harness/evaluate/evaluate.h"

/* A point that takes longer runs alone, so that its steps are seen and an interrupt is not far. */
#define MOST_S 2.0

/* How many rounds of all threads the points of a run are to make at least. */
enum { ROUNDS = 4 };

size_t side_by_side_end(const struct point *points, size_t first, size_t end)
{
    size_t last = first + 1;
    while (last < end && problem_spec_equal(&points[first].problem, &points[last].problem))
        last++;
    return last;
}

double side_by_side_seconds(const struct point *points, size_t first, size_t end)
{
    double sum_s = 0;
    for (size_t i = first; i < end; i++) {
        const struct work_units units = work_units(&points[i], i > first ? &points[i - 1] : NULL);
        sum_s += work_seconds(&units, points[i].kernel);
    }
    return sum_s;
}

static double sum_of_seconds(const struct selection *selection)
{
    double sum_s = 0;
    for (size_t first = 0, end; first < selection->count; first = end) {
        end = side_by_side_end(selection->points, first, selection->count);
        sum_s += side_by_side_seconds(selection->points, first, end);
    }
    return sum_s;
}

static double most_bytes(const struct point *points, size_t first, size_t end, int threads)
{
    double most = 0;
    for (size_t i = first; i < end; i++)
        most = fmax(most, evaluate_bytes(&points[i], threads));
    return most;
}

struct side_by_side side_by_side_given(const struct selection *selection, int jobs)
{
    int count = selection->count < (size_t)jobs ? (int)selection->count : jobs;
    return (struct side_by_side){.jobs = count > 0 ? count : 1, .most_s = INFINITY};
}

struct side_by_side side_by_side_choose(const struct selection *selection, int threads, double available_bytes)
{
    struct side_by_side chosen = {.most_s = fmin(MOST_S, sum_of_seconds(selection) / (ROUNDS * threads))};
    size_t groups = 0;
    double bytes = 0;
    for (size_t first = 0, end; first < selection->count; first = end) {
        end = side_by_side_end(selection->points, first, selection->count);
        if (side_by_side_seconds(selection->points, first, end) > chosen.most_s)
            continue;
        groups++;
        bytes = fmax(bytes, most_bytes(selection->points, first, end, 1));
    }
    chosen.jobs = groups < (size_t)threads ? (int)groups : threads;
    while (chosen.jobs > 1 && chosen.jobs * bytes > available_bytes / 2)
        chosen.jobs--;
    return chosen.jobs > 1 ? chosen : side_by_side_given(selection, 1);
}
