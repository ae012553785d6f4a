#include "harness/run/side_by_side.h"

#include <math.h>

#include "harness/evaluate/cost.h"
#include "harness/evaluate/evaluate.h"

/* A point that takes longer, whose steps are then seen, or more memory runs alone. */
#define MOST_POINT_S 0.5
#define MOST_BYTES WORK_ORDER_LARGE_BYTES

/* How many rounds of all threads the points of a run are to make at least. */
enum { ROUNDS = 4 };

/* What a point takes behind those of its group, from `first` on. */
static double point_seconds(const struct work_order *order, size_t first, size_t position)
{
    const struct work_units units = work_order_units(order, position, position > first);
    return work_seconds(&units, work_order_point(order, position)->kernel);
}

double side_by_side_seconds(const struct work_order *order, size_t first, size_t end)
{
    double sum_s = 0;
    for (size_t i = first; i < end; i++)
        sum_s += point_seconds(order, first, i);
    return sum_s;
}

static double sum_of_seconds(const struct work_order *order)
{
    double sum_s = 0;
    for (size_t first = 0, end; first < order->count; first = end) {
        end = work_order_group_end(order, first);
        sum_s += side_by_side_seconds(order, first, end);
    }
    return sum_s;
}

static double most_bytes(const struct work_order *order, size_t first, size_t end)
{
    double most = 0;
    for (size_t i = first; i < end; i++)
        most = fmax(most, evaluate_bytes(work_order_point(order, i), 1));
    return most;
}

bool side_by_side_is_alone(const struct side_by_side *beside, const struct work_order *order, size_t first, size_t end)
{
    double most_s = 0;
    for (size_t i = first; i < end; i++)
        most_s = fmax(most_s, point_seconds(order, first, i));
    return most_s > beside->most_point_s || side_by_side_seconds(order, first, end) > beside->most_s ||
           most_bytes(order, first, end) > beside->most_bytes;
}

struct side_by_side side_by_side_given(size_t num_points, int jobs)
{
    int count = num_points < (size_t)jobs ? (int)num_points : jobs;
    return (struct side_by_side){
        .jobs = count > 0 ? count : 1, .most_s = INFINITY, .most_point_s = INFINITY, .most_bytes = INFINITY};
}

struct side_by_side side_by_side_choose(const struct work_order *order, int threads, double available_bytes)
{
    struct side_by_side chosen = {
        .most_s = sum_of_seconds(order) / (ROUNDS * threads), .most_point_s = MOST_POINT_S, .most_bytes = MOST_BYTES};
    size_t groups = 0;
    double bytes = 0;
    for (size_t first = 0, end; first < order->count; first = end) {
        end = work_order_group_end(order, first);
        if (side_by_side_is_alone(&chosen, order, first, end))
            continue;
        groups++;
        bytes = fmax(bytes, most_bytes(order, first, end));
    }
    chosen.jobs = groups < (size_t)threads ? (int)groups : threads;
    while (chosen.jobs * bytes > available_bytes / 2)
        chosen.jobs--;
    return chosen.jobs > 1 ? chosen : side_by_side_given(order->count, 1);
}
