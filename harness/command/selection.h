/*
 * What commands that work on points have in common: which points, in what order, on which device.
 */
#ifndef HARNESS_COMMAND_SELECTION_H
#define HARNESS_COMMAND_SELECTION_H

#include "harness/case/case.h"

/* A growing list of strings, which belong to the caller. */
struct strings {
    const char **items;
    size_t count;
};

/* What the command line says of it (options.h). */
struct selection_options {
    struct strings paths;    /* case files and folders */
    struct strings settings; /* KEY=VALUE */
    struct strings only;     /* globs on point keys; none: every point */
    struct strings recipes;  /* files and folders of further recipes */
    const char *example;     /* a CASE that the command takes, for who gives none */
    char *recipe_setting;    /* what --recipe stands for, allocated; one of the settings */
    const char *device;      /* "auto", "cuda" or "host" */
    int threads;
};

/* The points that are asked for, case by case. */
struct selection {
    struct case_list cases;
    struct point *points;
    size_t count, capacity;
};

/* Reads the recipes and the cases and selects. selection is overwritten; whatever the result, it is to be cleared.
 * ERROR_USAGE if no point is left. */
enum error_kind selection_make(struct selection *selection, const struct selection_options *options,
                               struct error *error);
void selection_clear(struct selection *selection);

/* ERROR_SYSTEM if `point`, which needs so much, does not fit into the memory that is available. */
enum error_kind selection_check_memory(const struct point *point, double needed_bytes, struct error *error);

/* Starts the CPU threads and opens the device that is asked for; auto: a GPU if one answers, else
 * the host, and a line on stderr says why. */
enum error_kind selection_open_device(struct device **device, const struct selection_options *options,
                                      struct error *error);

#endif
