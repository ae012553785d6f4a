/*
 * What the public objects of libalibicheck-run are.
 */
#ifndef HARNESS_RUN_CASES_API_H
#define HARNESS_RUN_CASES_API_H

#include <stdatomic.h>

#include "harness/library/api_end.h"
#include "harness/run/selection.h"
#include "reference/progress.h"

/* Strings of its own. */
struct owned_strings {
    char **items;
    size_t count, capacity;
};

struct alibicheck_cases {
    struct owned_strings paths, names, texts, settings, only, where; /* names and texts one for one */
    int threads;                                                     /* 0: the default */
};

struct alibicheck_run_progress {
    struct progress progress;
    atomic_llong done, points;
};

/* What the cases ask for, in lists of strings that are the cases' own. options is overwritten and, whatever the result,
 * to be cleared. */
enum error_kind cases_options(struct selection_options *options, const struct alibicheck_cases *cases,
                              struct error *failure);
void cases_options_clear(struct selection_options *options);

#endif
