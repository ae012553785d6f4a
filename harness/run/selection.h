/*
 * What commands that work on points have in common: which points, in what order, on which device.
 */
#ifndef HARNESS_RUN_SELECTION_H
#define HARNESS_RUN_SELECTION_H

#include <stdio.h>

#include "harness/case/case.h"
#include "harness/report/record/record.h"
#include "harness/subject/foreign.h"

/* A growing list of strings, which belong to the caller. */
struct strings {
    const char **items;
    size_t count;
};

/* Cases that are in no file. */
struct case_text {
    const char *name; /* what messages and records call it */
    const char *text;
    size_t size;
};

/* A part of a run: number index, from 1, of count. 0 of 0: all of it. */
struct shard {
    int index, count;
};

/* What the command line says of it (options.h). */
struct selection_options {
    struct strings paths;          /* case files and folders */
    const struct case_text *texts; /* [num_texts] behind them */
    size_t num_texts;
    struct strings settings; /* KEY=VALUE */
    struct strings only;     /* globs on point keys; none: every point */
    struct strings where;    /* expressions on the points' fields, all of which hold */
    struct strings recipes;  /* files and folders of further recipes */
    struct shard shard;
    const char *last_failed; /* a results file, of whose points those are meant that did not end as expected, or NULL */
    const char *example;     /* a CASE that the command takes, for who gives none */
    bool of_axes;            /* without paths, the settings are a case of their own (sweep) */
    char *recipe_setting;    /* what --recipe stands for, allocated; one of the settings */
    const char *device;      /* "auto", "cuda" or "host" */
    struct point_kernel foreign; /* that is run in place of points' own */
    int threads;
    FILE *notes; /* where is said what is no error; NULL: nowhere, and a path is then none of a shipped case */
};

/* What takes the place of points' own kernels where this one is run. */
struct point_kernel selection_kernel(const struct foreign_subject *subject);

/* What messages call the case of a command line's axes. */
#define CASE_OF_AXES "command line"

/* Whether the points are those of the settings alone. */
static inline bool selection_is_of_axes(const struct selection_options *options)
{
    return options->of_axes && options->paths.count == 0;
}

/* The points that are asked for, case by case. */
struct selection {
    struct case_list cases;
    struct point *points;
    size_t *places; /* of each point among those of all shards, ascending */
    size_t count, capacity;
    size_t num_elsewhere;  /* points of other shards, behind points[count - 1] */
    struct run_points run; /* of all shards */
};

/* Reads the recipes and the cases and selects. selection is overwritten; whatever the result, it is to be cleared.
 * ERROR_USAGE if no point is left. */
enum error_kind selection_make(struct selection *selection, const struct selection_options *options,
                               struct error *error);
void selection_clear(struct selection *selection);

/* ERROR_SYSTEM if `point`, which needs so much, does not fit into the memory that is available, or so many like it do
 * not at a time. */
enum error_kind selection_check_memory(const struct point *point, double needed_bytes, int jobs, struct error *error);

/* The same of all points, so many of which are run at a time, on so many threads together. */
enum error_kind selection_check_room(const struct selection *selection, int threads, int jobs, struct error *error);

/* ERROR_SYSTEM if a point has a conventional reference, and none can be had. */
enum error_kind selection_check_references(const struct selection *selection, struct error *error);

/* ERROR_USAGE if none of the points is in the shard that is asked for, which is right for a run of many and nothing
 * that `command` could say something of. */
enum error_kind selection_check_any(const struct selection *selection, const struct selection_options *options,
                                    const char *command, struct error *error);

/* ERROR_USAGE if that is no device's name; NULL is auto. */
enum error_kind selection_check_device_name(const char *device, struct error *error);

/* Starts the CPU threads and opens the device that is asked for; auto: a GPU if one answers, else
 * the host, and a note says why. */
enum error_kind selection_open_device(struct device **device, const struct selection_options *options,
                                      struct error *error);

#endif
