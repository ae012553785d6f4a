/*
 * Options of the commands that run points.
 */
#ifndef HARNESS_COMMAND_RUN_OPTIONS_H
#define HARNESS_COMMAND_RUN_OPTIONS_H

#include <argp.h>

#include "harness/command/foreign_kernel.h"
#include "harness/command/outputs.h"

/* What the command line asks for; strings belong to the caller. */
struct run_options {
    struct selection_options selection;
    struct outputs outputs;
    struct table_options table;
    struct foreign_options foreign;      /* what is run in place of points' kernels */
    bool resume;                         /* the results file's records are kept, */
    bool any_build;                      /* those of another build too */
    bool dry_run;                        /* say what would be done */
    bool junit_style_said, junit_gitlab; /* whether there is --junit-style, and of it */
    size_t keep_failed;                  /* folders get so many points that failed, and no others; 0: all points */
    bool fail_fast;                      /* stop at the first point that does not end as expected */
    double time_limit_s;                 /* no point begins later than this; 0: no limit */
    int jobs;                            /* points at a time, which share the threads; 0: not said */
};

/*
 * Where records go, --resume, --jobs and the like, and those of selection_parsers: a child parser. Its input is a
 * struct run_options, zeroed but for selection.example and of_axes.
 */
const struct argp_child *run_parsers(void);

#endif
