/* The YAML files that an argument of the command line stands for. */
#ifndef HARNESS_CASE_CASE_PATHS_H
#define HARNESS_CASE_CASE_PATHS_H

#include <stddef.h>

#include "reference/error.h"

/* Zeroed before use. */
struct paths {
    char **paths;
    size_t count;
};

/*
 * Appends path, or if it is a folder the *.yaml and *.yml files below it in order of name; names that start with a dot
 * are skipped, as a shell does, and so are folders below it that are called except (NULL: none). ERROR_USAGE if the
 * folder has none; what ("case") says of which kind.
 */
enum error_kind paths_find(struct paths *paths, const char *path, const char *what, const char *except,
                           struct error *error);
void paths_clear(struct paths *paths);

#endif
