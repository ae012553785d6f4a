/*
 * In which order the points of a run are worked on: as they stand, but for those whose inputs are beyond what caches
 * hold. Of these, the points of one problem follow each other, whatever cases they are of, and its inputs are made
 * once.
 */
#ifndef HARNESS_RUN_WORK_ORDER_H
#define HARNESS_RUN_WORK_ORDER_H

#include "harness/evaluate/cost.h"
#include "harness/run/selection.h"

/* Memory that a point with such inputs takes at least (evaluate_bytes). */
#define WORK_ORDER_LARGE_BYTES 256e6

struct work_order {
    const struct point *points; /* the selection's, which outlives it */
    size_t *indices;            /* [count] among them, each once */
    size_t count;
};

/* as_they_stand: whatever their inputs. order is overwritten; whatever the result, it is to be cleared. */
enum error_kind work_order_make(struct work_order *order, const struct selection *selection, bool as_they_stand,
                                struct error *error);
void work_order_clear(struct work_order *order);

static inline const struct point *work_order_point(const struct work_order *order, size_t position)
{
    return &order->points[order->indices[position]];
}

/* Behind the points from `first` on that are worked on together, as they share their inputs. */
size_t work_order_group_end(const struct work_order *order, size_t first);

/* The units of a point (cost.h) behind the one before it; shares: that one is worked on, and makes what both need. */
struct work_units work_order_units(const struct work_order *order, size_t position, bool shares);

#endif
