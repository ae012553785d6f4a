/*
 * A run under way: its points are evaluated, some at a time, and their records handed to the sinks.
 */
#ifndef HARNESS_COMMAND_WALK_H
#define HARNESS_COMMAND_WALK_H

#include "harness/command/run_options.h"
#include "harness/report/sink/sink.h"

struct walk {
    const struct run_options *options;
    const struct selection *selection;
    const struct kept_record **kept; /* [selection->count]; NULL for a point that is to be run */
    struct device *device;
    const struct foreign_opened *foreign; /* what is run in place of points' kernels; NULL: those are */
    struct progress *progress;
    struct sink *sinks; /* [num_sinks], open */
    size_t num_sinks;
    struct summary *summary; /* points_total and points_kept are set; the rest is filled in */

    /* A kernel has crashed on the host device (crash.h), whose points have got their records: closes the sinks and
     * returns the exit code, with which the process ends. error says what crashed. */
    int (*crashed)(void *context, enum error_kind kind, const struct error *error);
    void *crashed_context;
};

/* What records call the device that points run on. */
const char *walk_device(const struct foreign_opened *foreign, const struct device *device);

/* Whether two points that stand together share their inputs: who works on one works on the other. */
bool walk_points_belong(const struct point *a, const struct point *b);

/*
 * Walks through the points. ERROR_INTERRUPTED after progress is cancelled, or when the time limit has come: the points
 * done until then have their records. summary->cut_short says why not all are done where the command line asked for it:
 * the time limit, and --fail-fast, which is no error.
 */
enum error_kind walk_points(struct walk *walk, struct error *error);

#endif
