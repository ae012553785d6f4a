#include "harness/run/time_left.h"

static struct work_units units_at(const struct time_left *time_left, size_t index)
{
    const struct point *points = time_left->selection->points;
    return work_units(&points[index], index > 0 && !time_left->kept[index - 1] ? &points[index - 1] : NULL);
}

struct time_left time_left_begin(const struct selection *selection, const struct kept_record *const *kept)
{
    struct time_left time_left = {.selection = selection, .kept = kept, .start_s = seconds_now()};
    for (size_t i = 0; i < selection->count; i++) {
        const struct work_units units = units_at(&time_left, i);
        if (!kept[i])
            cost_expect(&time_left.left, &units, selection->points[i].kernel, 1);
    }
    return time_left;
}

void time_left_learn(struct time_left *time_left, size_t index, const struct seconds *seconds)
{
    const struct work_units units = units_at(time_left, index);
    enum kernel kernel = time_left->selection->points[index].kernel;
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
