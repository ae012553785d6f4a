#include "harness/command/dry_run.h"

#include <stdio.h>
#include <string.h>

#include "harness/evaluate/evaluate.h"
#include "harness/support/file.h"
#include "harness/support/memory.h"
#include "harness/support/progress_display.h"

/* What is to be run: whether a kernel takes a point is known before. */
struct plan {
    const struct selection *selection;
    const struct kept_record **kept;
    struct evaluator evaluator;
    size_t num_kept, num_skipped;
    char reason[SUBJECT_TEXT_SIZE]; /* why the first is skipped, */
    bool has_others;                /* and whether another is for another reason */
};

static bool is_run(struct plan *plan, size_t i)
{
    char text[SUBJECT_TEXT_SIZE];
    return !plan->kept[i] && evaluate_takes(&plan->evaluator, &plan->selection->points[i], text);
}

static void count(struct plan *plan)
{
    char text[SUBJECT_TEXT_SIZE];
    for (size_t i = 0; i < plan->selection->count; i++) {
        plan->num_kept += plan->kept[i] != NULL;
        if (plan->kept[i] || evaluate_takes(&plan->evaluator, &plan->selection->points[i], text))
            continue;
        if (plan->num_skipped++ == 0)
            memcpy(plan->reason, text, sizeof text);
        plan->has_others |= strcmp(plan->reason, text) != 0;
    }
}

static double expected_seconds(struct plan *plan, const struct work_order *order)
{
    double sum_s = 0;
    for (size_t i = 0; i < order->count; i++) {
        const struct work_units units = work_order_units(order, i, i > 0 && is_run(plan, order->indices[i - 1]));
        sum_s += is_run(plan, order->indices[i]) ? work_seconds(&units, work_order_point(order, i)->kernel) : 0;
    }
    return sum_s;
}

/* The point that takes most memory, and how much with those beside it. */
static const struct point *find_largest(struct plan *plan, const struct work_order *order,
                                        const struct side_by_side *beside, int threads, double *most_bytes)
{
    const struct point *largest = NULL;
    *most_bytes = 0;
    for (size_t first = 0, end; first < order->count; first = end) {
        end = work_order_group_end(order, first);
        bool alone = side_by_side_is_alone(beside, order, first, end);
        int jobs = alone ? 1 : beside->jobs, of_one = threads > jobs ? threads / jobs : 1;
        for (size_t i = first; i < end; i++) {
            const struct point *point = work_order_point(order, i);
            double bytes = is_run(plan, order->indices[i]) ? jobs * evaluate_bytes(point, of_one) : 0;
            if (bytes > *most_bytes) {
                *most_bytes = bytes;
                largest = point;
            }
        }
    }
    return largest;
}

enum error_kind dry_run(const struct run_options *options, const struct selection *selection,
                        const struct work_order *order, const struct side_by_side *beside,
                        const struct foreign_subject *foreign, const struct kept_record **kept, struct error *error)
{
    struct plan plan = {.selection = selection, .kept = kept, .evaluator = {.foreign = foreign}};
    char time[32], sizes[2][32], key[POINT_KEY_SIZE];
    double bytes, available_bytes = memory_available_bytes();
    const struct point *largest = find_largest(&plan, order, beside, options->selection.threads, &bytes);
    count(&plan);
    printf("points   %zu", selection->count);
    if (options->selection.shard.count > 0)
        printf(" of %zu, shard %d of %d", selection->run.count, options->selection.shard.index,
               options->selection.shard.count);
    if (plan.num_kept > 0)
        printf(", %zu of them done", plan.num_kept);
    printf("\n");
    if (plan.num_skipped > 0)
        printf("skipped  %zu of them (%s%s)\n", plan.num_skipped, plan.has_others ? "the first: " : "", plan.reason);
    format_time(time, sizeof time, expected_seconds(&plan, order));
    printf("time     about %s on the 2 cores that this was measured on; a run corrects it as it goes\n", time);
    if (bytes > 0)
        printf("memory   up to %s of %s available%s, for %s\n", format_size(sizes[0], bytes),
               format_size(sizes[1], available_bytes), bytes > available_bytes ? ": TOO MUCH" : "",
               point_key(key, largest));
    return file_flush(stdout, error);
}
