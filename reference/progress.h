/*
 * How far long work has come, and whether to stop it. Written by workers, read by whoever draws it.
 */
#ifndef REFERENCE_PROGRESS_H
#define REFERENCE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>

struct progress {
    atomic_bool cancelled; /* set by a signal handler; workers return ERROR_INTERRUPTED soon after */
    atomic_long work_done; /* in units of one key of one query head of plain truth */
};

/* Both accept NULL: nobody watches and nothing cancels. */
static inline bool progress_cancelled(const struct progress *progress)
{
    return progress && atomic_load_explicit(&progress->cancelled, memory_order_relaxed);
}

static inline void progress_add(struct progress *progress, long work)
{
    if (progress)
        atomic_fetch_add_explicit(&progress->work_done, work, memory_order_relaxed);
}

#endif
