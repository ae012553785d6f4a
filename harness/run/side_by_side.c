#include "harness/run/side_by_side.h"

#include <math.h>

#include "harness/evaluate/cost.h"
#include "harness/evaluate/evaluate.h"

/* A point that takes longer, whose steps are then seen, or more memory runs alone. */
#define MOST_POINT_S 0.5
#define MOST_BYTES 256e6

/* How many rounds of all threads the points of a run are to make at least. */
enum { ROUNDS = 4 };

size_t side_by_side_end(const struct point *points, size_t first, size_t end)
{
    size_t last = first + 1;
    while (last < end && problem_spec_equal(&points[first].problem, &points[last].problem))
        last++;
    return last;
}

/* What a point takes behind those of its group, from `first` on. */
static double point_seconds(const struct point *points, size_t first, size_t index)
{
    const struct work_units units = work_units(&points[index], index > first ? &points[index - 1] : NULL);
    return work_seconds(&units, points[index].kernel);
}

double side_by_side_seconds(const struct point *points, size_t first, size_t end)
{
    double sum_s = 0;
    for (size_t i = first; i < end; i++)
        sum_s += point_seconds(points, first, i);
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

static double most_bytes(const struct point *points, size_t first, size_t end)
{
    double most = 0;
    for (size_t i = first; i < end; i++)
        most = fmax(most, evaluate_bytes(&points[i], 1));
    return most;
}

bool side_by_side_is_alone(const struct side_by_side *beside, const struct point *points, size_t first, size_t end)
{
    double most_s = 0;
    for (size_t i = first; i < end; i++)
        most_s = fmax(most_s, point_seconds(points, first, i));
    return most_s > beside->most_point_s || side_by_side_seconds(points, first, end) > beside->most_s ||
           most_bytes(points, first, end) > beside->most_bytes;
}

struct side_by_side side_by_side_given(const struct selection *selection, int jobs)
{
    int count = selection->count < (size_t)jobs ? (int)selection->count : jobs;
    return (struct side_by_side){
        .jobs = count > 0 ? count : 1, .most_s = INFINITY, .most_point_s = INFINITY, .most_bytes = INFINITY};
}

struct side_by_side side_by_side_choose(const struct selection *selection, int threads, double available_bytes)
{
    struct side_by_side chosen = {.most_s = sum_of_seconds(selection) / (ROUNDS * threads),
                                  .most_point_s = MOST_POINT_S,
                                  .most_bytes = MOST_BYTES};
    size_t groups = 0;
    double bytes = 0;
    for (size_t first = 0, end; first < selection->count; first = end) {
        end = side_by_side_end(selection->points, first, selection->count);
        if (side_by_side_is_alone(&chosen, selection->points, first, end))
            continue;
        groups++;
        bytes = fmax(bytes, most_bytes(selection->points, first, end));
    }
    chosen.jobs = groups < (size_t)threads ? (int)groups : threads;
    while (chosen.jobs > 1 && chosen.jobs * bytes > available_bytes / 2)
        chosen.jobs--;
    return chosen.jobs > 1 ? chosen : side_by_side_given(selection, 1);
}
