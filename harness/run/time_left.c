#include "harness/run/time_left.h"

static bool is_kept(const struct time_left *time_left, size_t position)
{
    return time_left->kept[time_left->order->indices[position]];
}

static struct work_units units_at(const struct time_left *time_left, size_t position)
{
    return work_order_units(time_left->order, position, position > 0 && !is_kept(time_left, position - 1));
}

struct time_left time_left_begin(const struct work_order *order, const struct kept_record *const *kept)
{
    struct time_left time_left = {.order = order, .kept = kept, .start_s = seconds_now()};
    for (size_t i = 0; i < order->count; i++) {
        const struct work_units units = units_at(&time_left, i);
        if (!is_kept(&time_left, i))
            cost_expect(&time_left.left, &units, work_order_point(order, i)->kernel, 1);
    }
    return time_left;
}

void time_left_learn(struct time_left *time_left, size_t position, const struct seconds *seconds)
{
    const struct work_units units = units_at(time_left, position);
    enum kernel kernel = work_order_point(time_left->order, position)->kernel;
    cost_learn(&time_left->seen, &units, kernel, seconds);
    cost_expect(&time_left->left, &units, kernel, -1);
    time_left->evaluated_s += seconds_sum(seconds);
}

/* What steps are expected to take, corrected by how much of the clock the steps done so far are: points may run beside
 * each other. */
double time_left_s(const struct time_left *time_left)
{
    double elapsed_s = seconds_now() - time_left->start_s;
    double left_s = cost_predict(&time_left->seen, &time_left->left);
    return time_left->evaluated_s > 0 ? left_s * elapsed_s / time_left->evaluated_s : left_s;
}
