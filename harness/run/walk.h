/*
 * A run under way: its points are evaluated, some at a time, and their records handed to the sinks.
 */
#ifndef HARNESS_RUN_WALK_H
#define HARNESS_RUN_WALK_H

#include "harness/report/sink/sink.h"
#include "harness/run/selection.h"
#include "harness/run/side_by_side.h"
#include "harness/subject/foreign.h"

/* A kernel that is not ours, run in place of points' own. */
struct walk_foreign {
    const struct foreign_subject *subject;
    const char *name;   /* what messages call it: "--plugin ./mine.so" */
    const char *digest; /* of the file that it is in; NULL, "": nobody knows */
    const char *option; /* for a command line that runs it again; NULL: there is none */
    /* Another one of it, for a worker beside the first; *opened, which may be NULL if that failed, goes to close. */
    enum error_kind (*open)(void *context, void **opened, const struct foreign_subject **subject, struct error *error);
    void (*close)(void *opened);
    void *context;
};

struct walk {
    const struct selection *selection;
    const struct work_order *order;        /* of its points */
    const struct selection_options *asked; /* what it is of: records say so */
    const struct kept_record **kept;       /* [selection->count]; NULL for a point that is to be run */
    struct device *device;                 /* may be NULL with foreign */
    const struct walk_foreign *foreign;    /* NULL: points' own kernels are run */
    struct side_by_side beside;            /* points at a time, */
    int threads;                           /* and the threads that they share, or that one has alone */
    bool fail_fast;                        /* stop at the first point that does not end as expected */
    double time_limit_s;                   /* no point begins later than this; 0: no limit */
    bool is_displayed;                     /* on a terminal (progress_display.h) */
    struct progress *progress;
    struct sink *sinks; /* [num_sinks], open */
    size_t num_sinks;
    struct summary *summary; /* points_total and points_kept are set; the rest is filled in */

    /* Begins and ends the watch for kernels that crash on the host device (harness/command/crash.h); NULL: nobody
     * watches. */
    enum error_kind (*watch_begin)(int (*end)(void *context, const char *signal), void *context, struct error *error);
    void (*watch_end)(void);
    /* One has crashed, and its points have got their records: closes the sinks and returns the exit code, with which
     * the process ends. error says what crashed. */
    int (*crashed)(void *context, enum error_kind kind, const struct error *error);
    void *crashed_context;
};

/* What records call the device that points run on. */
const char *walk_device(bool foreign, const struct device *device);

/*
 * Walks through the points. ERROR_INTERRUPTED after progress is cancelled, or when the time limit has come: the points
 * done until then have their records. summary->cut_short says why not all are done where that was asked for: the time
 * limit, and fail_fast, which is no error.
 */
enum error_kind walk_points(struct walk *walk, struct error *error);

#endif
