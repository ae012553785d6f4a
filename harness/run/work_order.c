#include "harness/run/work_order.h"

#include <stdlib.h>

#include "harness/evaluate/evaluate.h"

static bool is_large(const struct point *point)
{
    return evaluate_bytes(point, 1) > WORK_ORDER_LARGE_BYTES;
}

/* Appends the points behind one that have its problem. */
static void append_alike(struct work_order *order, bool *placed, size_t index, size_t num_points)
{
    for (size_t i = index + 1; i < num_points; i++)
        if (!placed[i] && problem_spec_equal(&order->points[i].problem, &order->points[index].problem)) {
            placed[i] = true;
            order->indices[order->count++] = i;
        }
}

enum error_kind work_order_make(struct work_order *order, const struct selection *selection, bool as_they_stand,
                                struct error *error)
{
    const size_t num_points = selection->count;
    bool *placed = calloc(num_points + 1, sizeof *placed);
    *order = (struct work_order){.points = selection->points, .indices = calloc(num_points + 1, sizeof(size_t))};
    for (size_t i = 0; order->indices && placed && i < num_points; i++) {
        if (placed[i])
            continue;
        order->indices[order->count++] = i;
        if (!as_they_stand && is_large(&selection->points[i]))
            append_alike(order, placed, i, num_points);
    }
    bool made = order->indices && placed;
    free(placed);
    return made ? ERROR_NONE
                : error_memory(error, "the order of points", (double)(num_points * sizeof *order->indices));
}

void work_order_clear(struct work_order *order)
{
    free(order->indices);
    *order = (struct work_order){.points = NULL};
}

size_t work_order_group_end(const struct work_order *order, size_t first)
{
    const struct problem_spec *problem = &work_order_point(order, first)->problem;
    size_t end = first + 1;
    while (end < order->count && problem_spec_equal(problem, &work_order_point(order, end)->problem))
        end++;
    return end;
}

struct work_units work_order_units(const struct work_order *order, size_t position, bool shares)
{
    return work_units(work_order_point(order, position),
                      shares && position > 0 ? work_order_point(order, position - 1) : NULL);
}
