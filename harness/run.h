/*
 * `alibicheck run`: cases in, every point run, judged and handed to the sinks.
 */
#ifndef HARNESS_RUN_H
#define HARNESS_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "reference/error.h"
#include "reference/progress.h"

/* What the command line asks for; strings belong to the caller. */
struct run_options {
    const char *const *paths; /* case files and folders */
    size_t num_paths;
    const char *const *settings; /* KEY=VALUE */
    size_t num_settings;
    const char *const *only; /* globs on point keys; none: every point */
    size_t num_only;
    const char *device;  /* "auto", "cuda" or "host" */
    const char *results; /* NULL: not written */
    const char *junit;
    const char *dump;
    int threads;
};

/*
 * Runs. progress->cancelled may be set at any time, by a signal handler too: the point in work is given up, what was
 * done stays. Returns the exit code; *error has the reason where that is not 0 or 1.
 */
int run(const struct run_options *options, struct progress *progress, struct error *error);

#endif
