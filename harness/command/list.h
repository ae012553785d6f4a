/* `alibicheck list`: what this program offers. */
#ifndef HARNESS_COMMAND_LIST_H
#define HARNESS_COMMAND_LIST_H

#include "harness/command/foreign_kernel.h"
#include "harness/run/selection.h"

/* What the command line asks for; strings belong to the caller. */
struct list_options {
    const char *topic;
    struct selection_options selection; /* cases and points, for the topics that take them; recipes for all */
    struct foreign_options foreign;     /* whose points they are, in place of those of kernels of ours */
    bool verbose, json;
};

/* Prints the list called options->topic. Returns the exit code. */
int list(const struct list_options *options, struct error *error);

/* The topics and what each prints, one a line, for --help. A new string, or NULL. */
char *list_topics(void);

/* Topic i, NULL behind the last. */
const char *list_topic(size_t i);

#endif
